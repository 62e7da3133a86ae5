"""Maps that are computed from factors: equal to those of the composed weight, without a tensor of the weight's size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from suite.models.factored import FactoredMap, can_factor, factored_map
from suite.models.singular import Factors, compose, factorise, relative_change, scaled


def linear_map(rows: int, columns: int, *, transposed: bool, bias: bool) -> nn.Module:
    """A map from `columns` inputs to `rows` outputs, frozen, in float64."""
    torch.manual_seed(rows)
    module = Conv1D(rows, columns) if transposed else nn.Linear(columns, rows, bias=bias)
    nn.init.normal_(module.weight)
    if module.bias is not None:
        nn.init.normal_(module.bias) if bias else nn.init.zeros_(module.bias)
    return module.double().requires_grad_(False)


def decomposed(weight: Tensor) -> Factors:
    return Factors(*torch.linalg.svd(weight, full_matrices=False))


def factored(module: Any, factors: Factors) -> FactoredMap:
    return factored_map(module, module.weight.detach(), factors)


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (7, 7)])
def test_outputs_and_gradients_are_those_of_the_composed_weight(
    shape: tuple[int, int], transposed: bool, bias: bool, lean: bool, rank: int | None
) -> None:
    module: Any = linear_map(*shape, transposed=transposed, bias=bias)
    factors = decomposed(module.weight)
    factors = (factors.lean() if lean else factors).cut(rank)
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(2, 5, shape[1], dtype=torch.float64, generator=generator)
    start = 0.1 + torch.rand(rank or min(shape), dtype=torch.float64, generator=generator)
    found = []
    for way in ("factored", "composed"):
        given, mask = inputs.clone().requires_grad_(), start.clone().requires_grad_()
        if way == "factored":
            output = factored(module, factors)(given, relative_change(factors, mask, renormalise=True))
        else:
            weight = compose(module.weight, factors, mask, renormalise=True)
            output = functional.linear(given, weight.T if transposed else weight, module.bias)
        (output.tanh() ** 2).sum().backward()
        found.append((output.detach(), given.grad, mask.grad))
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
def test_the_gradient_check_passes(shape: tuple[int, int]) -> None:
    module: Any = linear_map(*shape, transposed=False, bias=True)
    mapped = factored(module, decomposed(module.weight))
    inputs = torch.randn(3, shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    change = torch.linspace(-0.9, 1.5, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(mapped, (inputs.requires_grad_(), change.requires_grad_()))


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_no_change_is_the_base_map_to_the_bit(shape: tuple[int, int]) -> None:
    module: Any = linear_map(*shape, transposed=False, bias=False).float()
    factors, inputs = factorise(module.weight), torch.randn(5, shape[1])
    change = relative_change(factors, torch.ones(6), renormalise=True)
    assert torch.equal(change, torch.zeros(6))
    assert torch.equal(factored(module, factors)(inputs, change), module(inputs))


def test_a_matrix_without_full_rank_is_computed_all_the_same() -> None:
    generator = torch.Generator().manual_seed(3)
    for weight in (torch.randn(6, 2, generator=generator) @ torch.randn(2, 9, generator=generator), torch.zeros(6, 9)):
        module: Any = nn.Linear(9, 6, bias=False)
        module.weight.data = weight
        factors, mask, inputs = factorise(weight), 2 * torch.rand(6, generator=generator), torch.randn(4, 9)
        made = compose(weight, factors, mask, renormalise=False)
        found = factored(module, factors)(inputs, relative_change(factors, mask, renormalise=False))
        torch.testing.assert_close(found, inputs @ made.T, rtol=1e-4, atol=1e-4)


def test_the_change_is_a_share_of_each_singular_value() -> None:
    factors = Factors(None, torch.tensor([4.0, 2.0, 1.0]), None)
    mask = torch.tensor([0.5, 1.0, 3.0])
    change = relative_change(factors, mask, renormalise=False)
    torch.testing.assert_close(change, torch.tensor([-0.5, 0.0, 2.0]))
    new = scaled(factors.values, mask, renormalise=True)
    torch.testing.assert_close(
        factors.values * (1 + relative_change(factors, mask, renormalise=True)), new, rtol=1e-6, atol=0.0
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(24, 40), (40, 24)])
def test_bfloat16_is_as_exact_as_its_rounding_and_stores_r_numbers_a_position(
    shape: tuple[int, int], transposed: bool, dtype: torch.dtype
) -> None:
    """A base in float32 under autocast, and a base in bfloat16."""
    module: Any = linear_map(*shape, transposed=transposed, bias=True).to(dtype)
    factors = factorise(module.weight)
    change = torch.linspace(-0.9, 1.5, 24).requires_grad_()
    inputs = torch.randn(10, shape[1], generator=torch.Generator().manual_seed(4)).to(dtype).requires_grad_()
    found = factored(module, factors)
    stored: list[Tensor] = []
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda each: stored.append(each) or each, lambda each: each),
        torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.float32),
    ):
        output = found(inputs, change)
    assert output.dtype == torch.bfloat16
    assert sorted(tuple(each.shape) for each in stored) == [(10, 24), (24,)]
    output.backward(torch.ones_like(output))
    assert (inputs.grad is not None and inputs.grad.dtype, change.grad is not None and change.grad.dtype) == (
        dtype,
        torch.float32,
    )
    exact = factored(module.double(), factors)
    wide, at = inputs.detach().double().requires_grad_(), change.detach().double().requires_grad_()
    wanted = exact(wide, at)
    wanted.backward(torch.ones_like(wanted))
    for ours, right in ((output, wanted), (inputs.grad, wide.grad), (change.grad, at.grad)):
        assert isinstance(ours, Tensor)
        assert isinstance(right, Tensor)
        assert float((ours.double() - right).norm() / right.norm()) < 0.01


def test_a_map_with_a_computation_of_its_own_is_not_factored() -> None:
    class Rounded(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).round()

    assert can_factor(nn.Linear(2, 3))
    assert can_factor(Conv1D(2, 3))
    assert not can_factor(Rounded(2, 3))
    assert not can_factor(nn.Embedding(2, 3))
