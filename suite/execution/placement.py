"""Which device and how many threads each of several workers gets on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, Literal

from suite.core.devices import CUDA, gpu_names
from suite.core.errors import SuiteError

THREADS: Final = "OMP_NUM_THREADS"
ROOM: Final = 2_000_000_000
"""Bytes of free memory for a worker on a CPU: about three times what one with a bundled model takes."""
Workers = int | Literal["auto"]
"""How many workers: a number, or one for each GPU, and without GPUs one for each core."""


@dataclass(frozen=True)
class Placement:
    """The device of a worker (None: the default one) and its number of threads."""

    device: str | None
    threads: int

    @property
    def gpu(self) -> int | None:
        """The number of its GPU; None for another device."""
        kind, _, number = (self.device or "").partition(":")
        return int(number or 0) if kind == CUDA else None


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_of(text: str) -> Workers:
    """Parse the number of workers. Raises SuiteError for anything but `auto` and numbers from 1."""
    if text == "auto":
        return "auto"
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise _no_number(text, "--workers")


def checked(workers: Workers) -> Workers:
    """A number of workers, or `auto`, as Python code gives it. Raises SuiteError for anything else."""
    if workers == "auto" or (type(workers) is int and workers > 0):
        return workers
    raise _no_number(str(workers), "workers")


def _no_number(text: str, where: str) -> SuiteError:
    return SuiteError(f"'{text}' is no number of workers", where=where, fix="write a number from 1, or auto")


def placements(workers: Workers, device: str | None) -> tuple[Placement, ...]:
    """A placement for each worker.

    GPUs are shared out if no single one is named as the device. On a CPU each worker gets its share of the cores,
    unless OMP_NUM_THREADS says how many threads a process has; there `auto` also leaves each worker ROOM of memory.
    """
    gpus = len(gpu_names()) if device in (None, CUDA) else 0
    count = (gpus or (_for_cores() if device in (None, "cpu") else 1)) if workers == "auto" else workers
    return tuple(Placement(f"{CUDA}:{number % gpus}" if gpus else device, _threads(count)) for number in range(count))


def _for_cores() -> int:
    """How many workers there are cores and memory for."""
    import psutil

    return max(min(cores(), int(psutil.virtual_memory().available) // ROOM), 1)


def _threads(workers: int) -> int:
    asked = os.environ.get(THREADS, "").partition(",")[0]
    return int(asked) if asked.isdecimal() and int(asked) > 0 else max(cores() // workers, 1)
