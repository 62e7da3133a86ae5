"""What a step takes: seconds and tokens over all its attempts, and the peak memory that is its own.

The store is told every few seconds, and checkpoints keep it: an attempt that is killed leaves what it took in both,
and the next one counts on from the larger. So nothing counts twice, and a checkpoint that goes on elsewhere brings what
it took.
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
"""What adds up over attempts."""
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak(Protocol):
    """Memory since this was made."""

    def bytes(self) -> int:
        """The largest so far."""

    def close(self) -> None:
        """Measure no longer."""


@dataclass
class Cost:
    """What a step takes, growing while it runs; attempts that were interrupted before count too."""

    earlier: Costs = field(default_factory=Costs)
    """What is known of attempts before this one: the store says it, or the checkpoint that this one goes on from."""
    _began: float | None = None
    _seconds: float = 0.0
    _tokens: int = 0
    _peak: Peak | None = None
    _largest: int = 0

    @property
    def seconds(self) -> float:
        """Over all attempts, this one's so far."""
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return (self.earlier.seconds or 0.0) + self._seconds + running

    @property
    def peak_memory(self) -> int:
        """Bytes: of the GPU where one is used, else the process's largest resident size while the step ran."""
        peak = self._peak
        return max(self.earlier.peak_memory or 0, self._largest, peak.bytes() if peak else 0)

    @property
    def tokens(self) -> int:
        """That were worked on in training, over all attempts, this one's so far."""
        return (self.earlier.tokens or 0) + self._tokens

    def add_tokens(self, count: int) -> None:
        """Add to the count."""
        self._tokens += count

    def to_keep(self) -> Mapping[str, Any]:
        """All costs so far, as a checkpoint keeps them."""
        return {"seconds": self.seconds, "peak_memory": self.peak_memory, "tokens": self.tokens}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Add what a checkpoint kept of earlier attempts, where it is more than the store knows."""
        larger = {name: max(getattr(self.earlier, name) or 0, kept.get(name) or 0) for name in KEPT}
        self.earlier = replace(self.earlier, **{name: value or None for name, value in larger.items()})

    @property
    def spent(self) -> Costs:
        """What the store is told while the step runs, and when it comes to no good end."""
        known = replace(self.earlier, seconds=self.seconds, peak_memory=self.peak_memory or None)
        return replace(known, tokens=self.tokens or None)

    @contextmanager
    def measured(self, device: str) -> Iterator[None]:
        """Count what runs inside, on this device."""
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
    """Free memory of earlier steps, which would count as that of this step."""
    _freeze()
    gc.collect()
    with suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _freeze() -> None:
    """Set aside what is there for good, the packages above all: a collection then takes milliseconds."""
    gc.collect()
    gc.freeze()


def _resident_peak() -> Peak:
    return _KernelPeak() if _reset_kernel_peak() else _SampledPeak()


def _reset_kernel_peak() -> bool:
    """Let the kernel's peak of this process start from now. False where it does not."""
    try:
        RESET.write_text("5")  # proc(5): resets VmHWM
        return _kernel_peak() <= 1.05 * resident()
    except (OSError, ValueError, StopIteration):
        return False


def _kernel_peak() -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


class _KernelPeak:
    """The kernel's own record, which misses nothing."""

    def bytes(self) -> int:
        return _kernel_peak()

    def close(self) -> None:
        """Nothing is running."""


class _SampledPeak:
    """The largest resident size that was seen, where the kernel's record never goes down."""

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
    """What torch allocated on one GPU."""

    def __init__(self, device: str) -> None:
        import torch

        self._device = torch.device(device)
        torch.cuda.reset_peak_memory_stats(self._device)

    def bytes(self) -> int:
        import torch

        return int(torch.cuda.max_memory_allocated(self._device))

    def close(self) -> None:
        """Nothing is running."""


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)
