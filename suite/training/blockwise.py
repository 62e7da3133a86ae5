"""Adafactor for large parameters in bfloat16, block by block: no copy of the whole parameter is made in float32.

The same update as transformers' Adafactor (Shazeer and Stern 2018) up to rounding, with the same state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor

BLOCK: Final = 2**24
"""Numbers of a block: 64 MB in float32."""


def in_blocks(parameter: Tensor) -> bool:
    """Whether a parameter is large enough to be updated block by block: a matrix, or several, of more than a block."""
    return parameter.ndim >= 2 and parameter.numel() > BLOCK


@torch.no_grad()
def adafactor_step(
    parameter: Tensor, gradient: Tensor, state: dict[str, Any], settings: dict[str, Any], decay: float,
    rounded: Callable[[Tensor, int], Tensor],
) -> None:  # fmt: skip
    """Update a parameter [..., R, C] in bfloat16 by its gradient.

    `state` and `settings` are those of transformers' Adafactor without a first moment and relative steps. The parameter
    is multiplied by 1 − `decay` first. `rounded` rounds a block in float32, whose number it gets, to bfloat16.
    """
    matrices, gradients = parameter.view(-1, *parameter.shape[-2:]), gradient.view(-1, *parameter.shape[-2:])
    if not state:
        state |= {"step": 0, "RMS": 0.0}
        state["exp_avg_sq_row"] = gradient.new_zeros(gradient.shape[:-1], dtype=torch.float32)
        state["exp_avg_sq_col"] = gradient.new_zeros((*gradient.shape[:-2], gradient.shape[-1]), dtype=torch.float32)
    state["step"] += 1
    kept = 1.0 - math.pow(state["step"], settings["decay_rate"])
    row, column = state["exp_avg_sq_row"].view(matrices.shape[:2]), state["exp_avg_sq_col"].view(len(matrices), -1)
    _moments(gradients, row, column, kept, settings["eps"][0])
    row_factor = (row / row.mean(-1, keepdim=True)).rsqrt_()
    column_factor = column.rsqrt()

    def update(index: int, start: int, stop: int) -> Tensor:
        factor: Tensor = row_factor[index, start:stop, None] * column_factor[index]
        return factor.mul_(gradients[index, start:stop])

    squares, weights = parameter.new_zeros((), dtype=torch.float32), parameter.new_zeros((), dtype=torch.float32)
    for index, start, stop in _blocks(matrices):
        squares += update(index, start, stop).square_().sum()
        weights += _copy(matrices[index, start:stop]).square_().sum()
    state["RMS"] = (weights.sqrt() * (1 - decay) / math.sqrt(parameter.numel())).item()
    rate = settings["lr"] * (max(settings["eps"][1], state["RMS"]) if settings["scale_parameter"] else 1.0)
    divisor = (squares.sqrt() / math.sqrt(parameter.numel()) / settings["clip_threshold"]).clamp_(min=1.0)
    for number, (index, start, stop) in enumerate(_blocks(matrices)):
        new = _copy(matrices[index, start:stop]).mul_((1 - decay) * (1 - settings["weight_decay"] * rate))
        new.sub_(update(index, start, stop).mul_(rate / divisor))
        matrices[index, start:stop] = rounded(new, number)


def _moments(gradients: Tensor, row: Tensor, column: Tensor, kept: float, least: float) -> None:
    """Update the moving means of the squared gradient over each row and over each column."""
    column.mul_(kept)
    rows = gradients.shape[1]
    for index, start, stop in _blocks(gradients):
        squared = _copy(gradients[index, start:stop]).square_().add_(least)
        row[index, start:stop].mul_(kept).add_(squared.mean(-1), alpha=1 - kept)
        column[index].add_(squared.sum(0), alpha=(1 - kept) / rows)


def _copy(block: Tensor) -> Tensor:
    return block.to(torch.float32, copy=True)


def _blocks(matrices: Tensor) -> Iterator[tuple[int, int, int]]:
    """Parts of matrices [N, R, C]: index, first row, and the row behind the last."""
    count, rows, columns = matrices.shape
    size = max(1, BLOCK // columns)
    for index in range(count):
        for start in range(0, rows, size):
            yield index, start, min(rows, start + size)
