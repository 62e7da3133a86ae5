"""Scaled singular values of a model's matrices (SVF: Sun, Cetin and Tang, "Transformer²", ICLR 2025, section 3.1).

A matrix `W = U diag(s) Vᵀ` becomes `W' = c · U diag(s ⊙ m) Vᵀ`. The mask `m` has one number for each singular value,
and `c = Σs / Σ(s ⊙ m)` keeps their sum (`c = 1` without renormalisation). It is computed as `W + U diag(c · s ⊙ m − s)
Vᵀ`: this is bitwise `W` if nothing is scaled, and values beyond a truncated rank stay unchanged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from suite.core.errors import SuiteError
from suite.models.checksum import checksum
from suite.models.linear_maps import linear_maps
from suite.models.svf_types import LARGE, Mask, Matrices


@dataclass(frozen=True, eq=False)
class Factors:
    """The largest singular values of a matrix [out, in], in falling order, and their singular vectors; float32, or
    vectors in another dtype (`to`)."""

    left: Tensor | None
    """U [out, r]; None: computed from the matrix and the other side."""
    values: Tensor
    """s [r]."""
    right: Tensor | None
    """Vᵀ [r, in]; None: computed from the matrix and the other side."""

    def cut(self, rank: int | None) -> Factors:
        """The first `rank` singular values and vectors."""
        left = None if self.left is None else self.left[:, :rank]
        return Factors(left, self.values[:rank], None if self.right is None else self.right[:rank])

    def to(self, device: torch.device, vectors: torch.dtype | None = None) -> Factors:
        """The same factors on a device, the vectors in this dtype."""
        left, right = (
            None if each is None else each.to(device=device, dtype=vectors) for each in (self.left, self.right)
        )
        return Factors(left, self.values.to(device), right)

    def lean(self) -> Factors:
        """The factors without the vectors of the longer side."""
        if self.left is None or self.right is None:
            return self
        if self.left.shape[0] <= self.right.shape[1]:
            return Factors(self.left, self.values, None)
        return Factors(None, self.values, self.right)

    @property
    def divisors(self) -> Tensor:
        """s [r], with a lower limit."""
        # vectors of vanishing values are noise, and every use scales them by those values
        return self.values.clamp(min=float(self.values[0]) * torch.finfo(self.values.dtype).eps or 1.0)

    def sides(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """U [out, r] and Vᵀ [r, in] for the decomposed matrix: `Vᵀ = diag(1/s) Uᵀ W`, `U = W V diag(1/s)`."""
        values = self.divisors
        if self.left is None:
            assert self.right is not None
            return (weight.to(values.dtype) @ self.right.T) / values, self.right
        if self.right is None:
            return self.left, (self.left.T @ weight.to(values.dtype)) / values[:, None]
        return self.left, self.right


def matrices(model: nn.Module, which: Matrices) -> tuple[str, ...]:
    """Names of the weights of the linear maps in a model's blocks, in the model's order.

    A weight is [out, in] or [in, out]: a decomposition is the same either way.

    A map belongs to attention if its path says so, otherwise to the MLP. The head belongs to neither. Raises SuiteError
    if there is none of the kind.
    """
    names = []
    for path in linear_maps(model):
        kind = "attention" if "att" in path.lower() else "mlp"
        if which in ("all", kind):
            names.append(f"{path}.weight")
    if not names:
        raise SuiteError(f"the model has no linear maps of the kind '{which}'")
    return tuple(names)


def factorise(weight: Tensor, cache: Path | None = None) -> Factors:
    """The thin singular value decomposition of a weight [out, in] in float32, from `cache` if it is there.

    The cache is a folder of files named by the weight's content; all decompositions share it.
    """
    matrix = weight.detach().float().cpu().contiguous()
    file = None if cache is None else cache / f"{_content(matrix)}.safetensors"
    if file is not None and file.is_file():
        with suppress(OSError, KeyError, SafetensorError):  # recompute a damaged file
            return _read(file, matrix)
    factors = Factors(*torch.linalg.svd(matrix, full_matrices=False))
    if matrix.numel() >= LARGE:
        factors = factors.lean()
    if file is not None:
        _keep(file, {"left": factors.left, "values": factors.values, "right": factors.right})
    return factors


def _keep(file: Path, parts: Mapping[str, Tensor | None]) -> None:
    """Write a file of the cache atomically. If there is no room, nothing is cached."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.contiguous() for name, tensor in parts.items() if tensor is not None}
        save_file(tensors, part, metadata={"checksum": checksum(tensors)})
        os.replace(part, file)
    except (OSError, SafetensorError):
        with suppress(OSError):
            part.unlink(missing_ok=True)


def masked(parameters: Tensor, mask: Mask) -> Tensor:
    """The mask m [r] of unbounded parameters p [r]: sigmoid(p) as in the reference code, p itself, or exp(p)."""
    if mask == "sigmoid":
        return torch.sigmoid(parameters)
    return parameters if mask == "linear" else torch.exp(parameters)


def scaled(values: Tensor, mask: Tensor, *, renormalise: bool) -> Tensor:
    """The new singular values [r]: `c · s ⊙ m`."""
    new = values * mask
    # for a mask of ones, c is exactly 1
    return new * (values.sum() / new.sum()) if renormalise else new


def relative_change(factors: Factors, mask: Tensor, *, renormalise: bool) -> Tensor:
    """The change of the singular values [r] by `mask` [r], as a share of each: `(c · s ⊙ m − s) / s`."""
    return (scaled(factors.values, mask, renormalise=renormalise) - factors.values) / factors.divisors


class _Composed(torch.autograd.Function):
    """`W + U diag(σ − s) Vᵀ` for new values σ. Its gradient is `diag(Uᵀ G V)`, without a graph through the product."""

    @staticmethod
    def forward(ctx: Any, new: Tensor, weight: Tensor, factors: Factors) -> Tensor:
        ctx.weight, ctx.factors = weight, factors
        with torch.autocast(weight.device.type, enabled=False):  # as in evaluation, which does not autocast
            left, right = factors.sides(weight)
            return (weight.to(left.dtype) + (left * (new - factors.values)) @ right).to(weight.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        left, right = ctx.factors.sides(ctx.weight)
        return ((left.T @ gradients[0].to(left.dtype)) * right).sum(1), None, None


def compose(weight: Tensor, factors: Factors, mask: Tensor, *, renormalise: bool) -> Tensor:
    """The weight [out, in] with its singular values scaled by `mask` [r], in the weight's dtype; differentiable in the
    mask."""
    new = scaled(factors.values, mask, renormalise=renormalise)
    return cast(Tensor, _Composed.apply(new, weight, factors))  # type: ignore[no-untyped-call]


def each_composed(
    model: nn.Module,
    masks: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    *,
    renormalise: bool,
    cache: Path | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """New weights by name for `masks` that were trained with singular `values`, one by one.

    Raises SuiteError if the model does not have such a matrix or the matrix has other singular values.
    """
    parameters = dict(model.named_parameters())
    for name, mask in masks.items():
        if name not in parameters:
            raise SuiteError(f"the singular vectors do not fit this model: it has no matrix '{name}'")
        weight = parameters[name].detach()
        factors = factorise(weight, cache).cut(len(mask)).to(weight.device)
        if not fitting(factors.values, values[name]):
            raise SuiteError(f"the singular vectors do not fit this model: '{name}' has other singular values")
        with torch.no_grad():
            new = compose(weight, factors, mask.to(weight.device), renormalise=renormalise)
        yield name, new


def fitting(found: Tensor, expected: Tensor) -> bool:
    """Whether singular values are equal up to rounding."""
    return found.shape == expected.shape and torch.allclose(found.cpu(), expected.cpu(), rtol=1e-3, atol=1e-5)


def _content(matrix: Tensor) -> str:
    digest = hashlib.sha256(f"{tuple(matrix.shape)}\n".encode())
    digest.update(matrix.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(file: Path, matrix: Tensor) -> Factors:
    """Read factors from the cache. Raises KeyError if they do not fit the matrix or the file was changed."""
    with safe_open(file, framework="pt") as content:
        # copies are aligned in memory as torch's own tensors are: equal bytes then give equal products
        parts = {name: content.get_tensor(name).clone() for name in content.keys()}  # noqa: SIM118  (not a mapping)
        if (content.metadata() or {}).get("checksum") != checksum(parts):
            raise KeyError("changed since it was written")
    factors = Factors(parts.get("left"), parts["values"], parts.get("right"))
    (rows, columns), rank = matrix.shape, min(matrix.shape)
    shapes = [None if each is None else each.shape for each in (factors.left, factors.values, factors.right)]
    if shapes[1] != (rank,) or shapes[0] not in (None, (rows, rank)) or shapes[2] not in (None, (rank, columns)):
        raise KeyError("of another shape")
    if matrix.numel() >= LARGE:
        return factors if None in shapes else factors.lean()
    if None in shapes:
        raise KeyError("of another make")
    return factors
