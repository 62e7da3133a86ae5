"""Linear maps in 4 or 8 bits without values, as bitsandbytes stores and multiplies them."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite.models.linear_maps import linear_maps
from suite.models.quantized import Quantization

BYTES: Final[dict[Quantization, float]] = {"4bit": 0.5 + 0.127 / 8, "8bit": 1.0}
"""Bytes of a weight: in 4 bits with a constant of 8 bits for 64 of them, and one of 32 bits for 256 of those."""


class _Product(torch.autograd.Function):
    """The product with weights that are computed from few bits, in the forward and again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, stored: Tensor, shape: tuple[int, int]) -> Tensor:
        """Inputs [..., in], the weight's bytes, and its shape [out, in]."""
        ctx.shape, ctx.dtype = shape, given.dtype
        ctx.save_for_backward(stored)
        return functional.linear(given, stored.new_empty(shape, dtype=given.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient of the inputs."""
        (stored,) = ctx.saved_tensors
        return gradients[0] @ stored.new_empty(ctx.shape, dtype=ctx.dtype), None, None


class FewBits(nn.Linear):
    """A linear map whose weight takes few bits."""

    def __init__(self, of: nn.Linear, bits: Quantization) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features, self.bias = of.in_features, of.out_features, of.bias
        size = round(BYTES[bits] * of.weight.numel())
        self.weight = nn.Parameter(torch.empty(size, 1, dtype=torch.uint8), requires_grad=False)

    def forward(self, input: Tensor) -> Tensor:
        """The product, in the dtype of the input."""
        shape = (self.out_features, self.in_features)
        product: Tensor = _Product.apply(input, self.weight, shape)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias


def in_few_bits(model: nn.Module, bits: Quantization) -> None:
    """Replace the linear maps of a model's layers, as bitsandbytes does; its head and embeddings stay."""
    for path in linear_maps(model):
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        before = owner.get_submodule(name)
        if isinstance(before, nn.Linear):
            setattr(owner, name, FewBits(before, bits))
