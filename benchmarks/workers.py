"""Time a set of specs in one process with all cores against several workers: `python -m benchmarks.workers`.

Each way runs in a home of its own, one after another on an idle machine. The scores must be the same to the digit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.faults._suite import REPOSITORY, rows
from suite.execution.placement import cores

SPECS: Final = tuple(sorted(str(file) for file in Path("specs/promot").glob("*.yaml")))
SCORES: Final = "SELECT title, metric, value FROM score JOIN step ON step.id = step_id ORDER BY 1, 2"


def ways(count: int) -> Mapping[str, tuple[Sequence[str], int | None]]:
    """Way -> (options, threads of a process; None: as the runner divides the cores)."""
    workers = ("--workers", str(count))
    return {
        f"one process, {count} threads": ((), count),
        "one process, 1 thread": ((), 1),
        f"{count} workers": (workers, None),
        f"{count} workers on Ray": (("--executor", "ray", *workers), None),
    }


def seconds(home: Path, arguments: Sequence[str], threads: int | None) -> float:
    """Wall-clock seconds of a run. Raises RuntimeError with its output if it fails."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "RAY_worker_niceness": "0", "PYTHONPATH": str(REPOSITORY)}
    environment.pop("OMP_NUM_THREADS", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, "-m", "suite", "run", *arguments, "--home", str(home), "--quiet", "--device", "cpu"]
    began = time.monotonic()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"exit code {ended.returncode}: {ended.stderr[-800:]}")
    return time.monotonic() - began


def main() -> int:
    """Run the ways. Returns exit code 1 if scores differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS, help="spec files (default: ProMoT's set)")
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    parser.add_argument("--only", nargs="+", help="words of the ways to run, as: threads workers Ray")
    parser.add_argument("--json", type=Path, help="write the rows there, too")
    given = parser.parse_args()
    sets = [part for each in given.sets for part in ("--set", each)]
    found, expected, same = [], None, True
    for way, (options, threads) in ways(cores()).items():
        if given.only and not any(word in way for word in given.only):
            continue
        with tempfile.TemporaryDirectory(prefix="suite-workers-") as scratch:
            home = Path(scratch) / "home"
            took = seconds(home, [*given.specs, *sets, *options], threads)
            scores = rows(home, SCORES)
        expected = scores if expected is None else expected
        same = same and scores == expected
        first = found[0]["seconds"] if found else took
        equal, ratio = scores == expected, took / first
        found.append({"way": way, "seconds": round(took, 1), "ratio": round(ratio, 3), "same": equal})
        said = "equal" if equal else "DIFFER"
        print(f"{way}: {took:.1f} s, {ratio:.2f} of the first, scores {said}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
