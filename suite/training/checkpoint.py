"""A training run's state in one safetensors file, written whole or not at all; nothing is pickled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from suite.errors import StepFailed

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name in a few groups, and JSON for the rest."""

    groups: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


class Writer:
    """Writes a folder's checkpoints while training goes on, one at a time. To be closed, whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether one is being written."""
        return self._writing is not None and not self._writing.done()

    def write(self, checkpoint: Checkpoint) -> None:
        """Begin to replace the checkpoint by a copy of this one, after the one before."""
        self.wait()
        copies = {
            f"{group}/{name}": tensor.detach().to("cpu", copy=True).contiguous()
            for group, members in checkpoint.groups.items()
            for name, tensor in members.items()
        }
        self._writing = self._thread.submit(_write, self._folder, copies, json.dumps(checkpoint.state))

    def wait(self) -> None:
        """Until what was begun is on the disk. Raises StepFailed when it could not be written."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except (OSError, SafetensorError) as error:
            raise StepFailed(f"the checkpoint cannot be written to {self._folder}: {error}") from error

    def close(self) -> str | None:
        """Wait for the last one. Returns what was wrong with it."""
        try:
            self.wait()
        except StepFailed as error:
            return str(error)
        finally:
            self._thread.shutdown()
        return None


def _write(folder: Path, tensors: dict[str, Tensor], state: str) -> None:
    """Replace the folder's checkpoint. A process killed at any moment leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    save_file(tensors, part, metadata={"state": state})
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
