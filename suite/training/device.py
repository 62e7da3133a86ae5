"""What training needs to know of the device that it runs on."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState


def accelerator_of(device: torch.device) -> Accelerator:
    """Autocast to bfloat16 on a GPU, plain float32 elsewhere."""
    AcceleratorState._reset_state(reset_partial_state=True)  # one process may train on the CPU, then on a GPU
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if device.type == "cuda" else "no")


def seed_device(device: torch.device, seed: int) -> None:
    """Give the device's random numbers a seed."""
    if device.type == "cpu":
        # torch.manual_seed keeps a stack trace for each GPU that may come, at each call
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
