"""Run generated programs in bubblewrap: in a separate process, without network and files.

A program sees Python and an empty folder that is deleted afterwards. It has no network, environment, descriptors or
privileges. Time, memory, processes, files and output are limited. Its remaining processes are killed with its
namespace. It cannot create namespaces, and therefore no mounts.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from suite.core.errors import SuiteError
from suite.sandbox import cgroup, seccomp

UNSAFE: Final[ContextVar[bool]] = ContextVar("unsafe", default=False)
"""Whether programs may run without a sandbox if none works (`--unsafe-code`)."""
_FIX: Final = "install bubblewrap (the command `bwrap`), or allow it with --unsafe-code"
_PYTHON: Final = (os.path.realpath(sys.executable), "-I", "-S", "-B")
"""Without site packages: a program has only the standard library."""
_AROUND: Final = 16 << 20
"""Memory for the sandbox's own processes, in bytes."""
_FILTERED: Final = 'exec 9<"$0" && exec "$@"'
"""Shell: replace itself by the command, with the file `$0` as descriptor 9."""
_NO_NAMESPACE: Final = "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == -1"
"""Python: fails if it can create a user namespace (CLONE_NEWUSER)."""


@dataclass(frozen=True)
class Limits:
    """Limits of a program."""

    seconds: float = 5.0
    """Wall time; CPU time has the same limit, rounded up."""
    memory: int = 512 << 20
    """Bytes of address space of each process; also of memory of all its processes if a cgroup can be created."""
    processes: int = 8
    """Number of processes and threads at a time."""
    file_bytes: int = 4 << 20
    """Bytes of each file, and of the whole folder."""
    output_bytes: int = 1 << 20
    """Bytes of standard output and error together."""


@contextmanager
def unsafe(allowed: bool) -> Iterator[None]:
    """Context manager that allows, or forbids, programs without a sandbox if none works."""
    token = UNSAFE.set(allowed)
    try:
        yield
    finally:
        UNSAFE.reset(token)


def available() -> bool:
    """Whether a sandbox works on this machine."""
    return _working() is not None


def require(what: str) -> None:
    """Raises SuiteError if no sandbox works and programs are not allowed to run without one."""
    if not UNSAFE.get() and not available():
        raise SuiteError(f"{what} runs generated programs, and no sandbox works here", fix=_FIX)


@dataclass(frozen=True)
class Running:
    """A script that runs in a sandbox."""

    process: subprocess.Popen[bytes]
    group: cgroup.Group | None

    def exceeded(self) -> bool:
        """Whether its processes together exceeded their memory limit."""
        return self.group is not None and self.group.exceeded()


@contextmanager
def running(
    script: bytes,
    program: bytes,
    limits: Limits,
    *,
    streams: Sequence[BinaryIO],
    arguments: Sequence[str] = (),
    together: bool = True,
) -> Iterator[Running]:
    """Start a compiled script with the path of a file as argument; on exit, end all its processes.

    `streams` are its standard input, output and error. `together`: limit the memory of all its processes together.
    Raises SuiteError if no sandbox works and running without one is not allowed.
    """
    require("this task")
    with tempfile.TemporaryDirectory(prefix="suite-program-") as scratch:
        folder = Path(scratch)
        work = folder / "work"
        work.mkdir()
        files = {"/suite.pyc": folder / "suite.pyc", "/tmp/program.py": folder / "program.py"}
        for file, content in zip(files.values(), (script, program), strict=True):
            file.write_bytes(content)
        jail = _jail(folder, files, limits)
        paths = [*files] if jail else [str(file) for file in files.values()]
        command = [*(jail or _limited(limits, alone=False)), *_PYTHON, *paths, *arguments]
        memory = limits.memory + limits.file_bytes + _AROUND
        with (
            cgroup.memory_limit(memory) if together else nullcontext() as group,
            _process(group.entering(command) if group else command, work, streams) as process,
        ):
            yield Running(process, group)


@contextmanager
def _process(command: list[str], folder: Path, streams: Sequence[BinaryIO]) -> Iterator[subprocess.Popen[bytes]]:
    stdin, stdout, stderr = streams
    process = subprocess.Popen(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, stdin=stdin, stdout=stdout,
        stderr=stderr, close_fds=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limited(limits: Limits, *, alone: bool) -> list[str]:
    """Command prefix that sets the limits; `alone`: the user runs nothing else. Empty if the system lacks `prlimit`."""
    prlimit = shutil.which("prlimit")
    cpu = int(limits.seconds) + 1
    values = {"cpu": cpu, "as": limits.memory, "fsize": limits.file_bytes, "nofile": 64, "core": 0}
    if alone:
        values["nproc"] = limits.processes
    return [prlimit, *(f"--{name}={value}:{value}" for name, value in values.items()), "--"] if prlimit else []


def _jail(scratch: Path, files: Mapping[str, Path], limits: Limits) -> list[str]:
    """Bubblewrap's command prefix with only the system's libraries, Python, some files, and a small folder in
    memory."""
    bwrap = _working()
    if bwrap is None:
        return []
    rules = scratch / "seccomp"
    rules.write_bytes(seccomp.compiled())
    folder = ("--perms", "1777", "--size", str(limits.file_bytes), "--tmpfs", "/tmp", "--chdir", "/tmp")
    binds = [part for path, file in files.items() for part in ("--ro-bind", str(file), path)]
    limited = (*_as_nobody(), *_limited(limits, alone=True))
    closed = ("--remount-ro", "/")  # a user owns it, and its size has no limit
    return ["/bin/sh", "-c", _FILTERED, str(rules), *bwrap, *folder, *binds, *closed, "--", *limited]


def _as_nobody() -> list[str]:
    """Command prefix that drops root's rights, because the kernel does not count root's processes. Each program gets
    its own user."""
    if os.getuid() != 0:
        return []
    user = str(secrets.randbelow(1 << 20) + (1 << 20))
    dropped = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return ["setpriv", f"--reuid={user}", f"--regid={user}", *dropped, "--"]


def bounds() -> str:
    """A short description of the sandbox for a report on this machine; empty if there is none."""
    command = _working()
    if command is None:
        return ""
    names = ["user namespaces disabled"] if "--disable-userns" in command else []
    names += ["seccomp"] if "--seccomp" in command else []
    total = "a cgroup bounds" if cgroup.hierarchy() else "no cgroup can be made here: only each process's limit bounds"
    return f"bubblewrap ({', '.join(names)}); {total} the memory of a program"


@cache
def _working() -> tuple[str, ...] | None:
    """The part of the sandbox's command that all programs share; None if no sandbox works here.

    Nested user namespaces would give a program its own mounts and thus unlimited memory, so they have to be disabled.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None or shutil.which("prlimit") is None:
        return None
    filtered = ("--seccomp", "9") if seccomp.compiled() else ()
    # root has no user namespace to disable; bubblewrap before 0.8 and setuid bubblewrap cannot disable it
    disabled = ("--disable-userns",) if os.getuid() != 0 else ()
    for held in dict.fromkeys(((*disabled, *filtered), filtered, disabled)):
        command = (bwrap, *_namespace_options(), *held)
        if held and _holds(command):
            return command
    return None


def _holds(command: tuple[str, ...]) -> bool:
    """Whether a program runs in this sandbox and cannot create a user namespace there."""
    limited = (*_as_nobody(), *_limited(Limits(), alone=True), *_PYTHON, "-c", _NO_NAMESPACE)
    start = ("/bin/sh", "-c", _FILTERED, "/dev/stdin", *command, "--")  # no file: a full disk is no missing sandbox
    try:
        done = subprocess.run([*start, *limited], input=seccomp.compiled(), capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _namespace_options() -> tuple[str, ...]:
    """Bubblewrap's options that all programs share: namespaces, rights, and visible folders."""
    # not the whole disk: a program cannot leak what it cannot see
    folders = {"/usr", "/lib", "/lib64", "/lib32", "/bin", sys.base_prefix}
    above = [str(parent) for parent in reversed(Path(sys.base_prefix).parents) if parent != Path("/")]
    open_ = [part for folder in above for part in ("--perms", "0755", "--dir", folder)]  # else only root may enter
    binds = [part for folder in sorted(folders) if Path(folder).exists() for part in ("--ro-bind", folder, folder)]
    unshared = [f"--unshare-{kind}" for kind in ("ipc", "net", "pid", "uts", "cgroup-try")]
    if os.getuid() == 0:  # root needs no user namespace, and drops its rights inside
        capabilities = [part for right in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{right}")]
        rights = ["--cap-drop", "ALL", *capabilities]
    else:
        rights = ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    return (
        *unshared, *rights, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox",
        "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", *open_, *binds, "--setenv", "LANG", "C.UTF-8",
        "--setenv", "PATH", "/usr/bin:/bin",
    )  # fmt: skip
