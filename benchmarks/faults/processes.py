"""Eight processes on one home: runs of overlapping specs that are stopped, resumed and killed, beside readers and `gc`.

Each of `COUNT` workers starts one command after another until the time is up: mostly `suite run` on some of the specs,
otherwise `show`, `board`, `render`, or `gc`, which deletes artifacts as soon as their row is done. From time to time a
process is stopped and resumed, ended by a signal, or killed. Leases are short, so that a stopped process loses its
step. When all steps are done, the results are compared with those of a single run, and the trial starts again in
another home. `SUITE_FAULTS_MINUTES` sets its duration (30).
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.faults._suite import SMALL, badly_told, differing, finished, results, rows, start
from benchmarks.faults.trial import Outcome

COUNT: Final = 8
MINUTES: Final = float(os.environ.get("SUITE_FAULTS_MINUTES", "30"))
SPECS: Final = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml", "specs/prompt_tuning_rte.yaml")
LEASE: Final = "import suite.api.running as running; running.LEASE_SECONDS = 8.0"
"""A step's silent owner loses it after this time, instead of two minutes."""
STOPPED_SECONDS: Final = (0.1, 12.0)
BETWEEN_FAULTS_SECONDS: Final = (1.0, 6.0)
FAULTS: Final = (signal.SIGSTOP, signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_DONE: Final = re.compile(r"^\[\d+/\d+\] (.*) · ([^·]*) · (?![^·]* left$)[^·]*$", re.MULTILINE)
"""The line at the end of a step. A progress line, which a resumed attempt repeats, ends with the time left instead."""
_NOT_DONE: Final = ("done, by another process", "cancelled", "left to another process", "FAILED")
READERS: Final = (("show",), ("board",), ("render",))
COLLECTORS: Final = (
    ("gc", "--dry-run"), ("gc",), ("gc", "--caches"), ("gc", "--keep-artifacts", "none", "--caches"),
)  # fmt: skip


def done_in(err: str) -> list[str]:
    """The titles of the steps that a run has done itself, by its lines."""
    return [title for title, outcome in _DONE.findall(err) if not outcome.startswith(_NOT_DONE)]


@dataclass
class _Home:
    """A home in which several threads start commands."""

    folder: Path
    until: float
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    """Step -> how often a run reported it as done."""
    running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, number: int, chance: random.Random) -> None:
        """Start one command after another."""
        while time.monotonic() < self.until:
            command = _command(chance) if (self.folder / "suite.db").exists() else _run(chance)
            process = start(*command, "--home", self.folder, before=LEASE)
            with self.lock:
                self.running[number] = process
            _, err = process.communicate()
            with self.lock:
                del self.running[number]
                self.note(command, process.returncode, err)

    def note(self, command: tuple[str, ...], code: int, err: str) -> None:
        """Record how a command ended."""
        self.told[f"{command[0]} ended {code}"] += 1
        self.done.update(done_in(err))
        if wrong := badly_told(code, err):
            self.wrong.append(f"{' '.join(command[:3])}: {wrong}")

    def disturb(self, chance: random.Random) -> None:
        """Stop, resume, end and kill processes."""
        while time.monotonic() < self.until:
            time.sleep(chance.uniform(*BETWEEN_FAULTS_SECONDS))
            number = chance.choice(FAULTS)
            with self.lock:
                process = self.running.get(chance.choice([*self.running] or [0]))
            if process is None or process.poll() is not None or not _has_begun(process):
                continue
            process.send_signal(number)
            self.told[f"sent {number.name}"] += 1
            if number == signal.SIGSTOP:
                threading.Timer(chance.uniform(*STOPPED_SECONDS), _wake, (process,)).start()


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Run `count` processes at once, for MINUTES."""
    alone = scratch / "alone"
    finished("run", *SPECS, "--home", alone, *SMALL)
    expected, chance = results(alone), random.Random(seed)
    until, told, wrong = time.monotonic() + 60 * MINUTES, Counter[str](), list[str]()
    for number in range(10_000):
        home = _together(scratch / f"shared{number}", until, count, chance)
        told += home.told
        differs = list(_judged(home.folder, expected))
        differs += [f"{title}: done {times} times" for title, times in home.done.items() if times > 1]
        wrong += [*home.wrong, *differs]
        told["homes equal to a single run"] += not differs
        if time.monotonic() >= until:
            break
    faults = sum(times for what, times in told.items() if what.startswith("sent "))
    return Outcome(faults, dict(sorted(told.items())), tuple(wrong))


def _together(folder: Path, until: float, count: int, chance: random.Random) -> _Home:
    """Run workers on one home until every step is done, or the time is up."""
    home = _Home(folder, until)
    seeds = [chance.randrange(2**32) for _ in range(count + 1)]
    workers = [threading.Thread(target=home.work, args=(at, random.Random(seeds[at]))) for at in range(count)]
    disturber = threading.Thread(target=home.disturb, args=(random.Random(seeds[count]),))
    for thread in (*workers, disturber):
        thread.start()
    while time.monotonic() < home.until:
        time.sleep(0.5)
        if _all_done(folder):
            home.until = 0.0
    for thread in (*workers, disturber):
        thread.join()
    return home


def _all_done(folder: Path) -> bool:
    with suppress(Exception):  # no tables yet
        ((undone, specs),) = rows(
            folder, "SELECT (SELECT count(*) FROM step WHERE status != 'done'), (SELECT count(*) FROM experiment)"
        )
        return undone == 0 and specs == len(SPECS) + 1  # plus the pretrained model
    return False


def _judged(folder: Path, expected: dict[str, list[tuple[object, ...]]]) -> Iterator[str]:
    """Differences after the same command has finished the remaining steps, compared with a single run."""
    try:
        finished("run", *SPECS, "--home", folder, *SMALL)
    except RuntimeError as error:
        yield f"it does not finish: {error}"
    yield from differing(results(folder), expected)
    if left := rows(folder, "SELECT title, status FROM step WHERE status != 'done'"):
        yield f"not done: {left[:3]}"
    if list((folder / "work").glob("*/*")):
        yield "checkpoints of finished steps are left"
    finished("gc", "--keep-artifacts", "none", "--home", folder)
    if left_behind := sorted(str(path) for name in ("artifacts", "work") for path in (folder / name).glob("*")):
        yield f"not collected: {left_behind[:3]}"


def _run(chance: random.Random) -> tuple[str, ...]:
    return ("run", *chance.sample(SPECS, chance.randint(1, len(SPECS))), *SMALL)


def _command(chance: random.Random) -> tuple[str, ...]:
    return _run(chance) if chance.random() < 0.7 else chance.choice((*READERS, *COLLECTORS))


def _has_begun(process: subprocess.Popen[str]) -> bool:
    """Whether it handles signals by now: while Python starts, they end it at once."""
    with suppress(OSError):
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(re.findall(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)[0], 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)
    return False


def _wake(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
