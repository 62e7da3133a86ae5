"""Full disks: commands in a home with little space must end with one line, and succeed once there is space.

Each fault is a file system in memory of limited size (`mount -t tmpfs`), which only root can mount.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.faults._forked import Ended, forked
from benchmarks.faults.trial import Outcome

COUNT: Final = 20
COMMANDS: Final = ("run", "render", "export", "import")
SMALL: Final = (
    "specs/finetune_rte.yaml", "--set", "held_out.roles=[cb]", "--set", "held_out.shots=[1]", "--set",
    "held_out.documents=4", "--set", "target.documents=8", "--set", "selection.documents=4", "--set",
    "budget.batch_size=4", "--set", "budget.max_length=128", "--set", "method.steps=1",
)  # fmt: skip
"""A run that takes seconds."""
SPARE: Final = 65536
"""Bytes that an open store needs beside its file."""
UNEQUAL: Final = ("seconds", "started", "finished", "peak_memory", "tokens", "attempts", "created", "sha256")
"""Fields that differ between two equal runs if one was tried twice, because costs add up."""


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Fill a disk to a level drawn by `seed`, for each command in turn."""
    if not can_mount():
        return Outcome(0, {"skipped: only root may mount a file system": 1}, ())
    base, records = scratch / "base", scratch / "records"
    for arguments in (["run", *SMALL, "--home", str(base)], ["export", str(records), "--home", str(base)]):
        ended = forked(*arguments)
        if ended.code:
            return Outcome(0, {}, (f"the undisturbed {arguments[0]} fails: {ended.err.strip()}",))
    random, told, wrong = Random(seed), Counter[str](), list[str]()
    for number in range(count):
        command = COMMANDS[number % len(COMMANDS)]
        level = random.random()
        how, faults = _fault(command, level, base, records, scratch / "disk")
        told[how] += 1
        wrong += [f"{command} on a disk filled to level {level:.3f}: {fault}" for fault in faults]
    return Outcome(count, dict(told), tuple(wrong))


def can_mount() -> bool:
    """Whether this process can mount a file system in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False).returncode:
            return False
        return subprocess.run(["umount", folder], check=False).returncode == 0


@contextmanager
def _disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system with this number of bytes."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fault(command: str, level: float, base: Path, records: Path, folder: Path) -> tuple[str, list[str]]:
    """How a command ended on a full disk, and what was wrong with it or with the repeated command."""
    prepared = {"run": 0, "import": 0}.get(command, _bytes(base / "suite.db"))
    needed = {"run": _bytes(base), "import": _bytes(base / "suite.db")}.get(command, 0)
    needed = needed or _bytes(base / "site" if command == "render" else records)
    spare = 0 if command == "export" else SPARE  # records are small, and a store can be read without any space
    with _disk(folder, prepared + spare + int(level * needed)) as disk:
        home, out = disk / "home", disk / "out"
        home.mkdir()
        if prepared:
            shutil.copy(base / "suite.db", home / "suite.db")
        arguments = {
            "run": ["run", *SMALL], "render": ["render", "--out", str(out)], "export": ["export", str(out)],
            "import": ["import", str(records)],
        }[command] + ["--home", str(home)]  # fmt: skip
        first = forked(*arguments)
        wrong = [*_badly_told(first)]
        if first.code and out.exists() and any(out.rglob(".*.new")):
            wrong.append("half a file is left")
        subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
        again = forked(*arguments)
        if again.code:
            wrong.append(f"with room it exits {again.code}: {again.err.strip()[-300:]}")
        elif _content(command, home, out) != _expected(command, base, records):
            wrong.append("with room its results differ from those of an undisturbed run")
        how = "had room" if first.code == 0 else f"{command}: one line, exit {first.code}"
        return how if not wrong else f"{command}: badly", wrong


def _badly_told(ended: Ended) -> Iterator[str]:
    if ended.code not in (0, 1, 2):
        yield f"exit code {ended.code}"
    if "Traceback" in ended.err + ended.out:
        yield f"a traceback: {ended.err.strip()[-300:]}"
    if ended.code == 2 and len([line for line in ended.err.splitlines() if line.startswith("error:")]) != 1:
        yield f"not one line: {ended.err.strip()[-300:]}"
    if ended.code and "make room" not in ended.err + ended.out:
        yield f"no remedy: {ended.err.strip()[-300:]}"


def _content(command: str, home: Path, out: Path) -> Mapping[str, str]:
    """The results of a command that do not differ between undisturbed runs."""
    if command in ("run", "import"):
        exported = home.parent / "exported"
        forked("export", str(exported), "--home", str(home))
        return _records(exported)
    return _records(out) if command == "export" else _pages(out)


def _expected(command: str, base: Path, records: Path) -> Mapping[str, str]:
    if command != "render":
        return _records(records)
    with tempfile.TemporaryDirectory() as folder:
        forked("render", "--out", f"{folder}/site", "--home", str(base))
        return _pages(Path(folder) / "site")


def _records(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.json*"))
    return {str(file.relative_to(folder)): json.dumps(_lasting(json.loads(_text(file)))) for file in files}


def _text(file: Path) -> str:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode()


def _lasting(value: object) -> object:
    if isinstance(value, dict):
        if value.get("name") == "training_time":
            return None
        return {key: _lasting(each) for key, each in value.items() if key not in UNEQUAL}
    return [_lasting(each) for each in value] if isinstance(value, list) else value


def _pages(folder: Path) -> dict[str, str]:
    found = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(-(-file.stat().st_size // 4096) * 4096 for file in files)
