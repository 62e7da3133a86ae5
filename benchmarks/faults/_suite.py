"""Run real `suite` processes for trials, and read the contents of a home afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import create_engine, text

REPOSITORY: Final = Path(__file__).resolve().parents[2]
SMALL: Final = (
    "--set", "held_out.roles=[triviaqa, cb]", "--set", "held_out.shots=[1]", "--set", "held_out.documents=8",
    "--set", "target.documents=16", "--set", "selection.documents=8", "--set", "budget.batch_size=4",
    "--set", "budget.max_length=128", "--set", "method.steps=6",
)  # fmt: skip
"""The micro track, reduced to seconds."""
RESULTS: Final = {
    "scores": "SELECT title, metric, value, stderr, n FROM score JOIN step ON step.id = step_id ORDER BY 1, 2",
    "answers": "SELECT title, doc_id, output, value FROM answer JOIN step ON step.id = step_id ORDER BY 1, 2",
    "artifacts": "SELECT title, hash FROM artifact JOIN step ON step.id = step_id ORDER BY 1, 2",
    "curves": "SELECT title, name, step, value FROM curve_point JOIN step ON step.id = step_id ORDER BY 1, 2, 3",
}
"""Queries whose results must not depend on disturbances."""


def start(*arguments: str | Path, before: str = "", err: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start a command in a separate process, after a line of Python. A file `err` gets all that is printed."""
    code = f"{before}\nfrom suite.cli import main; main()"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=err, stderr=err, stdin=subprocess.DEVNULL, text=True, env=environment,
        cwd=REPOSITORY,
    )  # fmt: skip


def finished(*arguments: str | Path) -> None:
    """Run a command. Raises RuntimeError with its output if it fails."""
    process = start(*arguments)
    _, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {err.strip()[-500:]}")


def results(home: Path, db: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """The results of a home's finished steps."""
    return {name: rows(home, query, db) for name, query in RESULTS.items()}


def rows(home: Path, query: str, db: str | None = None) -> list[tuple[Any, ...]]:
    """Query a home's database. Opens it read-only: an empty new file would be refused later."""
    engine = create_engine(db or f"sqlite:///file:{home / 'suite.db'}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def differing(found: Mapping[str, Sequence[Any]], expected: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """One line for each table that differs."""
    return tuple(
        f"{name}: {len(set(rows) - set(expected[name]))} rows more or other, "
        f"{len(set(expected[name]) - set(rows))} lost, {len(rows) - len(set(rows))} twice"
        for name, rows in found.items()
        if list(rows) != list(expected[name])
    )


def badly_told(code: int, err: str) -> str:
    """What is wrong with a command's end; empty if its message tells the user what to do."""
    last = " ".join(err.strip().splitlines()[-1:])[:200]
    if "Traceback" in err:
        return f"a traceback (exit code {code}): {' '.join(err.split())[-1500:]}"
    if "locked" in err:
        return f"a lock error: {last}"
    return "" if code in (0, -9, 129, 130, 143) else f"exit code {code}: {last}"
