"""A training run's state in one safetensors file, written whole or not at all; nothing is pickled.

Each has a checksum of all that it holds, and the one before it is kept: what a disk has changed is found when it is
read, and training goes on from the last good one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from suite.core.errors import StepFailed
from suite.models.checksum import checksum
from suite.training.data.source import Spending

FILE = "checkpoint.safetensors"
EARLIER = "earlier.safetensors"
"""The one before it."""
LAYOUT = 2
"""How a checkpoint's state is laid out; one of another layout is not read. The first had none."""


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
        """Begin to write a copy of this one, after the one before is written."""
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
    """Put a checkpoint beside the folder's last one. A process killed at any moment leaves one that is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    metadata = {"state": state, "checksum": checksum(tensors, state)}
    try:
        save_file(tensors, part, metadata=metadata)
    except (OSError, SafetensorError):
        earlier = folder / EARLIER
        if not (earlier.exists() and (folder / FILE).exists()):
            raise
        earlier.unlink()  # there may be room for two, and not for three
        save_file(tensors, part, metadata=metadata)
    with part.open("rb") as file:
        os.fsync(file.fileno())  # the name must not reach the disk before the bytes
    with suppress(FileNotFoundError):
        os.replace(folder / FILE, folder / EARLIER)
    os.replace(part, folder / FILE)


def read_checkpoint(folder: Path, name: str = FILE) -> Checkpoint | None:
    """A checkpoint of the folder, None if there is none. Raises ValueError when it is damaged."""
    path = folder / name
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
            if metadata["checksum"] != checksum(tensors, metadata["state"]):
                raise ValueError("its content does not have the checksum that it was written with")
            state = json.loads(metadata["state"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    groups: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        group, _, inner = key.partition("/")
        groups.setdefault(group, {})[inner] = tensor
    return Checkpoint(groups, state)


def last_good(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The folder's last checkpoint that is what was written, None if there is none; a damaged one is reported."""
    damaged = ""
    for name in (FILE, EARLIER):
        try:
            checkpoint = read_checkpoint(folder, name)
        except ValueError as error:
            damaged = damaged or f"the checkpoint cannot be read ({error})"
            continue
        if checkpoint is not None:
            if damaged:
                say(f"going back to the one before: {damaged}")
            return checkpoint
    if damaged:
        say(f"starting anew: {damaged}")
    return None


class RunCheckpoints:
    """The checkpoints of one run of any training loop: `with job.checkpoints(…) as checkpoints:`."""

    def __init__(self, folder: Path, key: str, seconds: float, spending: Spending, say: Callable[[str], None]) -> None:
        """`key` names what a checkpoint and the run have in common; they are `seconds` apart, or at each step (0)."""
        self._folder, self._key, self._seconds = folder, key, seconds
        self._spending, self._say = spending, say
        self._writer, self._saved = Writer(folder), time.monotonic()

    def __enter__(self) -> RunCheckpoints:
        return self

    def __exit__(self, *_: object) -> None:
        if wrong := self._writer.close():
            self._say(wrong)

    @property
    def due(self) -> bool:
        """Whether it is time for one: not while the last is being written, unless each step is to have its own."""
        if self._seconds > 0 and self._writer.busy:
            return False
        return time.monotonic() - self._saved >= self._seconds

    def save(self, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
        """Begin to write tensors by group and name, and plain data; training may go on meanwhile."""
        run = {"layout": LAYOUT, "key": self._key, "spent": self._spending.to_keep()}
        self._writer.write(Checkpoint(groups, {**run, "state": state}))
        self._saved = time.monotonic()

    def resume(self) -> Checkpoint | None:
        """What an interrupted attempt left, None to start anew; what it spent is counted on."""
        checkpoint = last_good(self._folder, self._say)
        if checkpoint is None:
            return None
        run = checkpoint.state
        if run.get("layout") != LAYOUT:
            self._say("starting anew: the checkpoint is of another version of suite")
            return None
        if run["key"] != self._key:
            self._say("starting anew: the checkpoint is of another configuration")
            return None
        self._spending.resume(run["spent"])
        return Checkpoint(checkpoint.groups, run["state"])
