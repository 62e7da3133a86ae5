"""The provenance of a run: versions, host, process and commit."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

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
