"""A method with a kind of artifact of its own is one module and one spec, from the plan to a loaded model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import suite
from suite.core.errors import SuiteError
from suite.models import artifacts

MODULE = '''
"""A trained factor for each dimension of the embeddings, all else frozen."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from suite.methods import lora
from suite.models.artifacts import Artifact, register
from suite.training.config import Optimisation
from suite.training.requirements import Requirements, optimisation_requirements

FAMILY, VERSION, TRAINS = "full", 1, True
prerequisites, stack = lora.prerequisites, lora.stack


class Config(Optimisation):
    """Settings."""

    steps: int = 4
    """Optimiser steps."""
    learning_rate: float = 0.1
    """Peak learning rate."""


def requirements(config: Config) -> Requirements:
    """Gradient steps."""
    return optimisation_requirements(config)


@contextmanager
def scaled(backbone, factors):
    """The embeddings times factors; yields a switch."""
    on = {"on": True}
    table = backbone.model.get_input_embeddings()
    hook = table.register_forward_hook(lambda _, ids, found: found * factors.to(found) if on["on"] else found)
    try:
        yield on
    finally:
        hook.remove()


@register
@dataclass(frozen=True, eq=False)
class EmbeddingFactors(Artifact):
    """A factor for each dimension of the embeddings."""

    kind: ClassVar[str] = "embedding_factors"
    order: ClassVar[int] = 35
    factors: object

    @property
    def tensors(self):
        return {"factors": self.factors}

    @classmethod
    def from_saved(cls, tensors, settings):
        return cls(tensors["factors"])

    @contextmanager
    def apply(self, to):
        with scaled(to.backbone, self.factors):
            yield to

    def changes(self, model, replaced):
        table = model.backbone.model.get_input_embeddings()
        yield table, table.weight, table.weight.float() * (self.factors.to(table.weight.device) - 1)


def train(config: Config, job):
    """Train the factors; the hook is removed afterwards."""
    import torch

    from suite.training.job import Trained
    from suite.training.objectives.optimise import optimise
    from suite.training.trainable import Trainable

    factors = torch.nn.Parameter(torch.ones(job.backbone.width, device=job.backbone.device), requires_grad=False)
    with scaled(job.backbone, factors) as switch:

        @contextmanager
        def base():
            switch["on"] = False
            try:
                yield
            finally:
                switch["on"] = True

        fit = optimise(config, job, Trainable({"factors": factors}, base))
    return Trained(EmbeddingFactors(fit.best["factors"]), fit, factors.numel())
'''
TRACK = """
extends: micro
name: tiny
held_out: {roles: [cb], shots: [0], documents: 8}
target: {documents: 8}
selection: {documents: 8}
seeds: [0]
budget: {batch_size: 4}
"""
SPEC = "name: own\nmethod: {name: own}\ntargets: [rte]\n"


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[Path]:
    known = dict(artifacts.kinds())
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "own.py").write_text(MODULE)
    (tmp_path / "tiny.yaml").write_text(TRACK)
    (tmp_path / "own.yaml").write_text(SPEC)
    yield tmp_path / "own.yaml"
    artifacts._KINDS.clear()
    artifacts._KINDS.update(known)


def forget() -> None:
    """Be as a process that has not loaded the method."""
    artifacts._KINDS.pop("embedding_factors")
    for name in [each for each in sys.modules if each.startswith("suite_workspace_") and each.endswith(".own")]:
        del sys.modules[name]


def test_a_method_with_a_kind_of_its_own_is_planned_trained_evaluated_and_loaded(spec: Path) -> None:
    home = spec.parent / "home"
    loaded = suite.load_spec(spec, track=str(spec.parent / "tiny.yaml"))
    plan = suite.plan(loaded, home=home)
    suite.run(plan)
    (artifact,) = (home / "artifacts").rglob("artifact.json")
    assert '"kind": "embedding_factors"' in artifact.read_text()
    again = suite.plan(loaded, home=home)
    assert {step.status for step in again.steps()} == {"done"}
    forget()
    with suite.load_model("own", home=home) as model:
        assert [each.part.kind for each in model.adapted.applied] == ["embedding_factors"]
        table = model.adapted.backbone.model.get_input_embeddings()
        ids = torch.tensor([5])
        assert not torch.equal(table(ids), table.weight[ids])
        assert len(model.answer(["red"], max_new_tokens=2)) == 1
    assert torch.equal(table(ids), table.weight[ids])
    forget()
    saved = suite.save("own", spec.parent / "saved", home=home)
    weights = load_file(saved.folder / "model.safetensors")["model.embed_tokens.weight"]
    factors = load_file(artifact.parent / "artifact.safetensors")["factors"]
    torch.testing.assert_close(weights, table.weight * factors)
    forget()
    (spec.parent / "methods" / "own.py").write_text(MODULE + "\n# another version\n")
    with pytest.raises(SuiteError, match="trained by another version of the method 'own'"):
        suite.load_model("own", home=home)
