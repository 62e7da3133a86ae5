"""The precision of computing and random seeds on the training device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from suite.training.config import Precision


def computing(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Context manager of a track's `budget.precision`: float32 computes in the dtype of the weights, bf16 autocasts.

    Casts are not cached, since a parameter may hold the base model's values and its own in turn (KL to the base).
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


def seed_device(device: torch.device, seed: int) -> None:
    """Seed the device's random numbers."""
    if device.type == "cpu":
        # torch.manual_seed stores a stack trace for each possible GPU at each call
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
