"""Optimisers, their state as plain tensors and numbers, and learning-rate schedules as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from suite.models.quantized import check_installed
from suite.training.config import FitConfig

if TYPE_CHECKING:
    from suite.training.shards import Shards


def make_optimizer(
    trainable: Mapping[str, nn.Parameter], budget: FitConfig, shards: Shards | None = None
) -> torch.optim.Optimizer:
    """The budget's optimiser over the trainable parameters, which several processes may have divided (`shards`).

    Adafactor factors the second moment of every matrix; a soft prompt is stored flat to avoid this (Lester et al.).
    `shrink` applies a weight decay that does not depend on the rate.
    """
    parameters = list(trainable.values())
    decay = budget.weight_decay if budget.decay_by_rate else 0.0
    if budget.optimizer == "adamw8bit":
        return _adamw_8bit(parameters, budget.learning_rate, decay)
    if budget.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=budget.learning_rate, weight_decay=decay, fused=True)
    settings: dict[str, Any] = {"lr": budget.learning_rate, "weight_decay": decay, "relative_step": False}
    settings["scale_parameter"] = budget.scale_parameter
    if shards is not None:
        from suite.training.divided_adafactor import DividedAdafactor

        return DividedAdafactor(shards, **settings)
    from transformers.optimization import Adafactor  # imports PEFT and bitsandbytes, a fifth of all imports of a run

    optimizer: torch.optim.Optimizer = Adafactor(parameters, **settings)
    return optimizer


def _adamw_8bit(parameters: list[nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    """AdamW with block-wise 8-bit moments (Dettmers et al., ICLR 2022), of small tensors (4,096 numbers) in float32."""
    check_installed("`optimizer: adamw8bit`", "set `optimizer: adafactor`")
    from bitsandbytes.optim.adamw import AdamW8bit

    return AdamW8bit(parameters, lr=rate, weight_decay=decay)  # type: ignore[no-untyped-call]


@torch.no_grad()
def shrink(trainable: Iterable[nn.Parameter], budget: FitConfig) -> None:
    """Apply the weight decay that does not depend on the rate, if there is one; called before each step."""
    parameters: list[Tensor] = list(trainable)
    if parameters and budget.weight_decay and not budget.decay_by_rate:
        torch._foreach_mul_(parameters, 1 - budget.weight_decay)


def learning_rate(step: int, budget: FitConfig) -> float:
    """The learning rate of a step, counted from 0."""
    if step < budget.warmup:
        return budget.learning_rate * (step + 1) / budget.warmup
    done = (step - budget.warmup) / max(1, budget.steps - budget.warmup)
    if budget.schedule == "linear":
        return budget.learning_rate * max(0.0, 1 - done)
    if budget.schedule == "cosine":
        return budget.learning_rate * (1 + math.cos(math.pi * min(1.0, done))) / 2
    return budget.learning_rate


def state_of(
    optimizer: torch.optim.Optimizer, trainable: Mapping[str, nn.Parameter]
) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """The optimiser's state: tensors by `<parameter>|<entry>`, and plain numbers by parameter and entry."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, float]] = {}
    for name, parameter in trainable.items():
        for entry, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{name}|{entry}"] = value
            else:
                numbers.setdefault(name, {})[entry] = value
    return tensors, numbers


def restore_state(
    optimizer: torch.optim.Optimizer,
    trainable: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Mapping[str, float]],
) -> None:
    """Restore an optimiser's state from the output of `state_of`."""
    for name, parameter in trainable.items():
        entries: dict[str, Any] = dict(numbers.get(name, {}))
        for key, value in tensors.items():
            owner, _, entry = key.rpartition("|")
            if owner == name:
                # AdamW's fused step needs its counter on the parameter's device
                entries[entry] = value.clone().to(parameter.device)
        optimizer.state[parameter] = entries
