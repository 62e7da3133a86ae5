"""Detect out-of-memory errors on any device."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out (the CPU allocator raises a plain RuntimeError)."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return isinstance(error, RuntimeError) and ("not enough memory" in message or "DefaultCPUAllocator" in message)
