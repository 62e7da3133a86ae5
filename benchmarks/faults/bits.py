"""Flip single bits in the store, checkpoints, artifacts and records: results must be right, or the damage reported.

After each flip, the commands that read the file run in separate processes (forked from a server with all imports). An
outcome is right if it equals that before the flip, or if one line reports the damage (a warning, or an error with exit
code 2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.faults._forked import SECONDS, Ended, forked
from benchmarks.faults.trial import Outcome

COUNT: Final = 200
CUT: Final = (
    "--set", "held_out.roles=[triviaqa, cb]", "--set", "held_out.shots=[1]", "--set", "held_out.documents=8",
    "--set", "target.documents=16", "--set", "selection.documents=8", "--set", "budget.batch_size=4",
    "--set", "budget.max_length=128", "--set", "method.steps=12",
    "--set", "budget.checkpoint_minutes=0",
)  # fmt: skip
RUN: Final = ("run", "specs/finetune_rte.yaml", "--no-pages", *CUT)
MORE: Final = (*RUN, "--set", "held_out.documents=6")
"""The same training with another evaluation, so that its artifact is read again."""
KINDS: Final = ("store", "store", "artifact", "store", "record", "store", "checkpoint", "record", "store", "artifact")


@dataclass
class Flipping:
    """The sound files, the commands' output for them, and the outcomes of the flips."""

    home: Path
    stopped: Path
    records: Path
    scratch: Path
    random: Random
    sound: dict[str, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def flip(self, kind: str, number: int) -> None:
        """Flip a bit of a copy, and judge each command that reads it."""
        work = self.scratch / "work"
        shutil.rmtree(work, ignore_errors=True)
        trials: dict[str, Callable[[Path, int], Iterator[str]]] = {
            "store": self._store, "artifact": self._artifact, "record": self._record, "checkpoint": self._checkpoint,
        }  # fmt: skip
        ways = list(trials[kind](work, number // 5))
        self.told[f"{kind}: {max((way for way in ways if way in WAYS), key=WAYS.index, default='wrong')}"] += 1
        self.wrong += [f"flip {number} ({self.what}): {way}" for way in ways if way not in WAYS]

    def _store(self, work: Path, number: int) -> Iterator[str]:
        home = copied(self.home, work)
        self._flipped(home / "suite.db")
        for name, command in self._reading(home, work):
            if name != "render" or not number % 2:
                yield self._judged(name, forked(*command))
        deep = forked("doctor", "--deep", "--home", str(home))
        yield from self._doctor(deep)
        before = forked("show", "--json", "--home", str(home))
        imported = forked("import", str(self.records), "--home", str(home))
        yield self._plain("import", imported)
        if number % 2:
            yield self._plain("run", forked(*RUN, "--home", str(home)))
        after = forked("show", "--json", "--home", str(home))
        yield self._judged("show", after) if before.code == 0 else self._plain("show", after)

    def _artifact(self, work: Path, _: int) -> Iterator[str]:
        home = copied(self.home, work)
        files = sorted(file for file in (home / "artifacts").rglob("*") if file.is_file())
        weights = [file for file in files if file.suffix == ".safetensors"]
        self._flipped(self.random.choice(weights if self.random.random() < 0.7 else files))
        deep = forked("doctor", "--deep", "--home", str(home))
        yield from self._doctor(deep)
        more = forked(*MORE, "--home", str(home))
        yield self._plain("run", more)
        shown = forked("show", "--json", "finetune_rte", "--home", str(home))
        if more.code == 0 and scores(shown.out) != self.sound["more"]:
            yield f"run: other scores after a flip that nobody told: {more.err[-200:]!r}"
        yield self._plain("show", shown)

    def _record(self, work: Path, _: int) -> Iterator[str]:
        folder = work / "records"
        shutil.copytree(self.records, folder)
        self._flipped(self.random.choice(sorted(file for file in folder.rglob("*") if file.is_file())))
        home = str(work / "fresh")
        yield self._plain("import --verify", forked("import", "--verify", str(folder)))
        yield self._plain("import", forked("import", str(folder), "--home", home))
        shown = forked("show", "--json", "--home", home)
        if shown.code == 0 and not set(rows(shown.out)) <= set(rows(self.sound["imported"])):
            yield "show: a number of a flipped record"
        yield self._plain("show", shown)

    def _checkpoint(self, work: Path, _: int) -> Iterator[str]:
        home = copied(self.stopped, work)
        self._flipped(self.random.choice(checkpoints(home)))
        resumed = forked(*RUN, "--home", str(home))
        yield self._plain("run", resumed)
        shown = forked("show", "--json", "finetune_rte", "--home", str(home))
        if resumed.code == 0 and scores(shown.out) != self.sound["scores"]:
            yield "run: a flipped checkpoint gave other scores"
        yield self._plain("show", shown)

    def _flipped(self, file: Path) -> None:
        data = bytearray(file.read_bytes())
        place, bit = self.random.randrange(len(data)), self.random.randrange(8)
        data[place] ^= 1 << bit
        file.unlink()  # it may be a link to the sound file
        file.write_bytes(data)
        self.what = f"{file.name}, byte {place}, bit {bit}"

    def _reading(self, home: Path, work: Path) -> Iterator[tuple[str, Sequence[str]]]:
        yield "show", ("show", "--json", "--home", str(home))
        yield "board", ("board", "--json", "--home", str(home))
        yield "show one", ("show", "finetune_rte", "--home", str(home))
        yield "render", ("render", "--home", str(home), "--out", str(work / "site"))

    def _judged(self, name: str, ended: Ended) -> str:
        """Judge a command that shows stored results: equal output, or a message."""
        way = self._plain(name, ended)
        if way != "right" or name == "render":
            return way
        return way if ended.out == self.sound[name] else f"{name}: shows something else without a word"

    def _plain(self, name: str, ended: Ended) -> str:
        """Judge a command that must not end in a traceback, hang, or fail without a line."""
        if "Traceback" in ended.err or ended.code not in (0, 1, 2):
            return f"{name}: exit {ended.code}: {ended.err[-300:]!r}"
        if ended.code == 2 and not 1 <= len(ended.lines) <= 2:
            return f"{name}: exit 2 with {len(ended.lines)} lines: {ended.err[-300:]!r}"
        if ended.code == 1 and "ailed" not in ended.out + ended.err:
            return f"{name}: exit 1 without a reason"
        if ended.code:
            return "one line"
        return "warned" if ended.lines else "right"

    def _doctor(self, ended: Ended) -> Iterator[str]:
        found = [line for line in ended.out.splitlines() if line.startswith("FAIL")]
        if "Traceback" in ended.err or ended.code != (2 if found or ended.lines else 0):
            yield f"doctor: exit {ended.code}: {ended.err[-300:]!r}"
        else:
            yield "found by the doctor" if ended.code else "right"


WAYS: Final = ("right", "found by the doctor", "warned", "one line")
"""The acceptable outcomes; the most explicit message is last."""


def rows(text: str) -> list[str]:
    """The lines of JSON that contain a digit."""
    return [line.strip(" ,") for line in text.splitlines() if any(sign.isdigit() for sign in line)]


def scores(text: str) -> str:
    """The output of `show --json` without costs, which differ between runs."""
    kept = [line for line in text.splitlines() if not any(f'"{each}"' in line for each in COSTS)]
    return "\n".join(kept)


COSTS: Final = ("seconds", "peak_memory", "tokens", "accelerator_hours", "experiments")


def copied(home: Path, work: Path) -> Path:
    """A copy of a home: a copied database, and links to its other files."""
    shutil.copytree(home, work / "home", copy_function=os.link)
    database = work / "home" / "suite.db"
    database.unlink()
    shutil.copy(home / "suite.db", database)
    return work / "home"


def checkpoints(home: Path) -> list[Path]:
    """The complete checkpoints of a home; one that is being written has another name."""
    return sorted(file for file in (home / "work").glob("*/**/*.safetensors") if not file.name.startswith("."))


def stopped_run(home: Path) -> None:
    """Start a run and kill it as soon as it has a checkpoint."""
    command = [sys.executable, "-m", "suite", *RUN, "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        if checkpoints(home):
            break
        time.sleep(0.02)
    process.kill()
    process.wait()


def prepared(scratch: Path, seed: int) -> Flipping:
    """Prepare the sound files. Raises RuntimeError if a command fails on them."""
    home, stopped, records = scratch / "home", scratch / "stopped", scratch / "records"
    _sound(forked(*RUN, "--home", str(home)))
    _sound(forked("export", str(records), "--home", str(home)))
    for file in sorted(records.rglob("*.json")):  # one of the two is compressed
        if file.name.startswith("pretrained"):
            import gzip

            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            file.unlink()
    stopped_run(stopped)
    if not checkpoints(stopped):
        raise RuntimeError("the run that was to be stopped left no checkpoint")
    found = Flipping(home, stopped, records, scratch, Random(seed))
    for name, command in found._reading(home, scratch):
        found.sound[name] = _sound(forked(*command))
    fresh = copied(home, scratch / "more")
    _sound(forked(*MORE, "--home", str(fresh)))
    found.sound["more"] = scores(_sound(forked("show", "--json", "finetune_rte", "--home", str(fresh))))
    found.sound["scores"] = scores(_sound(forked("show", "--json", "finetune_rte", "--home", str(home))))
    _sound(forked("import", str(records), "--home", str(scratch / "imported")))
    found.sound["imported"] = _sound(forked("show", "--json", "--home", str(scratch / "imported")))
    return found


def _sound(ended: Ended) -> str:
    if ended.code or ended.lines:
        raise RuntimeError(f"exit {ended.code} on sound files: {ended.err[-500:]}")
    return ended.out


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Flip bits one after another, each in a copy of sound files."""
    flipping = prepared(scratch, seed)
    for number in range(count):
        flipping.flip(KINDS[number % len(KINDS)], number)
    return Outcome(count, dict(sorted(flipping.told.items())), tuple(flipping.wrong))
