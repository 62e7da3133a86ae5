"""Mixed precision and random seeds on the training device."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState


def accelerator_of(device: torch.device) -> Accelerator:
    """An accelerator that autocasts to bfloat16 on a GPU and uses float32 elsewhere."""
    AcceleratorState._reset_state(reset_partial_state=True)  # one process may train on the CPU first, then on a GPU
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if device.type == "cuda" else "no")


def seed_device(device: torch.device, seed: int) -> None:
    """Seed the device's random numbers."""
    if device.type == "cpu":
        # torch.manual_seed stores a stack trace for each possible GPU at each call
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
