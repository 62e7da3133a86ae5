"""Kill processes at random moments and repeat the command: the store must equal that of an undisturbed run.

A moment is in training, while a checkpoint is written, in an evaluation, in the writes at a step's end, in a render or
in an import. Most processes are killed (SIGKILL); one of five gets SIGTERM. Each command is a separate process, forked
from a server with all imports. Checkpoints are written after every training step.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.faults._forked import Ended, forked
from benchmarks.faults.bits import CUT, copied, scores
from benchmarks.faults.trial import Outcome

COUNT: Final = 100
RUN: Final = ("run", "specs/finetune_rte.yaml", "--no-pages", *CUT)
STEPS: Final = 12
"""Training steps set by `CUT`."""


@dataclass(frozen=True)
class Moment:
    """When a process is killed: some time after the n-th call of a function."""

    name: str
    module: str
    function: str
    """Its qualified name within the module."""
    calls: int
    """n is drawn from 1 to this number."""
    seconds: float
    """The time after the call is drawn from 0 to this number of seconds."""


MOMENTS: Final = (
    Moment("checkpoint", "suite.training.checkpoint", "Writer._write", STEPS, 0.03),
    Moment("import", "suite.results.records", "import_records", 1, 0.0),
    Moment("training", "suite.training.loop", "_Loop._step", STEPS, 0.1),
    Moment("render", "suite.cli.commands.sharing", "render_site", 1, 0.0),
    Moment("evaluation", "suite.execution.session", "Session.evaluate", 6, 0.4),
    Moment("end of a step", "suite.results.store.store", "Store.finish", 7, 0.02),
    Moment("artifact", "suite.execution.session", "publish", 1, 0.05),
)
"""If `seconds` is 0, the function's undisturbed duration is used."""
QUERIES: Final = {
    "experiments": "SELECT id, name, track, seed, method, spec, imported FROM experiment ORDER BY 1",
    "links": "SELECT experiment_id, position, step_id, part, role, shots FROM experiment_step ORDER BY 1, 2",
    "steps": "SELECT id, kind, title, config, status, reason, trained_parameters, artifact_bytes FROM step ORDER BY 1",
    "scores": "SELECT step_id, metric, value, stderr, n, \"primary\", unparsable, truncated FROM score ORDER BY 1, 2",
    "answers": "SELECT step_id, doc_id, doc_hash, prompt_hash, question, target, output, parsed, value FROM answer "
    "ORDER BY 1, 2",
    "curve": "SELECT step_id, name, step, value FROM curve_point ORDER BY 1, 2, 3",
    "artifacts": "SELECT step_id, kind, hash, base, parameters, bytes, path FROM artifact ORDER BY 1",
}  # fmt: skip


@dataclass
class Killing:
    """Results of undisturbed commands, and the outcomes of the kills."""

    home: Path
    records: Path
    scratch: Path
    random: Random
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of the functions that render and import, undisturbed."""
    stored: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def kill(self, moment: Moment, number: int) -> None:
        """Kill a command at a moment, repeat it until it ends, and compare the results."""
        work = self.scratch / str(number)
        work.mkdir()
        command, home = self._command(moment, work)
        asked = signal.SIGTERM if number % 5 == 4 else signal.SIGKILL
        call = self.random.randint(1, moment.calls)
        after = self.random.uniform(0.0, moment.seconds or self.seconds[moment.name])
        ended = forked(*command, first=partial(_armed, moment, call, after, asked))
        killed = ended.code != 0
        again = forked(*command)
        self.told[f"{moment.name}: {'killed' if killed else 'had ended'}"] += 1
        found = [*_badly(ended, asked), *self._differs(moment, again, home, work)]
        what = f"kill {number} ({moment.name}, {asked.name} {after:.3f} s after call {call})"
        self.wrong += [f"{what}: {each}" for each in found]
        shutil.rmtree(work)

    def _command(self, moment: Moment, work: Path) -> tuple[Sequence[str], Path]:
        """The command that contains the moment, and its home."""
        home = work / "home"
        if moment.name == "import":
            return ("import", str(self.records), "--home", str(home)), home
        if moment.name == "render":
            home = copied(self.home, work)
            return ("render", "--home", str(home), "--out", str(work / "site")), home
        return (*RUN, "--home", str(home)), home

    def _differs(self, moment: Moment, again: Ended, home: Path, work: Path) -> Iterator[str]:
        """Differences from the results of an undisturbed command."""
        if again.code or again.lines or "Traceback" in again.err:
            yield f"the same command again: exit {again.code}: {again.err[-300:]!r}"
        name = "import" if moment.name == "import" else "run"
        here = stored(home / "suite.db")
        yield from (f"other {each} than undisturbed" for each in QUERIES if here[each] != self.stored[name][each])
        shown = forked("show", "--json", "--home", str(home))
        if shown.code or scores(shown.out) != self.shown[name]:
            yield f"show: something else than undisturbed (exit {shown.code})"
        if moment.name == "render" and (site := pages(work / "site")) != self.pages:
            other = sorted(each for each in site.keys() | self.pages if site.get(each) != self.pages.get(each))
            yield f"render: {len(other)} of {len(self.pages)} files are others, {', '.join(other[:3])}"
        if name == "run":
            yield from costs(home / "suite.db", self.home / "suite.db")
        yield from (f"left behind: {each}" for each in left_behind(work))


def _armed(moment: Moment, call: int, after: float, asked: signal.Signals) -> None:
    """Let this process be killed at a moment."""
    owner, name = _place(moment)
    original: Callable[..., Any] = getattr(owner, name)
    count = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            threading.Thread(target=_die, args=(after, asked), daemon=True).start()
        return original(*arguments, **options)

    setattr(owner, name, counted)


def _place(moment: Moment) -> tuple[Any, str]:
    """The object that has the function, and the attribute's name."""
    *owners, name = moment.function.split(".")
    owner: Any = importlib.import_module(moment.module)
    for each in owners:
        owner = getattr(owner, each)
    return owner, name


def _timed(moment: Moment, file: Path) -> None:
    """Let this process write the duration of a function to a file."""
    owner, name = _place(moment)
    original: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.monotonic()
        found = original(*arguments, **options)
        file.write_text(f"{time.monotonic() - began}")
        return found

    setattr(owner, name, timed)


def _die(after: float, asked: signal.Signals) -> None:
    time.sleep(after)
    os.kill(os.getpid(), asked)


def _badly(ended: Ended, asked: signal.Signals) -> Iterator[str]:
    """Faults of how a process ended: a killed one prints nothing, one that got SIGTERM at most one line."""
    if ended.code not in (0, -asked, 128 + asked, 130) or "Traceback" in ended.err:
        yield f"ended badly: exit {ended.code}: {ended.err[-300:]!r}"


def stored(database: Path) -> dict[str, list[Any]]:
    """Everything that must not depend on kills."""
    with closing(sqlite3.connect(database)) as connection:
        return {name: connection.execute(query).fetchall() for name, query in QUERIES.items()}


def costs(database: Path, undisturbed: Path) -> Iterator[str]:
    """Costs that are missing, or lower than the work takes."""
    query = "SELECT title, seconds, peak_memory, tokens FROM step WHERE kind = '{}' ORDER BY id"
    for kind in ("train", "evaluate"):
        tables = []
        for each in (database, undisturbed):
            with closing(sqlite3.connect(each)) as connection:
                tables.append(connection.execute(query.format(kind)).fetchall())
        for here, there in zip(*tables, strict=False):
            known = all(each is not None and each > 0 for each in here[1:])
            if not (known and (here[3] == there[3] or (kind == "train" and here[3] > there[3]))):
                yield f"{here[0]}: {here[1:]} seconds, bytes and tokens, undisturbed {there[1:]}"


def pages(site: Path) -> dict[str, bytes]:
    """All visible files of a site."""
    files = [file for file in sorted(site.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return {str(file.relative_to(site)): file.read_bytes() for file in files}


def left_behind(work: Path) -> Iterator[str]:
    """Files and folders that unfinished work left behind."""
    for each in sorted(work.rglob("*")):
        name = str(each.relative_to(work))
        if (
            "home/work/" in name
            or "home/answers" in name
            or each.suffix in (".part", ".new", ".tmp")
            or ".part-" in name
        ):
            yield name


def prepared(scratch: Path, seed: int) -> Killing:
    """Run the undisturbed commands. Raises RuntimeError if one of them fails."""
    found = Killing(scratch / "whole", scratch / "records", scratch, Random(seed))
    site, fresh = scratch / "site", scratch / "imported"
    home = ("--home", str(found.home))
    commands = {
        "run": (*RUN, *home), "export": ("export", str(found.records), *home),
        "render": ("render", "--out", str(site), *home),
        "import": ("import", str(found.records), "--home", str(fresh)),
    }  # fmt: skip
    moments, file = {each.name: each for each in MOMENTS}, scratch / "seconds"
    for name, command in commands.items():
        first = partial(_timed, moments[name], file) if name in moments else None
        if (ended := forked(*command, first=first)).code:
            raise RuntimeError(f"{name}: exit {ended.code}: {ended.err[-500:]}")
        if name in moments:
            found.seconds[name] = float(file.read_text())
    for name, each in (("run", found.home), ("import", fresh)):
        found.stored[name] = stored(each / "suite.db")
        found.shown[name] = scores(forked("show", "--json", "--home", str(each)).out)
    copy = copied(found.home, scratch / "copy")  # pages contain the database's path, so the same layout is needed
    forked("render", "--home", str(copy), "--out", str(scratch / "copy" / "site"))
    found.pages = pages(scratch / "copy" / "site")
    return found


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Kill commands one after another, each in a separate home."""
    killing = prepared(scratch, seed)
    for number in range(count):
        killing.kill(MOMENTS[number % len(MOMENTS)], number)
    return Outcome(count, dict(sorted(killing.told.items())), tuple(killing.wrong))
