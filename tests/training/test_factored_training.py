"""SVF of large models: the same training without composed weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from suite.models import singular, svf_types
from suite.models.apply import applied
from suite.models.backbone import Backbone
from suite.models.linear_maps import read_directly
from suite.models.singular import factorise, matrices
from suite.training.singular import Composition, composing, factors_of, train_singular
from tests.architectures.families import backbone_of
from tests.methods.tiny_jobs import Terms, config_of, job_for, lengths
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import bits, tiny_backbone

MODELS = ("decoder", "encoder-decoder", "GPT-2", "Mamba")
WAYS = ("composed", "factored")


def model_named(name: str) -> Backbone:
    return tiny_backbone(name) if name in ("decoder", "encoder-decoder") else backbone_of(name)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decompositions keep the vectors of the shorter side only, as large matrices' do."""
    monkeypatch.setattr(singular, "LARGE", 0)


@contextmanager
def scaled_by(
    backbone: Backbone, way: str, patch: pytest.MonkeyPatch, rank: int | None = None
) -> Iterator[Composition]:
    """The model with masks from 0.2 to 2, composed or factored."""
    patch.setattr(svf_types, "STORED", 0 if way == "factored" else 2**31)
    names = matrices(backbone.model, "all")
    factors = {name: factorise(backbone.model.get_parameter(name)).cut(rank) for name in names}
    start = {name: torch.linspace(0.2, 2.0, len(each.values)) for name, each in factors.items()}
    with composing(backbone.model, factors, start, mask="linear", renormalise=True) as made:
        made.compose()
        yield made


def logits(backbone: Backbone) -> Tensor:
    ids = torch.tensor([[7, 8, 9]])
    more = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    return backbone.model(input_ids=ids, use_cache=False, **more).logits  # type: ignore[no-any-return]


@pytest.mark.parametrize("rank", [None, 5])
@pytest.mark.parametrize("name", MODELS)
def test_logits_and_gradients_are_those_of_composed_weights(
    name: str, rank: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, found = model_named(name), []
    for way in WAYS:
        with scaled_by(backbone, way, monkeypatch, rank) as made:
            assert bool(made.factored) == (way == "factored")
            output = logits(backbone)
            with torch.no_grad():
                made.compose()
                torch.testing.assert_close(logits(backbone), output.detach(), rtol=1e-6, atol=1e-6)
            (output.double().tanh() ** 2).sum().backward()
            gradients = [each.grad for each in made.parameters.values()]
            found.append((output.detach(), torch.cat([each for each in gradients if each is not None])))
    (wanted, right), (output, gradient) = found
    assert float((output - wanted).abs().max() / wanted.abs().max()) < 1e-5
    assert float((gradient - right).norm() / right.norm()) < 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_the_base_answers_in_between_as_before_and_nothing_is_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = model_named(name)
    before, base = bits(backbone.model), logits(backbone)
    with scaled_by(backbone, "factored", monkeypatch) as made, torch.no_grad():
        assert not torch.allclose(logits(backbone), base, rtol=1e-3)
        with made.base():
            assert torch.equal(logits(backbone), base)
        made.compose()
        assert not torch.allclose(logits(backbone), base, rtol=1e-3)
    assert bits(backbone.model) == before
    assert torch.equal(logits(backbone), base)
    assert not any("forward" in vars(module) for module in backbone.model.modules())


class Sizes(TorchDispatchMode):
    """The most numbers of a tensor that was allocated."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        own = {each.untyped_storage().data_ptr() for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor) and each.untyped_storage().data_ptr() not in own:
                self.most = max(self.most, each.untyped_storage().nbytes() // each.element_size())
        return made


@pytest.mark.parametrize("name", ["decoder", "encoder-decoder", "GPT-2"])
def test_no_tensor_of_a_weights_size_is_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, most = model_named(name), {}
    smallest = min(backbone.model.get_parameter(each).numel() for each in matrices(backbone.model, "all"))
    for way in WAYS:
        with scaled_by(backbone, way, monkeypatch), Sizes() as sizes:
            logits(backbone).sum().backward()
        most[way] = sizes.most
    assert most["factored"] < smallest <= most["composed"]


def test_maps_that_are_read_without_a_call_are_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = backbone_of("Mamba")
    direct = {f"{path}.weight" for path in read_directly(backbone.model)}
    with scaled_by(backbone, "composed", monkeypatch) as made:
        weights = {name: made.modules[name].weight for name in direct}
    with scaled_by(backbone, "factored", monkeypatch) as made:
        assert made.factored.keys() == made.modules.keys() - direct
        assert direct
        for name in direct:
            assert torch.equal(made.modules[name].weight, weights[name])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_vectors_of_one_side_are_stored_as_the_weights_are(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singular, "LARGE", 2**31)
    backbone = tiny_backbone("decoder", dtype=dtype)
    names = matrices(backbone.model, "all")
    small = factors_of(backbone, names, 20)
    monkeypatch.setattr(svf_types, "STORED", sum(backbone.model.get_parameter(n).nbytes for n in names))
    large = factors_of(backbone, names, 20)
    for name, each in small.items():
        assert each.left is not None
        assert each.right is not None
        assert (each.left.dtype, each.right.dtype) == (torch.float32, torch.float32)
        assert torch.equal(large[name].values, each.values)
        rows, columns = backbone.model.get_parameter(name).shape
        kept, other, wanted = (
            (large[name].left, large[name].right, each.left)
            if rows <= columns
            else (large[name].right, large[name].left, each.right)
        )
        assert other is None
        assert kept is not None
        assert torch.equal(kept, wanted.to(dtype))


def learned(backbone: Backbone, way: str, folder: Path, patch: pytest.MonkeyPatch, name: str, **terms: Any) -> Any:
    patch.setattr(svf_types, "STORED", 0 if way == "factored" else 2**31)
    log, config = Memory(), config_of(name, steps=4, rank=None, start=0.2, spread=0.3, clip=None)
    trained = train_singular(config, job_for(name, backbone, folder / way, budget=Terms(**terms), log=log))  # type: ignore[arg-type]
    return log, trained


@pytest.mark.parametrize(
    ("objective", "terms"),
    [
        ("svf", {}),
        ("svf by likelihood", {}),
        ("svf by likelihood", {"gradient_checkpointing": True}),
        ("svf by likelihood", {"micro_batch": 3}),
        ("svf by likelihood", {"precision": "bf16"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["decoder", "encoder-decoder", "GPT-2"])
def test_training_learns_the_same(
    name: str, objective: str, terms: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = model_named(name)
    before = bits(backbone.model)
    (usual, composed), (log, factored) = (
        learned(backbone, way, tmp_path, monkeypatch, objective, **terms) for way in WAYS
    )
    rounding = 1e-2 if terms.get("precision") == "bf16" else 1e-4
    assert log.losses == pytest.approx(usual.losses, rel=rounding, abs=rounding)
    assert bits(backbone.model) == before
    assert factored.artifact.hash != composed.artifact.hash  # computed in another way
    if "precision" not in terms:  # the score of selection
        assert factored.fit.best_score == pytest.approx(composed.fit.best_score, abs=0.05)


@pytest.mark.parametrize("name", ["decoder", "encoder-decoder", "GPT-2", "Mamba"])
def test_a_score_in_training_is_that_of_the_artifact(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = model_named(name)
    _, trained = learned(backbone, "factored", tmp_path, monkeypatch, "svf by likelihood")
    with applied(backbone, [trained.artifact]) as current, torch.no_grad():
        assert lengths(current) == pytest.approx(trained.fit.best_score, abs=1e-2)
