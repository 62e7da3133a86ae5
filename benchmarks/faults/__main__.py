"""Run the trials and print a table: `python -m benchmarks.faults [--only NAME …] [--count N] [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from benchmarks import faults
from benchmarks.faults.trial import Trial, usual_signals


def named() -> dict[str, Trial]:
    """The trials of this package, by module name."""
    names = [each.name for each in pkgutil.iter_modules(faults.__path__) if not each.name.startswith("_")]
    modules = [importlib.import_module(f"{faults.__name__}.{name}") for name in names]
    return {module.__name__.rpartition(".")[2]: cast(Trial, module) for module in modules if hasattr(module, "trial")}


def measure(name: str, trial: Trial, count: int | None, seed: int) -> dict[str, Any]:
    """One trial's row: number of faults, how they ended, what went wrong, and seconds."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="suite-faults-", ignore_cleanup_errors=True) as scratch:
        outcome = trial.trial(Path(scratch), count or trial.COUNT, seed)
    row = {"name": name, "seed": seed, **vars(outcome), "seconds": round(time.monotonic() - started, 1)}
    print(shown(row), flush=True)
    return row


def shown(row: dict[str, Any]) -> str:
    """A row as a line of a Markdown table, followed by what went wrong."""
    told = ", ".join(f"{count} {what}" for what, count in row["told"].items())
    line = f"| {row['name']} | {row['tried']} | {told} | {len(row['wrong'])} | {row['seconds']:.0f} s |"
    return "\n".join([line, *(f"  wrong: {each}" for each in row["wrong"])])


def main() -> int:
    """Run the selected trials. Returns exit code 1 if anything went wrong."""
    usual_signals()
    trials = named()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(trials), default=sorted(trials))
    parser.add_argument("--count", type=int, help="faults of each trial, instead of its own number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows there, too")
    given = parser.parse_args()
    print("| trial | faults | how they ended | wrong | time |\n| --- | ---: | --- | ---: | ---: |", flush=True)
    rows = [measure(name, trials[name], given.count, given.seed) for name in given.only]
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row["wrong"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
