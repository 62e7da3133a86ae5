"""The commands that make a stored row again and take it elsewhere, as a person would type them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any


def run_command(name: str, spec: Mapping[str, Any], seeds: Sequence[int]) -> str:
    """The `suite run` that makes a row again. `spec` is what the store has of one of its experiments."""
    words = ["suite", "run", str(spec.get("file") or f"{name}.yaml"), "--track", _track(spec)]
    words += ["--seeds", ",".join(map(str, seeds))]
    sets = spec.get("sets")
    for text in sets if isinstance(sets, (list, tuple)) else ():
        words += ["--set", str(text)]
    return shlex.join(words)


def restore_command(name: str, spec: Mapping[str, Any], seed: int) -> str:
    """The `suite run` that trains an experiment's artifacts again if they are not here."""
    return f"{run_command(name, spec, [seed])} --restore"


def save_command(name: str, spec: Mapping[str, Any], folder: str = "FOLDER") -> str:
    """The `suite save` that writes a row's model for plain libraries."""
    return shlex.join(["suite", "save", name, folder, "--track", _track(spec)])


def _track(spec: Mapping[str, Any]) -> str:
    track = spec.get("track")
    return str(track.get("name", "")) if isinstance(track, Mapping) else ""
