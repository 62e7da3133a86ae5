"""A training run's state in one safetensors file, written whole or not at all; nothing is pickled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name in a few groups, and JSON for the rest."""

    groups: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint. A process killed at any moment leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous()
        for group, members in checkpoint.groups.items()
        for name, tensor in members.items()
    }
    save_file(tensors, part, metadata={"state": json.dumps(checkpoint.state)})
    with part.open("rb") as file:
        os.fsync(file.fileno())  # the name must not reach the disk before the bytes
    os.replace(part, folder / FILE)


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, None if there is none. Raises ValueError when it is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    groups: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            for key in file.keys():  # noqa: SIM118  (not a mapping)
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return Checkpoint(groups, state)
