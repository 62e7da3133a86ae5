"""Kill the processes of `suite run --workers` at random moments: the run must go on by itself, with the same results.

Workers are killed (SIGKILL) in training, in evaluations, while they have no step, and in their first second; so is the
server that forks them. No step loses its process more often than a run allows. The run must end by itself with exit
code 0. Now and then the main process is killed: its workers must end within seconds, and the same command goes on.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.faults._suite import SMALL, badly_told, differing, finished, results, rows, start
from benchmarks.faults._tree import ProcessTree, is_alive, stopped
from benchmarks.faults.processes import done_in
from benchmarks.faults.trial import Outcome
from suite.execution.schedule import DEATHS
from suite.results.store import Owner

COUNT: Final = 100
Moment = Literal["training", "evaluation", "idle", "first second", "fork server", "main process"]
MOMENTS: Final[tuple[Moment, ...]] = (
    "training", "evaluation", "first second", "training", "idle", "evaluation", "fork server", "training",
    "evaluation", "main process",
)  # fmt: skip
"""In turn. The process and the delay are drawn."""
SPECS: Final = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml", "specs/prompt_tuning_rte.yaml")
SETS: Final = (*SMALL, "--set", "method.steps=40", "--set", "budget.checkpoint_minutes=0", "--set", "selection.every=5")
KILLS: Final = 12
"""At most so many in one run."""
DELAY_SECONDS: Final = 1.5
ENDING_SECONDS: Final = 30.0
"""Within this time no process of a command that has ended may be left."""
HUNG_SECONDS: Final = 600.0


@dataclass
class _Run:
    """One home, in which the command runs until it ends by itself."""

    home: Path
    workers: int
    chance: random.Random
    deaths: Counter[str] = field(default_factory=Counter)
    """Step -> how often its process was killed while it had the step."""
    unknown: int = 0
    """Kills that may count for any step: of a process that has not begun its step, or of the fork server."""
    cancelling: int = 0
    """Kills of the main process and of the fork server: workers that have lost them cancel their step."""
    kills: int = 0
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    """Title -> how often it was reported as done."""
    finished: dict[str, int] = field(default_factory=dict)
    """Step -> its attempts, for those that were done when the main process was killed."""

    def go(self, moments: list[Moment]) -> None:
        """Run the command until it ends by itself. Kill processes at these moments, and remove those from the list."""
        while self._command(moments):
            pass

    def _command(self, moments: list[Moment]) -> bool:
        """Run the command once. Returns whether its main process was killed."""
        with (self.home / "err").open("w+", encoding="utf-8") as err:
            process = start("run", *SPECS, "--home", self.home, *SETS, "--workers", str(self.workers), err=err)
            tree = ProcessTree(process)
            killed = self._disturb(tree, moments)
            left = tree.left_after(ENDING_SECONDS)
            self.wrong += [f"a process is left {ENDING_SECONDS:.0f} s after the end: {each}" for each in left]
            for each in left:
                each.kill()
            err.seek(0)
            text = err.read()
        self.done.update(done_in(text))
        if wrong := badly_told(process.returncode, text):
            self.wrong.append(wrong)
        elif not killed and process.returncode != 0:
            self.wrong.append(f"exit code {process.returncode}: {text[-500:]!r}")
        return killed

    def _disturb(self, tree: ProcessTree, moments: list[Moment]) -> bool:
        """Kill processes until the command has ended. Returns whether the main one was killed."""
        until, due = time.monotonic() + HUNG_SECONDS, 0.0
        chosen: psutil.Process | None = None
        while tree.main.poll() is None:
            time.sleep(0.01)
            tree.look()
            if time.monotonic() > until:
                self.wrong.append(f"it has not ended after {HUNG_SECONDS:.0f} s")
                tree.main.kill()
            elif not moments or self.kills >= KILLS:
                continue
            elif chosen is None:
                if candidates := self._candidates(tree, moments[0]):
                    chosen = self.chance.choice(candidates)
                    due = time.monotonic() + self.chance.uniform(0.0, _longest_delay(moments[0]))
            elif time.monotonic() >= due:
                target, chosen = chosen, None
                if not self._kill(target, tree, moments[0]):
                    continue
                moment = moments.pop(0)
                self.kills += 1
                self.told[moment] += 1
                if moment == "main process":
                    tree.main.wait()
                    return True
        return False

    def _candidates(self, tree: ProcessTree, moment: Moment) -> list[psutil.Process]:
        """The processes that may be killed at a moment."""
        running, workers = self._running(), tree.workers()
        match moment:
            case "main process":
                return [psutil.Process(tree.main.pid)] if running else []
            case "fork server":
                server = tree.fork_server()
                return [server] if server is not None and workers and self._may(None) else []
            case "first second":
                return [each for each in workers if tree.age(each) < 0.5 and self._may(None)]
            case "idle":
                idle = [each for each in workers if each.pid not in running and tree.age(each) > 1.5]
                return idle if self._may(None) else []
            case "training" | "evaluation":
                kinds = {"training": "train", "evaluation": "evaluate"}
                return [
                    each for each in workers
                    if each.pid in running and running[each.pid][1] == kinds[moment] and self._may(running[each.pid][0])
                ]  # fmt: skip

    def _kill(self, process: psutil.Process, tree: ProcessTree, moment: Moment) -> bool:
        """Kill a process, and note which step that costs. Returns False if it has ended, or the run would not go on."""
        if not stopped(process):
            return False
        if moment == "main process":
            self.cancelling += 1
            self.finished = dict(rows(self.home, "SELECT id, attempts FROM step WHERE status = 'done'"))
        elif moment == "fork server":
            self.cancelling += 1
            self.unknown += 1
        else:
            step = self._running().get(process.pid, (None,))[0]
            if not self._may(step):
                process.resume()
                return False
            if step is None:
                self.unknown += 1
            else:
                self.deaths[step] += 1
        process.kill()
        while is_alive(process):
            time.sleep(0.001)
        return True

    def _may(self, step: str | None) -> bool:
        """Whether one more death leaves each step as many as a run allows."""
        most = max(self.deaths.values(), default=0) if step is None else self.deaths[step]
        return most + self.unknown < DEATHS

    def _running(self) -> dict[int, tuple[str, str]]:
        """Process id -> (step, kind), of the steps that run."""
        with suppress(SQLAlchemyError):  # the store is not made yet
            found = rows(self.home, "SELECT owner, id, kind FROM step WHERE status = 'running'")
            owners = [(Owner.parse(owner), step, kind) for owner, step, kind in found]
            return {owner.pid: (step, kind) for owner, step, kind in owners if owner is not None}
        return {}

    def judged(self, expected: dict[str, list[tuple[object, ...]]]) -> Iterator[str]:
        """Differences from an undisturbed run, and steps with other numbers of attempts than deaths explain."""
        yield from differing(results(self.home), expected)
        for step, title, status, attempts in rows(self.home, "SELECT id, title, status, attempts FROM step"):
            least = 1 + self.deaths[step]
            most = least + self.cancelling
            if status != "done":
                yield f"{title}: {status}"
            if not least <= attempts <= most:
                yield f"{title}: {attempts} attempts, and its process was killed {self.deaths[step]} times"
            if step in self.finished and attempts != self.finished[step]:
                yield f"{title}: tried again after it was done"
        yield from (f"{title}: done {times} times" for title, times in self.done.items() if times > 1)
        left = sorted(str(path) for path in (self.home / "work").glob("*"))
        if left:
            yield f"left in work: {left[:3]}"


def _longest_delay(moment: Moment) -> float:
    """Seconds from when a moment has come within which the kill is."""
    return {"first second": 0.5, "idle": 0.1}.get(moment, DELAY_SECONDS)


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Kill `count` processes, in as many runs as that takes, each in a home of its own."""
    alone, chance = scratch / "alone", random.Random(seed)
    finished("run", *SPECS, "--home", alone, *SETS)
    expected, told, wrong = results(alone), Counter[str](), list[str]()
    moments = [MOMENTS[number % len(MOMENTS)] for number in range(count)]
    runs = 0
    while moments and runs < 2 * count + 2:
        run = _Run(scratch / f"run{runs}", 2 + runs % 2, chance)
        run.home.mkdir()
        run.go(moments)
        runs += 1
        found = [*run.wrong, *run.judged(expected)]
        told += run.told
        told["runs equal to an undisturbed one"] += not found
        wrong += [f"run {runs}: {each}" for each in found]
        shutil.rmtree(run.home)
    wrong += [f"{moment}: its moment never came" for moment in moments]
    return Outcome(count - len(moments), dict(sorted(told.items())), tuple(wrong))
