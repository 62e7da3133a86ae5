"""What must be known of a run to trust it later: versions, host, device, commit, and what it cost."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGES = ("finetune-suite", "torch", "transformers", "peft", "accelerate", "lm-eval", "tokenizers", "datasets")


@cache
def versions() -> dict[str, str]:
    """The Python version and those of the packages that can change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def git_commit() -> str | None:
    """The commit of the repository this code runs from, with `+` when files differ from it; None in an installation."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def owner() -> str:
    """A name for this process that no other running process has."""
    return f"{platform.node()}:{os.getpid()}:{time.time_ns()}"


@dataclass
class Cost:
    """What a step took, known when it ends."""

    seconds: float = 0.0
    peak_memory: int = 0
    """Bytes: of the GPU where one was used, else the process's largest resident size while the step ran."""
    _started: float = field(default_factory=time.perf_counter, repr=False)


@contextmanager
def measured(device: str) -> Iterator[Cost]:
    """Time and peak memory of what runs inside."""
    cost = Cost()
    watch = _gpu_peak(reset=True) if device.startswith("cuda") else None
    sampler = _Sampler() if watch is None else None
    started = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - started
        cost.peak_memory = sampler.stop() if sampler else _gpu_peak()


def _gpu_peak(reset: bool = False) -> int:
    import torch

    if reset:
        torch.cuda.reset_peak_memory_stats()
    return int(torch.cuda.max_memory_allocated())


class _Sampler:
    """The largest resident size of this process, seen every few milliseconds: the kernel's own peak never goes down."""

    def __init__(self) -> None:
        self.peak = resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            self.peak = max(self.peak, resident())

    def stop(self) -> int:
        self._end.set()
        self._thread.join()
        return max(self.peak, resident())


def resident() -> int:
    """Bytes of memory this process holds now (its peak so far where the system does not tell)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
