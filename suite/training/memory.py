"""Detect out-of-memory errors on any device."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out (the CPU allocator raises a plain RuntimeError)."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    texts = ("not enough memory", "DefaultCPUAllocator", "_ALLOC_FAILED")  # of the CPU, and of CUDA's libraries
    return isinstance(error, RuntimeError) and any(text in message for text in texts)
