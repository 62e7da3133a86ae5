"""Adafactor (Shazeer and Stern 2018) for parameters whose rows are divided among processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.optimization import Adafactor

if TYPE_CHECKING:
    from suite.training.shards import Shards


class DividedAdafactor(Adafactor):  # type: ignore[misc]
    """The updates of transformers' Adafactor for whole parameters, up to rounding, with the same state.

    Means over columns, and root mean squares, are over the rows of all processes. Without a first moment.
    """

    def __init__(self, shards: Shards, **settings: Any) -> None:
        super().__init__(list(shards.parameters.values()), **settings)
        self._shards = shards
        self._names = {id(each): name for name, each in shards.parameters.items()}

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(self, own: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        name, state = self._names[id(own)], self.state[own]
        shape = self._shards.shapes[name]
        if not state:
            state |= {"step": 0, **_moments(gradient, len(shape))}
        state["step"] += 1
        state["RMS"] = self._root_mean_square(name, own)
        rate, kept = self._get_lr(group, state), 1.0 - math.pow(state["step"], group["decay_rate"])
        squared = gradient.square().add_(group["eps"][0])
        if len(shape) < 2:
            second: Tensor = state["exp_avg_sq"]
            update = second.mul_(kept).add_(squared, alpha=1 - kept).rsqrt().mul_(gradient)
        else:
            row, column = state["exp_avg_sq_row"], state["exp_avg_sq_col"]
            row.mul_(kept).add_(squared.mean(-1), alpha=1 - kept)
            column.mul_(kept).add_(self._over_rows(name, squared, squared.sum(-2)), alpha=1 - kept)
            mean = self._over_rows(name, row.unsqueeze(-1), row.sum(-1)).unsqueeze(-1)
            update = (row / mean).rsqrt_().unsqueeze(-1) * column.unsqueeze(-2).rsqrt()
            update.mul_(gradient)
        size = self._root_mean_square(name, update) / group["clip_threshold"]
        update.div_(size.clamp_(min=1.0)).mul_(rate)
        if group["weight_decay"]:
            own.add_(own, alpha=-group["weight_decay"] * float(rate))
        own.sub_(update)

    def _over_rows(self, name: str, rows: Tensor, sums: Tensor) -> Tensor:
        """A mean over the second last dimension of `rows`, whose `sums` are over those of this process."""
        shape = self._shards.shapes[name]
        if self._shards.divided(name) and len(shape) == 2:
            whole: Tensor = self._shards.ranks.total(sums.clone()) / shape[0]
            return whole
        means: Tensor = sums / rows.shape[-2]
        return means

    def _root_mean_square(self, name: str, own: Tensor) -> Tensor:
        squares = torch.linalg.vector_norm(own, dtype=torch.float32).square()
        if self._shards.divided(name):
            self._shards.ranks.total(squares)
        mean: Tensor = (squares / math.prod(self._shards.shapes[name])).sqrt()
        return mean


def _moments(gradient: Tensor, dimensions: int) -> dict[str, Tensor]:
    if dimensions < 2:
        return {"exp_avg_sq": torch.zeros_like(gradient)}
    shape = gradient.shape
    return {
        "exp_avg_sq_row": gradient.new_zeros(shape[:-1]),
        "exp_avg_sq_col": gradient.new_zeros((*shape[:-2], shape[-1])),
    }
