"""The owner of a step: a process, identified across process ids, boots, containers and hosts."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

PROC = Path("/proc")
BOOT = PROC / "sys/kernel/random/boot_id"
MACHINE = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@dataclass(frozen=True)
class Owner:
    """A process. Its text form is its fields, joined by colons; earlier versions wrote only the first three."""

    host: str
    pid: int
    mark: str
    """Distinguishes several runs of one process."""
    start: str = ""
    """When the process started, as the system counts it; empty if unknown."""
    boot: str = ""
    machine: str = ""
    space: str = ""
    """The PID namespace of its process id: that of a container or of the whole machine."""

    def __str__(self) -> str:
        return ":".join(map(str, vars(self).values()))

    @classmethod
    def here(cls) -> Owner:
        """This process, with a name that no other running process has."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Owner:
        """A process of this machine and PID namespace. Its `start` is empty if it has ended."""
        host = platform.node().replace(":", "-")[:64]
        return cls(host, pid, str(time.time_ns()), _start_of(pid) or "", _boot(), _machine(), _space())

    @classmethod
    def parse(cls, text: str | None) -> Owner | None:
        """The owner of a text form; None if the text is not one."""
        host, *rest = (text or "").split(":")
        if not 2 <= len(rest) <= 6 or not rest[0].isdecimal():
            return None
        return cls(host, int(rest[0]), *rest[1:])

    @property
    def near(self) -> bool:
        """Whether this process can see its process id: it has the same host, boot and PID namespace."""
        this = Owner.here()
        placed = bool(self.start or self.boot or self.machine or self.space)
        return self.host == this.host and (not placed or (self.boot, self.space) == (this.boot, this.space))

    def same_process(self, other: Owner) -> bool:
        """Whether both are one process, perhaps in different runs."""
        return replace(self, mark="") == replace(other, mark="")

    def is_dead(self, silence: float | None) -> bool:
        """Whether it is known to have ended. `silence` is the time since its last heartbeat, in seconds; None: forever.

        A process on this machine is looked up; an earlier boot of this machine has ended. On other machines, only a
        missing heartbeat can show it.
        """
        if self.near:
            now = _start_of(self.pid)
            return now is None or bool(self.start and now and now != self.start)
        this = Owner.here()
        rebooted = bool(self.machine and self.boot and this.boot) and self.machine == this.machine
        # The heartbeat distinguishes an earlier boot from a clone: cloned machines share one machine id.
        return rebooted and self.boot != this.boot and (math.inf if silence is None else silence) > _uptime()


def _start_of(pid: int) -> str | None:
    """When a process started; empty if unknown, None if it does not exist (or is a zombie, whose work is done)."""
    if not _proc_is_ours():
        return _start_elsewhere(pid)
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except PermissionError:
        return ""
    except (OSError, ValueError):  # ended, or hidden because it belongs to another user
        return "" if _exists(pid) else None
    return None if state in "ZX" else fields[18]  # proc(5): field 22


def _start_elsewhere(pid: int) -> str | None:
    """When a process started, without Linux's /proc."""
    if PROC.is_dir():  # /proc of another PID namespace: its process ids are different ones
        return "" if _exists(pid) else None
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.NoSuchProcess:
        return None
    except (psutil.Error, OverflowError):
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # not ours to signal, so it exists
        return True
    return True


def _proc_is_ours() -> bool:
    """Whether /proc shows this process by its number."""
    try:
        return int(os.readlink(PROC / "self")) == os.getpid()
    except (OSError, ValueError):
        return False


def _uptime() -> float:
    """Seconds since this machine booted; infinity if unknown."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return math.inf if clock is None else time.clock_gettime(clock)


@cache
def _boot() -> str:
    return _digest(BOOT)


@cache
def _machine() -> str:
    return next(filter(None, map(_digest, MACHINE)), "")


def _space() -> str:
    try:
        return os.readlink(PROC / "self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _digest(file: Path) -> str:
    """A short digest of a file; empty without one. Machine ids must not be passed on unchanged (machine-id(5))."""
    try:
        text = file.read_text().strip()
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(f"suite {text}".encode()).hexdigest()[:16] if text else ""
