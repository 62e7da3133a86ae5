"""Restart a PostgreSQL server during runs: nothing may be lost or done twice, and each fault must be reported.

A proxy restarts the server at commits drawn by the seed: before the server gets the commit, after it has committed but
before its reply, or some time later; in order or as in a crash, with a downtime of up to 3 seconds. Afterwards the
store must equal that of an undisturbed run in SQLite, with each step tried once. Finally the server stays away: the
command must end at once by Ctrl-C, or by itself with one line, and continue when it is repeated.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.faults._server import Mode, Proxy, Restart, Server, When, missing
from benchmarks.faults.trial import Outcome
from suite.results.store import Store

COUNT: Final = 10
REPOSITORY: Final = Path(__file__).resolve().parents[2]
RUN: Final = (
    "run", "specs/finetune_rte.yaml", "specs/lora_rte.yaml", "specs/prompt_tuning_rte.yaml",
    "--set", "held_out.roles=[triviaqa, cb]", "--set", "held_out.shots=[1]", "--set", "held_out.documents=8",
    "--set", "target.documents=16", "--set", "selection.documents=8", "--set", "budget.batch_size=4",
    "--set", "budget.max_length=128", "--set", "method.steps=30",
)  # fmt: skip
AWAY_SECONDS: Final = 2.0
"""Seconds that a command waits for a server that stays away."""
HANGS_SECONDS: Final = 300.0
"""A command that takes longer is killed."""
END_SECONDS: Final = 20.0
"""A command that takes longer to end by Ctrl-C is waiting for the server."""
Stored = Mapping[str, Any]


def started(*arguments: str, away: float | None = None, end_at: str | None = None) -> tuple[int, str]:
    """Exit code and standard error of a command in a separate process.

    With `away`, it waits that number of seconds for its server. It gets a Ctrl-C when it prints `end_at`.
    """
    first = (
        ""
        if away is None
        else f"import suite.results.store.servers; suite.results.store.servers.AWAY_SECONDS = {away}; "
    )
    program = f"{first}from suite.cli import main; main()"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", program, *arguments]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, text=True
    ) as process:
        lines: list[str] = []
        ended = 0.0
        limit = threading.Timer(HANGS_SECONDS, process.kill)
        limit.start()
        for line in process.stderr or ():
            lines.append(line)
            if end_at is not None and not ended and end_at in line:
                process.send_signal(signal.SIGINT)
                ended = time.monotonic()
        code = process.wait()
        limit.cancel()
    if ended and time.monotonic() - ended > END_SECONDS:
        lines.append(f"error: it took {time.monotonic() - ended:.0f} s to end\n")
    return code, "".join(lines)


def stored(url: str | Path) -> Stored:
    """Everything that must not depend on restarts."""
    with Store.open(url, create=False) as store:
        experiments = store.experiments()
        ids = store.step_ids()
        steps = store.steps(ids)
        return {
            "experiments": [(each.id, each.name, each.spec) for each in experiments],
            "links": store.links_of([each.id for each in experiments]),
            "steps": {step: (each.title, each.status, each.reason) for step, each in steps.items()},
            "attempts": {step: each.attempts for step, each in steps.items()},
            "tokens": {step: each.costs.tokens for step, each in steps.items()},
            "scores": store.scores(ids),
            "answers": [store.answers(step) for step in ids],
            "curves": store.curves(ids),
            "findings": {step: sorted(each) for step, each in store.findings(ids).items()},
            "artifacts": store.artifacts(ids),
            "changed since": store.alteration(),
        }


def differing(found: Stored, expected: Stored) -> Iterator[str]:
    """One line for each part that differs."""
    yield from (f"other {name} than undisturbed" for name in expected if found[name] != expected[name])


def drawn(random: Random, commits: int, count: int) -> dict[int, Restart]:
    """The commits that get a restart, and how it is done."""
    plan: dict[int, Restart] = {}
    whens: tuple[When, ...] = ("reply", "later", "before")
    modes: tuple[Mode, ...] = ("immediate", "fast")
    for number, commit in enumerate(sorted(random.sample(range(2, commits), count))):
        mode, pause = random.choice(modes), random.uniform(0.0, 3.0)
        plan[commit] = Restart(whens[number % 3], mode, pause, random.uniform(0.0, 0.5))
    return plan


class Restarting:
    """A server, the results of an undisturbed run, and the outcomes of the restarts."""

    def __init__(self, server: Server, scratch: Path, seed: int) -> None:
        self.server, self.scratch, self.random = server, scratch, Random(seed)
        self.told: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.sound: Stored = {}
        self.commits = 0

    def undisturbed(self) -> None:
        """Run on SQLite for the expected results and the number of commits. Raises RuntimeError if it fails."""
        home = self.scratch / "sqlite"
        code, err = started(*RUN, "--home", str(home))
        if code:
            raise RuntimeError(f"undisturbed: exit {code}: {err[-500:]}")
        self.sound = stored(home / "suite.db")
        steps = len(self.sound["attempts"])
        self.commits = 8 + 2 * steps  # at the start, and a claim and an end of each step; heartbeats add to these

    def run(self, number: int, count: int) -> None:
        """A run during which the server is restarted `count` times."""
        database = self.server.database(f"run{number}")
        home = self.scratch / database
        with Proxy(self.server, drawn(self.random, self.commits, count)).listening() as proxy:
            proxy.begun.set()
            code, err = started(*RUN, "--home", str(home), "--db", self.server.url(database, proxy.port))
        self.told.update(str(each) for each in proxy.done)
        if len(proxy.done) < count:
            self.wrong.append(f"run {number}: only {len(proxy.done)} of {count} restarts, as it came to its end before")
        self.wrong += [f"run {number}: {each}" for each in self._wrong(code, err, database)]

    def _wrong(self, code: int, err: str, database: str) -> Iterator[str]:
        if code or "Traceback" in err or "Error" in err or "error: " in err:
            yield f"exit {code}: {err[-800:]!r}"
        lines = [line for line in err.splitlines() if " is away since " in line or " is back after " in line]
        if not lines or " is back after " not in lines[-1]:
            yield f"it was not told that the server was away and came back: {lines[-3:]}"
        yield from differing(stored(self.server.url(database)), self.sound)

    def stays_away(self) -> None:
        """Runs whose server stays away: one ended by Ctrl-C, one that gives up, and one after it is back."""
        database = self.server.database("away")
        home, url = self.scratch / database, self.server.url(database)
        kept: dict[str, int] = {}
        for what, expected, commit in (("Ctrl-C", 130, 14), ("gave up", 2, 8)):
            with Proxy(self.server, {self.random.randint(commit, commit + 4): None}).listening() as proxy:
                proxy.begun.set()
                there = ("--home", str(home), "--db", self.server.url(database, proxy.port))
                away, end_at = (AWAY_SECONDS, None) if what == "gave up" else (None, " it is asked again until ")
                code, err = started(*RUN, *there, away=away, end_at=end_at)
            if proxy.done:
                self.server.start()
            errors = [line for line in err.splitlines() if line.startswith("error: ")]
            told = [line for line in errors if " and was asked again until " in line]
            if code != expected or errors != told or len(told) != (expected == 2) or "Traceback" in err:
                self.wrong.append(f"stayed away, {what}: exit {code}: {err[-800:]!r}")
            found = stored(url)
            done = {step for step, (_, status, _) in found["steps"].items() if status == "done"}
            if any(found["attempts"][step] != count for step, count in kept.items()):
                self.wrong.append(f"stayed away, {what}: what was done is lost, or done again")
            kept = {step: found["attempts"][step] for step in done}
            self.told[f"stayed away, {what}"] += 1
        code, err = started(*RUN, "--home", str(home), "--db", url)
        found = stored(url)
        if code or any(found["attempts"][step] != count for step, count in kept.items()):
            self.wrong.append(f"after it stayed away: exit {code}: {err[-800:]!r}")
        same = {**found, "attempts": self.sound["attempts"], "tokens": self.sound["tokens"]}
        self.wrong += [f"after it stayed away: {each}" for each in differing(same, self.sound)]


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Restart a server `count` times, at most ten times in a run; then it stays away."""
    reason = missing()
    if reason is not None:
        return Outcome(0, {f"not tried: {reason}": 1}, ())
    with Server.started() as server:
        restarting = Restarting(server, scratch, seed)
        restarting.undisturbed()
        for number, first in enumerate(range(0, count, COUNT)):
            restarting.run(number, min(COUNT, count - first))
        restarting.stays_away()
    return Outcome(count + 2, dict(sorted(restarting.told.items())), tuple(restarting.wrong))
