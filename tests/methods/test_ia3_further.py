"""IA³ that goes on from vectors which it was trained to before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.core.errors import StepFailed
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.backbone import Backbone
from tests.methods.tiny_jobs import config_of, ia3_vectors, job_for, method_of

METHOD = "ia3_further"


def test_training_begins_where_the_first_one_ended(backbone: Backbone, tmp_path: Path) -> None:
    first = ia3_vectors(backbone)
    config = config_of(METHOD, steps=1, learning_rate=1e-6, schedule="constant")
    found = method_of(METHOD).train(config, job_for(METHOD, backbone, tmp_path, parents=(first,))).artifact
    assert isinstance(found, Adapter)
    assert found.state.keys() == first.state.keys()
    for name, tensor in found.state.items():
        torch.testing.assert_close(tensor, first.state[name], rtol=0, atol=1e-5)
        assert float((tensor - 1).abs().max()) > 0.1


def test_it_goes_on_from_an_ia3_only(backbone: Backbone, tmp_path: Path) -> None:
    job = job_for(METHOD, backbone, tmp_path, parents=(SoftPrompt(torch.zeros(2, backbone.width)),))
    with pytest.raises(StepFailed, match="goes on from an IA³"):
        method_of(METHOD).train(config_of(METHOD), job)


def test_the_first_training_is_on_the_named_roles_or_on_the_targets() -> None:
    method, config = method_of(METHOD), config_of(METHOD)
    (alone,) = method.prerequisites(config, ("math",))
    (named,) = method.prerequisites(config.model_copy(update={"roles": ("math", "code")}), ("math",))
    assert (alone.method, alone.targets, named.targets) == ("ia3", ("math",), ("math", "code"))
