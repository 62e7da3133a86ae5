"""The provenance of a step: host, device, versions, commit and precision."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from suite.core.devices import cpu_name
from suite.planning.steps import Train, Work

if TYPE_CHECKING:
    from suite.results.store import Provenance

PACKAGES = ("finetune-suite", "torch", "transformers", "peft", "accelerate", "lm-eval", "tokenizers", "datasets")
EXTRA_PACKAGES = ("bitsandbytes",)
"""Packages that change a result where they are installed."""


@cache
def versions() -> dict[str, str]:
    """The versions of Python and of the packages that can change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    for package in EXTRA_PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def provenance_of(device: str, work: Work, devices: int = 1) -> Provenance:
    """Where and with what a step runs that computes on this device (`cpu`, `cuda:1` …). An evaluation says on how many
    of them it ran."""
    import torch

    from suite.planning.devices import device_count_of
    from suite.results.store import Provenance

    name, threads = device_name(device), torch.get_num_threads()
    if (count := device_count_of(work) if isinstance(work, Train) else devices) > 1:
        name = f"{count} × {name}"
    return Provenance(platform.node(), device, versions(), git_commit(), name, precision_of(work), threads)


def provenance_of_failure() -> Provenance:
    """That of a step that failed, perhaps before its device was known."""
    from suite.results.store import Provenance

    return Provenance(platform.node(), None, versions(), git_commit())


def device_name(device: str) -> str:
    """The model of a GPU or of the processor; of another kind of device, that kind."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return str(torch.cuda.get_device_name(torch.device(device)))
    return cpu_name() if kind == "cpu" else kind


def precision_of(work: Work) -> str:
    """Of computing: the track's for a training, otherwise that of the model, which answers."""
    if isinstance(work, Train):
        return work.track.budget.precision
    return "bf16" if work.track.model.dtype == "bfloat16" else work.track.model.dtype


@cache
def git_commit() -> str | None:
    """The commit of the repository that this code runs from; None for an installed package. `+` marks changed files."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "")
