"""Linear maps whose singular values are scaled in the computation, so that no scaled weight exists.

`W' = W + U diag(σ − s) Vᵀ` needs a product as large as the weight. With the vectors of one side, the same map takes two
narrow products beside the base map: `W'x = y + U (e ⊙ Uᵀy)` for `y = Wx`, or `W'x = W (x + V (e ⊙ Vᵀx))`, where
`e = (σ − s) / s`. This is exact, also at a truncated rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from suite.models import svf_types
from suite.models.linear_maps import read_directly
from suite.models.singular import Factors

FORWARDS: Final = (nn.Linear.forward, Conv1D.forward)
"""Modules that compute in another way need their composed weights."""


@dataclass(frozen=True, eq=False)
class FactoredMap:
    """A linear map of a model, and the singular vectors of its weight's shorter side."""

    weight: Tensor
    """The base weight [out, in]; a view of a Conv1D's."""
    bias: Tensor | None
    basis: Tensor
    """U [out, r] or V [in, r]."""
    on_outputs: bool
    """Whether the basis is U."""

    def __call__(self, inputs: Tensor, change: Tensor) -> Tensor:
        """The outputs [..., out] for inputs [..., in], at a relative change e [r] of the singular values.

        It computes in autocast's dtype, or else in the weight's. Differentiable in both arguments; what is stored for
        the backward pass are r numbers a position.
        """
        return cast(Tensor, _Factored.apply(inputs, change, self))  # type: ignore[no-untyped-call]


def factored_map(module: nn.Module, weight: Tensor, factors: Factors) -> FactoredMap:
    """The map of a `can_factor` module with this base weight, in the module's layout, and its factors."""
    factors = factors.lean()
    left, right = factors.left, factors.right
    transposed = isinstance(module, Conv1D)
    basis = left if left is not None else cast(Tensor, right).T
    bias = cast("Tensor | None", module.bias)
    return FactoredMap(weight.T if transposed else weight, bias, basis, (left is not None) != transposed)


def factored_names(model: nn.Module, names: Iterable[str]) -> frozenset[str]:
    """Which of these weights are not composed in training: none of a small model, of a large one (`svf_types.STORED`)
    those that only their modules use."""
    weights = {name: model.get_parameter(name) for name in names}
    if sum(weight.numel() * weight.element_size() for weight in weights.values()) < svf_types.STORED:
        return frozenset()
    paths = {name.rpartition(".")[0]: name for name in weights}
    chosen = {path for path in paths if can_factor(model.get_submodule(path))}
    return frozenset(paths[path] for path in chosen - read_directly(model))


def can_factor(module: nn.Module) -> bool:
    """Whether a module is a linear map that is computed as PyTorch or GPT-2 does."""
    return type(module).forward in FORWARDS and "forward" not in vars(module)


def put_forward(module: nn.Module, forward: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    """Let a module compute in another way, between its hooks. Returns what undoes this."""
    vars(module)["forward"] = forward
    return lambda: vars(module).pop("forward")


class _Factored(torch.autograd.Function):
    """A `FactoredMap`. Weight, bias and basis are frozen: only inputs and change have gradients."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, change: Tensor, of: FactoredMap) -> Tensor:
        kind = inputs.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else of.weight.dtype
        with torch.autocast(kind, enabled=False):
            given = inputs.to(dtype)
            basis, bias = of.basis.to(dtype), None if of.bias is None else of.bias.to(dtype)
            if of.on_outputs:
                output = functional.linear(given, of.weight.to(dtype))
                output, projected = _scaled_within(output, basis, change)
                output = output if bias is None else output.add_(bias)
            else:
                given, projected = _scaled_within(given, basis, change)
                output = functional.linear(given, of.weight.to(dtype), bias)
        ctx.save_for_backward(projected, change)
        ctx.of, ctx.given_dtype = of, inputs.dtype
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        projected, change = ctx.saved_tensors
        of, dtype = ctx.of, projected.dtype
        basis, gradient = of.basis.to(dtype), gradient.to(dtype)
        if not of.on_outputs:
            gradient = gradient @ of.weight.to(dtype)
        onto = gradient @ basis
        to_change = None
        if ctx.needs_input_grad[1]:
            to_change = (onto.to(change.dtype) * projected).reshape(-1, len(change)).sum(0)
        if not ctx.needs_input_grad[0]:
            return None, to_change, None
        gradient = gradient + (onto * change).to(dtype) @ basis.T
        if of.on_outputs:
            gradient = gradient @ of.weight.to(dtype)
        return gradient.to(ctx.given_dtype), to_change, None


def _scaled_within(vectors: Tensor, basis: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors [..., n] with their parts along the basis changed, and their coordinates [..., r] in it."""
    coordinates = vectors @ basis
    # a change is applied in float32: rounding it would move all positions alike
    return vectors + (coordinates * change).to(vectors.dtype) @ basis.T, coordinates
