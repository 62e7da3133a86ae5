"""Bounds the memory of all processes of a command together: a memory cgroup of its own, thrown away afterwards.

Where the system lets this user make one: version 2 if the memory controller is handed down, else version 1.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_NAME: Final = "suite-program-"
_FORGOTTEN: Final = 3600.0
"""Seconds after which a group of a process that was killed is removed; a program runs for seconds."""
_PATIENCE: Final = 2.0
"""Seconds to wait until the processes of a group are gone."""
ENTER: Final = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
"""Shell: become the command, inside the group that is `$0`."""


@dataclass(frozen=True)
class Hierarchy:
    """Where groups are made, and what the files are called."""

    folder: Path
    limits: tuple[str, ...]
    """Files that take the number of bytes, in this order: the first must be there."""
    fixed_values: tuple[tuple[str, str], ...]
    """Files that take a fixed value, where they are there."""
    events: str
    """The file that counts `oom_kill`."""


@dataclass(frozen=True)
class Group:
    """A cgroup with a limit."""

    folder: Path
    events: Path

    def entering(self, command: list[str]) -> list[str]:
        """The command, inside this group."""
        return ["/bin/sh", "-c", ENTER, str(self.folder), *command]

    def exceeded(self) -> bool:
        """Whether a process was killed since all of them together used more."""
        counts = dict(line.split(maxsplit=1) for line in self.events.read_text().splitlines())
        return int(counts.get("oom_kill", 0)) > 0


@contextmanager
def memory_limit(limit: int) -> Iterator[Group | None]:
    """A group whose processes together use at most these bytes, ended and removed afterwards; None if impossible."""
    where, group = hierarchy(), None
    if where is not None:
        with suppress(OSError):  # too many groups: each process keeps its own limit
            group = _made(where, limit)
    try:
        yield group
    finally:
        if group is not None:
            _remove(group.folder)


@cache
def hierarchy() -> Hierarchy | None:
    """Where this process may make groups that limit memory; None if nowhere."""
    for where in _hierarchies():
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            _sweep(where.folder)
            group = _made(where, 64 << 20)
            try:
                subprocess.run(group.entering(["true"]), check=True, capture_output=True, timeout=20)
                group.exceeded()
                return where
            finally:
                _remove(group.folder)
    return None


def _hierarchies() -> Iterator[Hierarchy]:
    """Places that the mounts and the groups of this process name, best first."""
    second, first = _own("cgroup2", "0", ""), _own("cgroup", "", "memory")
    if second is not None:
        # a group with processes hands nothing down, so the new one mostly stands beside it, under the same limits above
        for folder in (second, second.parent):
            with suppress(OSError):
                if "memory" in (folder / "cgroup.subtree_control").read_text().split():
                    fixed_values = (("memory.swap.max", "0"), ("memory.oom.group", "1"))
                    yield Hierarchy(folder, ("memory.max",), fixed_values, "memory.events")
    if first is not None:
        limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        yield Hierarchy(first, limits, (), "memory.oom_control")


def _own(kind: str, number: str, controller: str) -> Path | None:
    """This process's folder in a hierarchy: by its number in /proc/self/cgroup, or by its controller."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        mounts = [line.split(" - ", 1) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return None
    paths = [path for id_, names, path in groups if id_ == number or (controller and controller in names.split(","))]
    for mount, source in mounts:
        type_, _, options = source.split(" ", 2)
        root, point = mount.split(" ")[3:5]
        if paths and type_ == kind and (not controller or controller in options.split(",")):
            folder = Path(point) / os.path.relpath(paths[0], root)
            return folder if ".." not in folder.parts and folder.is_dir() else None
    return None


def _made(where: Hierarchy, limit: int) -> Group:
    folder = where.folder / f"{_NAME}{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        (folder / where.limits[0]).write_text(str(limit))
        for name, value in (*((name, str(limit)) for name in where.limits[1:]), *where.fixed_values):
            if (folder / name).exists():
                (folder / name).write_text(value)
    except OSError:
        folder.rmdir()
        raise
    return Group(folder, folder / where.events)


def _remove(folder: Path) -> None:
    """End what is left in a group and remove it; what the kernel holds longer is removed by a later sweep."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            folder.rmdir()
            return
        with suppress(OSError):
            for process in map(int, (folder / "cgroup.procs").read_text().split()):
                with suppress(ProcessLookupError):
                    if process > 0:  # 0 is one that this process cannot see; to kill(2) it is all of its own group
                        os.kill(process, signal.SIGKILL)
        time.sleep(0.002)


def _sweep(parent: Path) -> None:
    """Remove empty groups that a killed process left."""
    for folder in parent.glob(f"{_NAME}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _FORGOTTEN:
                folder.rmdir()
