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
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.models.scales import Mask, Matrices


@dataclass(frozen=True, eq=False)
class Factors:
    """The largest singular values of a matrix [out, in], in falling order, and what stands beside them; float32."""

    left: Tensor
    """U [out, r]."""
    values: Tensor
    """s [r]."""
    right: Tensor
    """Vᵀ [r, in]."""

    def cut(self, rank: int | None) -> Factors:
        """The first `rank` of them."""
        return Factors(self.left[:, :rank], self.values[:rank], self.right[:rank])

    def to(self, device: torch.device) -> Factors:
        """The same on a device."""
        return Factors(self.left.to(device), self.values.to(device), self.right.to(device))


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
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        parts = {"left": left, "values": values, "right": right}
        save_file({name: tensor.contiguous() for name, tensor in parts.items()}, part)
        os.replace(part, file)
    return Factors(left, values, right)


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
    def forward(ctx: Any, new: Tensor, weight: Tensor, left: Tensor, values: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        return (weight.to(left.dtype) + (left * (new - values)) @ right).to(weight.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        left, right = ctx.saved_tensors
        return ((left.T @ gradients[0].to(left.dtype)) * right).sum(1), None, None, None, None


def compose(weight: Tensor, factors: Factors, mask: Tensor, *, renormalise: bool) -> Tensor:
    """The weight [out, in] with singular values scaled by `mask` [r], in the weight's type; differentiable in it."""
    new = scaled(factors.values, mask, renormalise=renormalise)
    return cast(Tensor, _Composed.apply(new, weight, factors.left, factors.values, factors.right))  # type: ignore[no-untyped-call]


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
    """Whether singular values are the same but for how they were computed."""
    return found.shape == expected.shape and torch.allclose(found.cpu(), expected.cpu(), rtol=1e-3, atol=1e-5)


def _content(matrix: Tensor) -> str:
    digest = hashlib.sha256(f"{tuple(matrix.shape)}\n".encode())
    digest.update(matrix.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(file: Path, matrix: Tensor) -> Factors:
    # copies are aligned in memory as torch's own tensors are: the same bytes then give the same products
    parts = {name: tensor.clone() for name, tensor in load_file(file).items()}
    factors = Factors(parts["left"], parts["values"], parts["right"])
    rank = min(matrix.shape)
    if factors.left.shape != (matrix.shape[0], rank) or factors.right.shape != (rank, matrix.shape[1]):
        raise KeyError("of another shape")
    return factors
