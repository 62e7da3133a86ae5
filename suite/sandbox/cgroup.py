"""Limit the memory of all processes of a command together with a temporary memory cgroup.

It works if the system lets this user create one: in version 2 if the memory controller is delegated, else in version 1.
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
"""Seconds after which the group of a killed process is removed; a program only runs for seconds."""
_PATIENCE: Final = 2.0
"""Seconds to wait for the end of a group's processes."""
ENTER: Final = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
"""Shell: replace itself by the command, inside the group `$0`."""


@dataclass(frozen=True)
class Hierarchy:
    """A folder for new groups, and the names of their files."""

    folder: Path
    limits: tuple[str, ...]
    """Files for the number of bytes, in this order; the first one must exist."""
    fixed_values: tuple[tuple[str, str], ...]
    """Files for fixed values, if they exist."""
    events: str
    """The file that counts `oom_kill`."""


@dataclass(frozen=True)
class Group:
    """A cgroup with a limit."""

    folder: Path
    events: Path

    def entering(self, command: list[str]) -> list[str]:
        """The command, to be run inside this group."""
        return ["/bin/sh", "-c", ENTER, str(self.folder), *command]

    def exceeded(self) -> bool:
        """Whether a process was killed because all of them together exceeded the limit."""
        counts = dict(line.split(maxsplit=1) for line in self.events.read_text().splitlines())
        return int(counts.get("oom_kill", 0)) > 0


@contextmanager
def memory_limit(limit: int) -> Iterator[Group | None]:
    """A group that limits the memory of its processes together, removed on exit; None if it cannot be created."""
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
    """A hierarchy in which this process can create groups that limit memory; None if there is none."""
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
    """Hierarchies found from this process's mounts and groups, best first."""
    second, first = _own("cgroup2", "0", ""), _own("cgroup", "", "memory")
    if second is not None:
        # a group with processes delegates nothing, so the new group is usually its sibling, below the same limits
        for folder in (second, second.parent):
            with suppress(OSError):
                if "memory" in (folder / "cgroup.subtree_control").read_text().split():
                    fixed_values = (("memory.swap.max", "0"), ("memory.oom.group", "1"))
                    yield Hierarchy(folder, ("memory.max",), fixed_values, "memory.events")
    if first is not None:
        limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        yield Hierarchy(first, limits, (), "memory.oom_control")


def _own(kind: str, number: str, controller: str) -> Path | None:
    """This process's folder in a hierarchy, by its number or its controller in /proc/self/cgroup; None if there is
    none."""
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
    """End a group's remaining processes and remove it; a later sweep removes groups that the kernel still holds."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            folder.rmdir()
            return
        with suppress(OSError):
            for process in map(int, (folder / "cgroup.procs").read_text().split()):
                with suppress(ProcessLookupError):
                    if process > 0:  # 0 is an invisible process; for kill(2) it is this one's process group
                        os.kill(process, signal.SIGKILL)
        time.sleep(0.002)


def _sweep(parent: Path) -> None:
    """Remove empty groups that a killed process left behind."""
    for folder in parent.glob(f"{_NAME}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _FORGOTTEN:
                folder.rmdir()
