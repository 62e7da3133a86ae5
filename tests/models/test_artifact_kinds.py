"""Kinds of artifacts: those of before load byte for byte, and a new one is one class that nothing else has to know."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from typing_extensions import Self

from suite.core.errors import StepFailed, SuiteError
from suite.models import artifacts
from suite.models.adapted import AdaptedModel, Change
from suite.models.apply import applied
from suite.models.artifacts import Artifact, ParameterArtifact, kinds, load_artifact, register
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.weights import Weights
from suite.models.backbone import Backbone
from suite.models.in_effect import assert_in_effect
from tests.models.tiny_models import bits

STORED = Path(__file__).parent / "stored_artifacts"
"""An artifact of every kind, as version 0.1.0 wrote it before kinds were registered classes."""
OURS = {name: kind for name, kind in kinds().items() if kind.__module__.startswith("suite.")}


@pytest.mark.parametrize("kind", sorted(OURS))
def test_a_stored_artifact_of_before_loads_and_is_saved_byte_for_byte(kind: str, tmp_path: Path) -> None:
    found = load_artifact(STORED / kind, "a base model")
    assert type(found) is OURS[kind]
    found.save(tmp_path, base="a base model", extra={"step": kind})
    for file in ("artifact.json", "artifact.safetensors"):
        assert (tmp_path / file).read_bytes() == (STORED / kind / file).read_bytes()


@pytest.fixture
def only_here() -> Iterator[None]:
    """Kinds that a test registers are forgotten after it."""
    known = dict(artifacts.kinds())
    yield
    artifacts._KINDS.clear()
    artifacts._KINDS.update(known)


@dataclass(frozen=True, eq=False)
class GainOffsets(ParameterArtifact):
    """What is added to some of the model's vectors (BitFit, for models without biases)."""

    kind: ClassVar[str] = "gain_offsets"
    offsets: Mapping[str, Tensor]

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        return self.offsets

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        return cls(tensors)

    def new_values(self, backbone: Backbone) -> Mapping[str, Tensor]:
        return {name: backbone.model.get_parameter(name) + offset for name, offset in self.offsets.items()}


@dataclass(frozen=True, eq=False)
class EmbeddingScale(Artifact):
    """A factor for each dimension of the embeddings, put on by a hook: no parameter changes."""

    kind: ClassVar[str] = "embedding_scale"
    order: ClassVar[int] = 35
    factors: Tensor

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        return {"factors": self.factors}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        return cls(tensors["factors"])

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        table = to.backbone.model.get_input_embeddings()
        hook = table.register_forward_hook(lambda *given: given[2] * self.factors)
        try:
            yield replace(to)
        finally:
            hook.remove()

    def changes(self, model: AdaptedModel, replaced: object) -> Iterator[Change]:
        table = model.backbone.model.get_input_embeddings()
        yield table, table.weight, table.weight * (self.factors - 1)


def gains(backbone: Backbone, offset: float = 0.5) -> GainOffsets:
    vectors = [name for name, tensor in backbone.model.named_parameters() if tensor.ndim == 1]
    return GainOffsets({name: torch.full_like(backbone.model.get_parameter(name), offset) for name in vectors})


def scale(backbone: Backbone, factor: float = 3.0) -> EmbeddingScale:
    return EmbeddingScale(torch.full((backbone.width,), factor))


@torch.no_grad()
def logits(adapted: AdaptedModel) -> Tensor:
    ids = torch.arange(5, 12)[None]
    embeds, mask = adapted.embed(ids, torch.ones_like(ids), side="left")
    more = {"decoder_input_ids": ids} if adapted.backbone.shape == "encoder-decoder" else {}
    return adapted.model(inputs_embeds=embeds, attention_mask=mask, **more).logits  # type: ignore[no-any-return]


@pytest.mark.usefixtures("only_here")
def test_a_new_kind_is_saved_loaded_applied_checked_and_removed(backbone: Backbone, tmp_path: Path) -> None:
    before, base = bits(backbone.model), logits(AdaptedModel(backbone, backbone.model))
    for made in (gains(backbone), scale(backbone)):
        register(type(made))
        made.save(tmp_path / made.kind, base=backbone.identity)
        with applied(backbone, [load_artifact(tmp_path / made.kind, backbone.identity)]) as current:
            assert_in_effect(current)
            assert current.in_model == (made.hash,)
            assert not torch.allclose(logits(current), base)
        assert bits(backbone.model) == before
        assert torch.equal(logits(AdaptedModel(backbone, backbone.model)), base)


def test_a_new_kind_goes_with_others_in_the_order_of_kinds(backbone: Backbone) -> None:
    made = [SoftPrompt(torch.randn(3, backbone.width)), scale(backbone), gains(backbone)]
    with applied(backbone, made) as current:
        assert_in_effect(current)
        assert [each.part.kind for each in current.applied] == ["gain_offsets", "embedding_scale", "prompt"]
        assert current.in_model == tuple(each.hash for each in made[1:])


def test_a_new_kind_that_changes_nothing_or_is_overwritten_is_noticed(backbone: Backbone) -> None:
    for idle in (gains(backbone, 0.0), scale(backbone, 1.0)):
        with applied(backbone, [idle]) as current, pytest.raises(SuiteError, match="changes nothing"):
            assert_in_effect(current)
    made = gains(backbone)
    with applied(backbone, [made]) as current:
        parameter = backbone.model.get_parameter(next(iter(made.offsets)))
        parameter.data = parameter.data + 1.0
        with pytest.raises(SuiteError, match="does not hold the values"):
            assert_in_effect(current)


@pytest.mark.usefixtures("only_here")
def test_a_name_is_of_one_kind(tmp_path: Path) -> None:
    gains_too = type("GainsToo", (GainOffsets,), {})
    register(GainOffsets)
    with pytest.raises(ValueError, match=r"is the kind of .*GainOffsets already"):
        register(gains_too)
    edited = type("GainOffsets", (GainOffsets,), {"__module__": f"loaded_anew.{__name__.rpartition('.')[2]}"})
    register(edited)
    assert kinds()["gain_offsets"] is edited
    GainOffsets({"a": torch.ones(1)}).save(tmp_path, base="me")
    artifacts._KINDS.pop("gain_offsets")
    with pytest.raises(SuiteError, match="unknown kind of artifact 'gain_offsets'"):
        load_artifact(tmp_path, "me")


def test_parts_are_named_and_a_kind_can_be_asked_for() -> None:
    joint = Joint(torch.ones(2, 3), {"w": torch.zeros(2)})
    assert joint.part("weights").hash == Weights({"w": torch.zeros(2)}).hash
    assert joint.part("prompt").hash == SoftPrompt(torch.ones(2, 3)).hash
    with pytest.raises(StepFailed, match="kind 'joint' has no part 'adapter'"):
        joint.part("adapter")
    assert Joint.of(joint) is joint
    with pytest.raises(StepFailed, match="kind 'adapter' is needed, not one of the kind 'joint'"):
        Adapter.of(joint)


def test_kinds_are_known_to_their_own_folder_alone() -> None:
    """No `isinstance` chain and no union of kinds: what is applied is asked."""
    names = {kind.__name__ for kind in OURS.values()} | {"Artifact", "ParameterArtifact"}
    asked = []
    for file in sorted([*Path("suite").rglob("*.py"), *Path("leaderboard").rglob("*.py")]):
        if file.is_relative_to("suite/models/artifacts"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                found = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)} & names
                asked += [f"{file}:{node.lineno}: {each}" for each in found]
    assert asked == []


def test_the_registry_imports_no_torch() -> None:
    code = "import sys, suite.models.artifacts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
