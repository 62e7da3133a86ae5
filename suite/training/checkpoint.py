"""A training run's state in one safetensors file, written atomically; nothing is pickled.

It holds what is trained, never the rest of the model. There is one for each run: a new one replaces the one before.
Each attempt writes to a file of its own, so an attempt that lost its step cannot damage its successor's checkpoint.
Each has a checksum of its content. Corruption on disk is detected on reading; training then starts again.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from suite.core.errors import StepFailed, TakenOver
from suite.models.checksum import checksum
from suite.models.offload import file_bytes
from suite.training.data.source import Spending

PATTERN: Final = "checkpoint*.safetensors"
_NAME: Final = re.compile(r"checkpoint(?:\.(\d+)-[0-9a-f]{8})?\.safetensors(?:\.part)?")
"""An attempt's file: its number among the attempts that the folder has files of, and a random part."""
LAYOUT = 2
"""Version of a checkpoint's layout. Checkpoints of other versions are not read; the first version had no number."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint: tensors by group and name, and JSON for everything else."""

    groups: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


class Writer:
    """Writes a folder's checkpoints in a background thread, one at a time. Always close it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._earlier = tuple(_files(folder, f"{PATTERN}*"))
        number = 1 + max(map(_attempt, self._earlier), default=0)
        self._file = folder / f"checkpoint.{number}-{secrets.token_hex(4)}.safetensors"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None
        self._begun = False

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writing is not None and not self._writing.done()

    def write(self, checkpoint: Checkpoint) -> None:
        """Copy a checkpoint and start to write it, after the previous write has finished.

        A large one on the CPU is not copied, as memory may not hold that: this returns when it is written.
        """
        self.wait()
        if not self._begun:  # later the folder is not made again: without it, another process has finished the step
            self._folder.mkdir(parents=True, exist_ok=True)
            self._begun = True
        tensors = {
            f"{group}/{name}": each for group, members in checkpoint.groups.items() for name, each in members.items()
        }
        at_once = file_bytes(tensors) > 0
        copies = {name: each.detach().to("cpu", copy=not at_once).contiguous() for name, each in tensors.items()}
        seen: set[int] = set()
        for name, each in copies.items():  # a file has no tensor twice: 8-bit moments share their code
            copies[name] = each.clone() if each.data_ptr() in seen else each
            seen.add(each.data_ptr())
        self._writing = self._thread.submit(self._write, copies, json.dumps(checkpoint.state))
        if at_once:
            self.wait()

    def wait(self) -> None:
        """Wait until the current write has finished. Raises StepFailed if it failed."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except (OSError, SafetensorError) as error:
            raise StepFailed(f"the checkpoint cannot be written to {self._folder}: {error}") from error

    def close(self) -> str | None:
        """Wait for the last write. Returns its error, or None."""
        try:
            self.wait()
        except StepFailed as error:
            return str(error)
        finally:
            self._thread.shutdown()
        return None

    def remove_parts(self) -> None:
        """Remove what earlier attempts had not finished to write."""
        for file in self._earlier:
            if file.suffix == ".part":
                _remove(file)

    def _write(self, tensors: dict[str, Tensor], state: str) -> None:
        """Replace this attempt's checkpoint, then remove those of earlier attempts.

        A process killed at any moment leaves the old one or the new one, complete.
        """
        part = self._file.with_name(f"{self._file.name}.part")
        try:
            save_file(tensors, part, metadata={"state": state, "checksum": checksum(tensors, state)})
        except (OSError, SafetensorError):
            _remove(part)  # a full disk needs the room
            raise
        with part.open("rb") as file:
            os.fsync(file.fileno())  # the bytes must reach the disk before the name does
        os.replace(part, self._file)
        for earlier in self._earlier:
            _remove(earlier)
        self._earlier = ()


def _attempt(file: Path) -> int:
    """The number of the attempt that a file belongs to; 0 for files of older versions."""
    match = _NAME.fullmatch(file.name)
    return int(match[1] or 0) if match else 0


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def checkpoint_files(folder: Path) -> list[Path]:
    """The folder's complete checkpoints, that of the last attempt first."""
    return sorted(_files(folder, PATTERN), key=lambda file: (_attempt(file), file.stat().st_mtime_ns), reverse=True)


def checkpoint_bytes_in(folder: Path) -> int:
    """Bytes of the folder's checkpoints, which new ones replace, complete or not."""
    return sum(file.stat().st_size for file in _files(folder, f"{PATTERN}*"))


def _files(folder: Path, pattern: str) -> list[Path]:
    return [file for file in folder.glob(pattern) if _NAME.fullmatch(file.name)]


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the folder's last checkpoint; None if there is none. Raises ValueError if it is damaged."""
    files = checkpoint_files(folder)
    return _read(files[0]) if files else None


def _read(path: Path) -> Checkpoint:
    """Read a file. Raises ValueError if it is damaged.

    safetensors opens it twice, so a file that its writer replaces in between looks damaged: it is read again.
    """
    while True:
        before = _identity(path)
        try:
            return _read_once(path)
        except ValueError:
            if _identity(path) in (before, None):
                raise


def _identity(path: Path) -> tuple[int, int] | None:
    """What differs between a file and the one that replaces it; None without a file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns


def _read_once(path: Path) -> Checkpoint:
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


def intact(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The folder's last checkpoint that is not damaged, or None. Reports damaged ones."""
    files = checkpoint_files(folder)
    for file in files:
        try:
            return _read(file)
        except ValueError as error:
            what = "starting anew" if file == files[-1] else "trying the one before"
            say(f"{what}: the checkpoint cannot be read ({error})")
    return None


class RunCheckpoints:
    """The checkpoints of one run, for any training loop: `with job.checkpoints(…) as checkpoints:`."""

    def __init__(self, folder: Path, key: str, seconds: float, spending: Spending, say: Callable[[str], None]) -> None:
        """`key` has to be equal in a checkpoint and the run. Checkpoints are `seconds` apart, or after each step (0);
        infinity: none is written."""
        self._folder, self._key, self._seconds = folder, key, seconds
        self._spending, self._say = spending, say
        self._writer, self._saved = Writer(folder), time.monotonic()

    def __enter__(self) -> RunCheckpoints:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if (wrong := self._writer.close()) and not isinstance(error, TakenOver):
            self._say(wrong)

    @property
    def written(self) -> bool:
        """Whether this run writes checkpoints at all."""
        return math.isfinite(self._seconds)

    @property
    def due(self) -> bool:
        """Whether a checkpoint is due. Never while one is being written, unless each step gets its own."""
        if self._seconds > 0 and self._writer.busy:
            return False
        return time.monotonic() - self._saved >= self._seconds

    def save(self, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
        """Start to write tensors (by group and name) and plain data. Training may continue meanwhile."""
        run = {"layout": LAYOUT, "key": self._key, "spent": self._spending.to_keep()}
        self._writer.write(Checkpoint(groups, {**run, "state": state}))
        self._saved = time.monotonic()

    def resume(self) -> Checkpoint | None:
        """The checkpoint of an interrupted attempt, or None to start again. What that attempt spent is counted."""
        self._writer.remove_parts()
        checkpoint = intact(self._folder, self._say)
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
