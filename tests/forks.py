"""Processes of Python that are forked from one that has done the imports, which take seconds each time.

The server (`python -m tests.forks FD`) has only imported modules and not used them: torch's thread pools do not survive
a fork of a process that has used them.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).resolve().parents[1]
MOST = 1 << 20
"""Bytes of a request."""
HIGH = 200
"""Descriptors from this number on are free in the server."""


class Forked(subprocess.Popen[Any]):
    """A process like one that `python COMMAND` starts, with pipes for both outputs, or with a file for them."""

    _child_created = False  # it is not this process's own child: there is nothing to wait for at the end

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], output: IO[Any] | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Start the process in the current folder; `command` begins with `-c` or `-m`, and `descriptors` are passed."""
        self.args, self.returncode, self.stdin = list(command), None, None
        files = [] if output is not None else [os.pipe(), os.pipe()]
        status = os.pipe()
        outputs = [output.fileno(), output.fileno()] if output is not None else [write for _, write in files]
        request = {
            "command": list(command), "environment": dict(environment), "folder": os.getcwd(),
            "numbers": [1, 2, *descriptors],
        }  # fmt: skip
        socket.send_fds(_server(), [json.dumps(request).encode()], [status[1], *outputs, *descriptors])
        for _, write in (*files, status):
            os.close(write)
        self.stdout, self.stderr = [open(read, encoding="utf-8") for read, _ in files] or (None, None)  # noqa: SIM115
        self._status = open(status[0], encoding="utf-8")  # noqa: SIM115
        self.pid = int(self._status.readline())

    @classmethod
    def like(cls, command: Sequence[str], **how: Any) -> Forked:
        """Start a Python process with the arguments that `subprocess.Popen` was given."""
        assert command[0] == sys.executable
        return cls(command[1:], how["env"], how["stdout"], how["pass_fds"])

    def poll(self) -> int | None:
        """The exit code; minus the signal that ended it; None if it still runs."""
        if self.returncode is None:
            os.set_blocking(self._status.fileno(), False)
            line = self._status.readline()
            self.returncode = int(line) if line else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended. Raises TimeoutExpired."""
        until = time.monotonic() + (1e9 if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            time.sleep(0.005)
        return code

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[str, str]:
        """Both outputs to their ends. Raises TimeoutExpired."""
        assert input is None
        until, texts = time.monotonic() + (1e6 if timeout is None else timeout), ["", ""]

        def read(index: int, stream: IO[str]) -> None:
            texts[index] = stream.read()

        streams = [stream for stream in (self.stdout, self.stderr) if stream]
        threads = [threading.Thread(target=read, args=each, daemon=True) for each in enumerate(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        self.wait(max(0.0, until - time.monotonic()))
        return texts[0], texts[1]

    def send_signal(self, sig: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def __exit__(self, *_: object) -> None:
        self.wait()


@cache
def _server() -> socket.socket:
    """A connection to the server, which ends with this process."""
    here, there = socket.socketpair()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", __name__, str(there.fileno())]
    subprocess.Popen(command, cwd=REPOSITORY, env=environment, pass_fds=[there.fileno()], stdin=subprocess.DEVNULL)
    there.close()
    return here


def _serve(asked: socket.socket) -> dict[str, Any]:
    """Fork a process for each request, until there are no more. Returns the request, in that process alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        text, files, *_ = socket.recv_fds(asked, MOST, 16)
        if not text:
            sys.exit()
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked.close()
    status, *passed = [fcntl.fcntl(file, fcntl.F_DUPFD, HIGH) for file in files]
    if pid := os.fork():  # this one only waits: the server goes on at once
        os.closerange(3, HIGH)
        for file in passed:
            os.close(file)
        os.write(status, b"%d\n" % pid)
        _, ended = os.waitpid(pid, 0)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
        os._exit(0)
    os.closerange(3, HIGH)
    request: dict[str, Any] = json.loads(text)
    for file, number in zip(passed, request["numbers"], strict=True):
        os.dup2(file, number)
    os.closerange(HIGH, 2 * HIGH)
    return request


def _run(command: Sequence[str]) -> None:
    """Be `python COMMAND`."""
    streams = (os.fdopen(number, "wb", closefd=False) for number in (1, 2))
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(next(streams), "utf-8")
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(next(streams), "utf-8", "backslashreplace", line_buffering=True)
    how, what, *arguments = command
    sys.argv = [how, *arguments]
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), module.__dict__)


def main() -> None:
    """Import, serve, and be what is asked for."""
    import lm_eval._cli
    import lm_eval.evaluator
    import peft
    import torch
    import transformers

    import leaderboard
    import suite.cli.commands.health
    import suite.cli.commands.sharing
    import suite.evaluation.rescoring
    import suite.execution.session

    assert all((lm_eval, peft, torch, transformers, leaderboard, suite))
    gc.freeze()  # what is not looked at need not be copied
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in {"", *sys.path}]
    try:
        _run(request["command"])
        code: Any = 0
    except SystemExit as end:
        code = end.code or 0
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)  # without taking everything apart, which takes a second


if __name__ == "__main__":
    main()
