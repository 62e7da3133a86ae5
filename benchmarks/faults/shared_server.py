"""Restart a PostgreSQL server while eight processes run the same specs on it, with one home.

Once every process has planned, a proxy restarts the server at commits of any of them (`benchmarks.faults.postgres`).
Afterwards the store must equal that of one undisturbed run in SQLite: each step was tried once and done by one process,
no process failed, and each one that saw the server away saw it back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.faults._server import Proxy, Server, missing
from benchmarks.faults._suite import REPOSITORY
from benchmarks.faults.postgres import HANGS_SECONDS, RUN, Stored, differing, drawn, started, stored
from benchmarks.faults.processes import done_in
from benchmarks.faults.trial import Outcome

COUNT: Final = 20
LONG: Final = (*RUN, "--set", "method.steps=200")
PROCESSES: Final = 8
RESTARTS: Final = 5
"""At most so many restarts in a run of all processes."""


class _Process:
    """A run in a process of its own, whose messages a thread reads."""

    def __init__(self, arguments: Sequence[str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-m", "suite", *arguments], cwd=REPOSITORY, env=environment, stdin=quiet, stdout=quiet,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._lines.append(line)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ended(self) -> tuple[int, str]:
        """Exit code and messages, after it has ended; it is killed when it takes too long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(HANGS_SECONDS)
        self._process.kill()
        code = self._process.wait()
        self._thread.join()
        return code, "".join(self._lines)


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Restart a server `count` times, at most RESTARTS times in a run of PROCESSES processes."""
    if reason := missing():
        return Outcome(0, {f"not tried: {reason}": 1}, ())
    random, told, wrong = Random(seed), Counter[str](), list[str]()
    with Server.started() as server:
        home = scratch / "sqlite"
        code, err = started(*LONG, "--home", str(home))
        if code:
            raise RuntimeError(f"undisturbed: exit {code}: {err[-500:]}")
        sound = stored(home / "suite.db")
        for number, first in enumerate(range(0, count, RESTARTS)):
            restarts = min(RESTARTS, count - first)
            wrong += [
                f"run {number}: {each}" for each in _together(server, scratch, number, restarts, random, sound, told)
            ]
    return Outcome(count, dict(sorted(told.items())), tuple(wrong))


def _together(
    server: Server, scratch: Path, number: int, restarts: int, random: Random, sound: Stored, told: Counter[str]
) -> Iterator[str]:
    """Run all processes on a new database, and yield a line for everything that is wrong."""
    database = server.database(f"shared{number}")
    plan = drawn(random, 2 * len(sound["attempts"]), restarts)  # a claim and an end of each step; more commits come
    with Proxy(server, plan).listening() as proxy:
        url = server.url(database, proxy.port)
        home = scratch / database
        processes = [_Process((*LONG, "--home", str(home), "--db", url)) for _ in range(PROCESSES)]
        while all(each.alive for each in processes) and len(list((home / "logs").glob("*"))) < PROCESSES:
            time.sleep(0.02)  # a run has its log once it has planned, and so has reached the server
        proxy.begun.set()
        ended = [process.ended() for process in processes]
    told.update(str(each) for each in proxy.done)
    if len(proxy.done) < restarts:
        yield f"only {len(proxy.done)} of {restarts} restarts, as it came to its end before"
    for code, err in ended:
        yield from _badly_ended(code, err)
    away = sum(" is away since " in err for _, err in ended)
    if not away:
        yield "no process told that the server was away"
    done = Counter(title for _, err in ended for title in done_in(err))
    yield from (f"{title}: done {times} times" for title, times in done.items() if times > 1)
    yield from (f"{title}: nobody did it" for title, _, _ in sound["steps"].values() if title not in done)
    yield from differing(stored(server.url(database)), sound)
    told["processes that told of it"] += away
    told["processes that did steps"] += sum(bool(done_in(err)) for _, err in ended)


def _badly_ended(code: int, err: str) -> Iterator[str]:
    if code or "Traceback" in err or "Error" in err or "error: " in err:
        yield f"exit {code}: {err[-800:]!r}"
    lines = [line for line in err.splitlines() if " is away since " in line or " is back after " in line]
    if lines and " is back after " not in lines[-1]:
        yield f"it was not told that the server came back: {lines[-3:]}"
