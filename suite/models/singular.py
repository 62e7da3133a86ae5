"""Scaled singular values of a model's matrices (SVF: Sun, Cetin and Tang, "Transformer²", ICLR 2025, section 3.1).

A matrix `W = U diag(s) Vᵀ` becomes `W' = c · U diag(s ⊙ m) Vᵀ`, with a mask `m` of one number a singular value and
`c = Σs / Σ(s ⊙ m)` so that their sum stays (`c = 1` where that is not asked for). It is computed as
`W + U diag(c · s ⊙ m − s) Vᵀ`, which is `W` itself, to the bit, where nothing is scaled, and which leaves the values
beyond a truncated rank as they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from suite.core.errors import SuiteError
from suite.models.checksum import checksum
from suite.models.svf_types import Mask, Matrices

LARGE: Final = 100_000
"""From this size on, a matrix keeps singular vectors on its shorter side only; the others are made when needed.

For an MLP's matrix that is a fifth of the memory, and one product more each time.
"""


@dataclass(frozen=True, eq=False)
class Factors:
    """The largest singular values of a matrix [out, in], in falling order, and what stands beside them; float32."""

    left: Tensor | None
    """U [out, r]; None: to be made of the matrix and the other side."""
    values: Tensor
    """s [r]."""
    right: Tensor | None
    """Vᵀ [r, in]; None: to be made of the matrix and the other side."""

    def cut(self, rank: int | None) -> Factors:
        """The first `rank` of them."""
        left = None if self.left is None else self.left[:, :rank]
        return Factors(left, self.values[:rank], None if self.right is None else self.right[:rank])

    def to(self, device: torch.device) -> Factors:
        """The same on a device."""
        left, right = (None if each is None else each.to(device) for each in (self.left, self.right))
        return Factors(left, self.values.to(device), right)

    def lean(self) -> Factors:
        """Without the vectors on the longer side."""
        assert self.left is not None
        assert self.right is not None
        if self.left.shape[0] <= self.right.shape[1]:
            return Factors(self.left, self.values, None)
        return Factors(None, self.values, self.right)

    def sides(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """U [out, r] and Vᵀ [r, in] for the matrix that they are of: `Vᵀ = diag(1/s) Uᵀ W`, `U = W V diag(1/s)`."""
        # what belongs to vanishing values is noise either way, and is scaled by those values wherever it is used
        values = self.values.clamp(min=float(self.values[0]) * torch.finfo(self.values.dtype).eps or 1.0)
        if self.left is None:
            assert self.right is not None
            return (weight.to(values.dtype) @ self.right.T) / values, self.right
        if self.right is None:
            return self.left, (self.left.T @ weight.to(values.dtype)) / values[:, None]
        return self.left, self.right


def matrices(model: nn.Module, which: Matrices) -> tuple[str, ...]:
    """Names of the weights [out, in] of the linear maps inside of a model's blocks, in the model's order.

    A map is one of attention if its path says so, else one of the MLP. The head is neither. Raises SuiteError when
    there is none.
    """
    head: Any = getattr(model, "get_output_embeddings", lambda: None)()
    names = []
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear) and module is not head:
            kind = "attention" if "att" in path.lower() else "mlp"
            if which in ("all", kind):
                names.append(f"{path}.weight")
    if not names:
        raise SuiteError(f"the model has no linear maps of the kind '{which}'")
    return tuple(names)


def factorise(weight: Tensor, cache: Path | None = None) -> Factors:
    """The thin singular value decomposition of a weight [out, in] in float32, from `cache` if it was made before.

    The cache is a folder of files named by the weight's content, shared by everything that decomposes it.
    """
    matrix = weight.detach().float().cpu().contiguous()
    file = None if cache is None else cache / f"{_content(matrix)}.safetensors"
    if file is not None and file.is_file():
        with suppress(OSError, KeyError, SafetensorError):  # a damaged file is made anew
            return _read(file, matrix)
    factors = Factors(*torch.linalg.svd(matrix, full_matrices=False))
    if matrix.numel() >= LARGE:
        factors = factors.lean()
    if file is not None:
        _keep(file, {"left": factors.left, "values": factors.values, "right": factors.right})
    return factors


def _keep(file: Path, parts: Mapping[str, Tensor | None]) -> None:
    """Write a file of the cache, whole or not at all: where there is no room it costs the time of doing it again."""
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
    # with c = 1 to the bit for a mask of ones
    return new * (values.sum() / new.sum()) if renormalise else new


class _Composed(torch.autograd.Function):
    """`W + U diag(σ − s) Vᵀ` of new values σ, whose gradient is `diag(Uᵀ G V)` without a graph through the product."""

    @staticmethod
    def forward(ctx: Any, new: Tensor, weight: Tensor, factors: Factors) -> Tensor:
        ctx.weight, ctx.factors = weight, factors
        left, right = factors.sides(weight)
        return (weight.to(left.dtype) + (left * (new - factors.values)) @ right).to(weight.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        left, right = ctx.factors.sides(ctx.weight)
        return ((left.T @ gradients[0].to(left.dtype)) * right).sum(1), None, None


def compose(weight: Tensor, factors: Factors, mask: Tensor, *, renormalise: bool) -> Tensor:
    """The weight [out, in] with singular values scaled by `mask` [r], in the weight's type; differentiable in it."""
    new = scaled(factors.values, mask, renormalise=renormalise)
    return cast(Tensor, _Composed.apply(new, weight, factors))  # type: ignore[no-untyped-call]


def composed(
    model: nn.Module,
    masks: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    *,
    renormalise: bool,
    cache: Path | None = None,
) -> dict[str, Tensor]:
    """New weights by name for `masks` that were trained beside singular `values`.

    Raises SuiteError if the model has no such matrix, or one with other singular values.
    """
    parameters = dict(model.named_parameters())
    new: dict[str, Tensor] = {}
    for name, mask in masks.items():
        if name not in parameters:
            raise SuiteError(f"the singular vectors do not fit this model: it has no matrix '{name}'")
        weight = parameters[name].detach()
        factors = factorise(weight, cache).cut(len(mask)).to(weight.device)
        if not fitting(factors.values, values[name]):
            raise SuiteError(f"the singular vectors do not fit this model: '{name}' has other singular values")
        with torch.no_grad():
            new[name] = compose(weight, factors, mask.to(weight.device), renormalise=renormalise)
    return new


def fitting(found: Tensor, expected: Tensor) -> bool:
    """Whether singular values are equal up to the way they were computed."""
    return found.shape == expected.shape and torch.allclose(found.cpu(), expected.cpu(), rtol=1e-3, atol=1e-5)


def _content(matrix: Tensor) -> str:
    digest = hashlib.sha256(f"{tuple(matrix.shape)}\n".encode())
    digest.update(matrix.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(file: Path, matrix: Tensor) -> Factors:
    """Factors of the cache. Raises KeyError if they are not those of the matrix, or not as they were written."""
    with safe_open(file, framework="pt") as content:
        # copies are aligned in memory as torch's own tensors are: the same bytes then give the same products
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
