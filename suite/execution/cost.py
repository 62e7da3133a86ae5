"""The costs of a step: seconds and tokens over all its attempts, and its own peak memory.

Costs are sent to the store every few seconds, and checkpoints keep them. If an attempt is killed, both have its costs
so far, and the next attempt continues from the larger one. So nothing counts twice, and a checkpoint that is resumed on
another machine brings its costs along.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import psutil

from suite.results.store import Costs

SAMPLES_SECONDS = 0.02
KEPT = ("seconds", "peak_memory", "tokens")
"""Costs that are kept over attempts."""
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak(Protocol):
    """Peak memory since this object was created."""

    def bytes(self) -> int:
        """The largest number of bytes so far."""

    def close(self) -> None:
        """Stop measuring."""


@dataclass
class Cost:
    """The costs of a step, updated while it runs; they include earlier attempts."""

    earlier: Costs = field(default_factory=Costs)
    """The costs of earlier attempts, from the store or from the checkpoint that this attempt resumes."""
    _began: float | None = None
    _seconds: float = 0.0
    _tokens: int = 0
    _peak: Peak | None = None
    _largest: int = 0

    @property
    def seconds(self) -> float:
        """Seconds over all attempts, including this one so far."""
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return (self.earlier.seconds or 0.0) + self._seconds + running

    @property
    def peak_memory(self) -> int:
        """Bytes: of the GPU if one is used, otherwise the largest resident size of the process during the step."""
        peak = self._peak
        return max(self.earlier.peak_memory or 0, self._largest, peak.bytes() if peak else 0)

    @property
    def tokens(self) -> int:
        """Tokens processed in training, over all attempts, including this one so far."""
        return (self.earlier.tokens or 0) + self._tokens

    def add_tokens(self, count: int) -> None:
        """Add to the token count."""
        self._tokens += count

    def to_keep(self) -> Mapping[str, Any]:
        """All costs so far, for a checkpoint."""
        return {"seconds": self.seconds, "peak_memory": self.peak_memory, "tokens": self.tokens}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Take over the costs of earlier attempts from a checkpoint, if they are larger than the store's."""
        larger = {name: max(getattr(self.earlier, name) or 0, kept.get(name) or 0) for name in KEPT}
        self.earlier = replace(self.earlier, **{name: value or None for name, value in larger.items()})

    @property
    def spent(self) -> Costs:
        """The costs for the store while the step runs, or if it fails or is cancelled."""
        known = replace(self.earlier, seconds=self.seconds, peak_memory=self.peak_memory or None)
        return replace(known, tokens=self.tokens or None)

    @contextmanager
    def measured(self, device: str) -> Iterator[None]:
        """Measure the code inside, on this device."""
        _settle()
        peak = _GpuPeak(device) if device.startswith("cuda") else _resident_peak()
        self._peak, self._began = peak, time.perf_counter()
        try:
            yield
        finally:
            self._seconds, self._began = self._seconds + time.perf_counter() - self._began, None
            self._largest, self._peak = max(self._largest, peak.bytes()), None
            peak.close()


def _settle() -> None:
    """Free the memory of earlier steps, so that it does not count for this step."""
    _freeze()
    gc.collect()
    with suppress(OSError, AttributeError):  # a C library without this function
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _freeze() -> None:
    """Exclude permanent objects, such as imported packages, from garbage collection, which then takes milliseconds."""
    gc.collect()
    gc.freeze()


def _resident_peak() -> Peak:
    return _KernelPeak() if _reset_kernel_peak() else _SampledPeak()


def _reset_kernel_peak() -> bool:
    """Reset the kernel's peak of this process to the current size. Returns False if the kernel does not support it."""
    try:
        RESET.write_text("5")  # proc(5): resets VmHWM
        return _kernel_peak() <= 1.05 * resident()
    except (OSError, ValueError, StopIteration):
        return False


def _kernel_peak() -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


class _KernelPeak:
    """The kernel's own peak, which misses nothing."""

    def bytes(self) -> int:
        return _kernel_peak()

    def close(self) -> None:
        """There is nothing to stop."""


class _SampledPeak:
    """The largest resident size in regular samples, if the kernel's peak cannot be reset."""

    def __init__(self) -> None:
        self._largest = resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(SAMPLES_SECONDS):
            self._largest = max(self._largest, resident())

    def bytes(self) -> int:
        return max(self._largest, resident())

    def close(self) -> None:
        self._end.set()
        self._thread.join()


class _GpuPeak:
    """The peak of memory that torch allocated on one GPU."""

    def __init__(self, device: str) -> None:
        import torch

        self._device = torch.device(device)
        torch.cuda.reset_peak_memory_stats(self._device)

    def bytes(self) -> int:
        import torch

        return int(torch.cuda.max_memory_allocated(self._device))

    def close(self) -> None:
        """There is nothing to stop."""


def resident() -> int:
    """The resident memory of this process now, in bytes."""
    return int(psutil.Process().memory_info().rss)
