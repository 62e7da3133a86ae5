"""Singular values scaled: against the plain formula, for any signs of the pairs, and from a shared cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor

from suite.core.errors import SuiteError
from suite.models import singular
from suite.models.apply import applied
from suite.models.artifacts import load_artifact
from suite.models.artifacts.singular import Singular
from suite.models.backbone import Backbone
from suite.models.in_effect import assert_in_effect
from suite.models.singular import Factors, compose, factorise, masked, matrices, scaled
from tests.models.tiny_models import bits


def exact(rows: int, columns: int) -> tuple[Tensor, Factors]:
    """A matrix and its decomposition in float64."""
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    return weight, Factors(*torch.linalg.svd(weight, full_matrices=False))


def plain(factors: Factors, mask: Tensor, renormalise: bool) -> Tensor:
    """The published formula, term by term."""
    new = factors.values * mask
    scale = factors.values.sum() / new.sum() if renormalise else 1.0
    assert factors.left is not None
    assert factors.right is not None
    return scale * factors.left @ torch.diag(new) @ factors.right


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("renormalise", [True, False])
@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (7, 7)])
def test_a_composed_weight_and_its_gradient_are_those_of_the_plain_formula(
    shape: tuple[int, int], renormalise: bool, lean: bool
) -> None:
    weight, factors = exact(*shape)
    inputs = torch.randn(5, shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    parameters = torch.randn(min(shape), dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = []
    for way in ("ours", "plain"):
        asked = parameters.clone().requires_grad_()
        mask = masked(asked, "sigmoid")
        if way == "ours":
            made = compose(weight, factors.lean() if lean else factors, mask, renormalise=renormalise)
        else:
            made = plain(factors, mask, renormalise)
        ((inputs @ made.T).tanh() ** 2).sum().backward()
        found.append((made.detach(), asked.grad))
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("mask", ["sigmoid", "linear", "exp"])
def test_the_gradient_check_passes(mask: Literal["sigmoid", "linear", "exp"], lean: bool) -> None:
    weight, factors = exact(5, 4)
    factors = factors.lean() if lean else factors
    start = torch.rand(4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 0.2
    assert torch.autograd.gradcheck(
        lambda asked: compose(weight, factors, masked(asked, mask), renormalise=True), start.requires_grad_()
    )


def test_the_signs_of_singular_pairs_change_nothing() -> None:
    weight, factors = exact(6, 8)
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0, -1.0, 1.0], dtype=torch.float64)
    left, right = factors.sides(weight)
    flipped = Factors(left * signs, factors.values, right * signs[:, None])
    mask = torch.rand(6, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    for made in (factors, flipped, flipped.lean()):
        torch.testing.assert_close(compose(weight, made, mask, renormalise=True), plain(factors, mask, True))


def test_equal_factors_are_the_matrix_itself_to_the_bit() -> None:
    weight = torch.randn(30, 20, generator=torch.Generator().manual_seed(5))
    factors = factorise(weight)
    assert torch.equal(compose(weight, factors, torch.ones(20), renormalise=True), weight)
    # equal factors under renormalisation, whatever they are
    torch.testing.assert_close(compose(weight, factors, torch.full((20,), 0.52), renormalise=True), weight)


def test_renormalising_keeps_the_sum_and_a_rank_leaves_the_rest() -> None:
    weight = torch.randn(12, 10, generator=torch.Generator().manual_seed(6))
    factors = factorise(weight).cut(4)
    mask = torch.tensor([0.1, 2.0, 0.5, 0.3])
    assert float(scaled(factors.values, mask, renormalise=True).sum()) == pytest.approx(float(factors.values.sum()))
    before, after = (torch.linalg.svdvals(each) for each in (weight, compose(weight, factors, mask, renormalise=False)))
    expected = torch.cat([factors.values * mask, before[4:]]).sort(descending=True).values
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-4)


def test_a_decomposition_is_made_once_and_shared_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(7))
    first = factorise(weight, tmp_path)
    (file,) = tmp_path.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "svd", lambda *_, **__: pytest.fail("decomposed again"))
        again = factorise(weight.clone(), tmp_path)
    assert all(torch.equal(getattr(first, part), getattr(again, part)) for part in ("left", "values", "right"))
    file.write_bytes(b"damaged")
    assert torch.equal(factorise(weight, tmp_path).values, first.values)
    factorise(weight.T, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_decomposition_that_a_disk_has_changed_is_made_anew(tmp_path: Path) -> None:
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(7))
    first = factorise(weight, tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.read_bytes()
    for place in (-1, -50):  # of one tensor and of another
        changed = bytearray(written)
        changed[place] ^= 64
        file.write_bytes(changed)
        again = factorise(weight, tmp_path)
        assert all(torch.equal(getattr(first, part), getattr(again, part)) for part in ("left", "values", "right"))
        assert file.read_bytes() == written


def test_a_cache_that_cannot_be_written_to_costs_the_time_only(tmp_path: Path) -> None:
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(7))
    (tmp_path / "file").write_text("no folder")
    assert torch.equal(factorise(weight, tmp_path / "file").values, factorise(weight).values)
    assert (tmp_path / "file").read_text() == "no folder"


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_a_large_matrix_keeps_one_side_and_is_composed_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    weight = torch.randn(*shape, generator=torch.Generator().manual_seed(10))
    mask = torch.rand(12, generator=torch.Generator().manual_seed(11))
    whole = factorise(weight, tmp_path)
    monkeypatch.setattr(singular, "LARGE", 100)
    for lean in (factorise(weight), factorise(weight, tmp_path)):  # made, and read from a file of both sides
        assert [each is None for each in (lean.left, lean.right)] == [shape[0] > shape[1], shape[0] < shape[1]]
        for rank in (None, 5):
            made = [compose(weight, each.cut(rank), mask[:rank], renormalise=True) for each in (lean, whole)]
            torch.testing.assert_close(*made, rtol=1e-4, atol=1e-5)
        assert torch.equal(compose(weight, lean, torch.ones(12), renormalise=True), weight)


def test_a_matrix_without_full_rank_is_composed_all_the_same() -> None:
    weight = torch.randn(6, 2) @ torch.randn(2, 9)
    factors, mask = factorise(weight), torch.rand(6)
    made = compose(weight, factors.lean(), mask, renormalise=False)
    torch.testing.assert_close(made, compose(weight, factors, mask, renormalise=False), rtol=1e-4, atol=1e-4)
    zero = torch.zeros(4, 5)
    assert torch.equal(compose(zero, factorise(zero).lean(), torch.rand(4), renormalise=False), zero)


def test_the_right_matrices_are_chosen(backbone: Backbone) -> None:
    model = backbone.model
    both = {which: set(matrices(model, which)) for which in ("mlp", "attention", "all")}  # type: ignore[arg-type]
    assert both["mlp"] | both["attention"] == both["all"]
    assert not both["mlp"] & both["attention"]
    if backbone.shape == "decoder":
        assert {name.split(".")[-2] for name in both["mlp"]} == {"gate_proj", "up_proj", "down_proj"}
        assert {name.split(".")[-2] for name in both["attention"]} == {"q_proj", "k_proj", "v_proj", "o_proj"}
        assert len(both["all"]) == 14
    else:
        assert {name.split(".")[-2] for name in both["mlp"]} == {"wi_0", "wi_1", "wo"}
        assert {name.split(".")[-2] for name in both["attention"]} == {"q", "k", "v", "o"}
    with pytest.raises(SuiteError, match="no linear maps"):
        matrices(torch.nn.Sequential(torch.nn.ReLU()), "mlp")


def vectors(backbone: Backbone, low: float = 0.5) -> Singular:
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "attention")}
    generator = torch.Generator().manual_seed(8)
    masks = {name: low + torch.rand(len(each.values), generator=generator) for name, each in factors.items()}
    return Singular(masks, {name: each.values for name, each in factors.items()}, True)


def test_singular_vectors_are_saved_and_put_on_and_taken_off(backbone: Backbone, tmp_path: Path) -> None:
    artifact, before = vectors(backbone), bits(backbone.model)
    artifact.save(tmp_path / "kept", base=backbone.identity)
    loaded = load_artifact(tmp_path / "kept", backbone.identity)
    assert (loaded.hash, loaded.parameters) == (artifact.hash, sum(mask.numel() for mask in artifact.masks.values()))
    with applied(replace(backbone, factors=tmp_path / "factors"), [loaded]) as current:
        assert_in_effect(current)
    assert bits(backbone.model) == before
    assert len(list((tmp_path / "factors").iterdir())) == len(artifact.masks)


def test_the_base_is_what_it_was_after_any_sequence_of_experts(backbone: Backbone) -> None:
    before, experts = bits(backbone.model), [vectors(backbone, low) for low in (0.2, 0.5, 0.9)]
    chosen = torch.randint(4, (12,), generator=torch.Generator().manual_seed(9)).tolist()
    assert 3 in chosen  # "other": no expert at all
    for number in chosen:
        with applied(backbone, experts[number : number + 1]) as current:
            assert_in_effect(current)
            assert (bits(backbone.model) == before) == (number == 3)
        assert bits(backbone.model) == before


def test_singular_vectors_of_another_base_are_refused(backbone: Backbone) -> None:
    artifact = vectors(backbone)
    name = next(iter(artifact.values))
    other = replace(artifact, values={**artifact.values, name: artifact.values[name] * 1.1})
    with pytest.raises(SuiteError, match="other singular values"), applied(backbone, [other]):
        pass
    lost = replace(artifact, masks={"nowhere.weight": torch.full((3,), 0.5)}, values={"nowhere.weight": torch.ones(3)})
    with pytest.raises(SuiteError, match=r"no matrix 'nowhere\.weight'"), applied(backbone, [lost]):
        pass
    assert singular.fitting(torch.ones(3), torch.ones(3) + 1e-6)


def test_neutral_vectors_are_no_part_of_a_stack(backbone: Backbone) -> None:
    artifact = vectors(backbone)
    neutral = replace(artifact, masks={name: torch.ones_like(mask) for name, mask in artifact.masks.items()})
    assert (neutral.neutral, artifact.neutral) == (True, False)
    with applied(backbone, [neutral]) as current, applied(backbone, []) as base:
        assert_in_effect(current)
        assert current.identity == base.identity
