"""Values of parameters are replaced one by one; those of a large model are away from the device meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor

from suite.core.errors import SuiteError
from suite.models import offload
from suite.models.adapted import AdaptedModel
from suite.models.artifacts.weights import Weights
from suite.models.offload import moving
from suite.models.replacing import replacing
from tests.models.tiny_models import tiny_backbone


def test_old_values_are_away_and_come_back_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offload, "LARGE", 0)
    backbone = tiny_backbone("decoder")
    parameters = dict(backbone.model.named_parameters())
    before = {name: each.detach().clone() for name, each in parameters.items()}
    artifact = Weights({name: each + 1 for name, each in before.items()})
    moved: list[int] = []

    def elsewhere(tensors: Mapping[str, Tensor], copy: bool) -> dict[str, Tensor]:
        moved.extend(each.numel() for each in tensors.values())
        return {name: each.clone() for name, each in tensors.items()}

    with moving(elsewhere), artifact.apply(AdaptedModel(backbone, backbone.model)) as current:
        assert moved == [each.numel() for each in before.values()]
        for each, (name, parameter) in zip(current.replaced, parameters.items(), strict=True):
            assert torch.equal(parameter, artifact.state[name])
            assert torch.equal(each.before, before[name])
    assert all(torch.equal(each, before[name]) for name, each in parameters.items())
    assert all(each is parameters[name] for name, each in backbone.model.named_parameters())


def test_each_value_is_computed_when_the_one_before_is_in_place_and_an_error_restores_all() -> None:
    backbone = tiny_backbone("decoder")
    parameters = dict(backbone.model.named_parameters())
    first, second, *_ = parameters
    before = {name: each.detach().clone() for name, each in parameters.items()}

    def values() -> Iterator[tuple[str, Tensor]]:
        yield first, before[first] + 1
        assert torch.equal(parameters[first], before[first] + 1)
        yield second, before[second][:1]

    with pytest.raises(SuiteError, match=f"'{second}' is"), replacing(backbone.model, values()):
        pass
    assert all(torch.equal(each, before[name]) for name, each in parameters.items())
