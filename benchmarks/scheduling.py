"""What it costs to schedule a plan of 100,000 steps on 1,000 workers, and how long the plan takes by its timetable.

`python -m benchmarks.scheduling` makes up a plan (trainings, some on top of others, each with evaluations; durations
are log-normal) and runs it through the real `Schedule` and the real store, in a SQLite file or in PostgreSQL. Only the
workers are simulated: their clock jumps from one event to the next. Claims and ends are transactions; results are one
score. One attempt of a hundred dies somewhere on its way, and its step begins again on another worker.

It prints the seconds until the schedule is made, the driver's seconds for each step (all that one process does for
its workers) in scheduling and in the store, the workers' own seconds in the store, the transactions of a step, what a
heartbeat and a progress report cost while all workers have a step, the makespan against its lower bound
max(all seconds / workers, longest path), and the driver's memory. Seconds are processor time: a server's own is not in
them, nor are waits for the disk. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from random import Random

import psutil

from benchmarks.faults._server import Server, missing
from benchmarks.made_up_plan import made_up
from benchmarks.simulated_workers import Figures, Simulation
from suite.results.store import Store


def simulated(count: int, workers: int, seed: int, url: str | Path, until: int | None = None) -> Figures:
    """Run a made-up plan on simulated workers, with an empty store, until so many steps are done."""
    made = made_up(count, seed)
    figures = Figures("SQLite" if isinstance(url, Path) else url.partition("+")[0], count, workers)
    figures.plan_mib, figures.lower_bound = _mib(), made.lower_bound(workers)
    with Store.open(url) as store:
        Simulation(made, store, workers, Random(seed + 1), figures, until).run()
    figures.driver_mib = _mib()
    return figures


def _mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def databases(names: Sequence[str]) -> Iterator[str | Path]:
    """Yield the URL or file of an empty database of each kind, while it exists."""
    for name in names:
        with ExitStack() as stack:
            if name == "sqlite":
                yield Path(stack.enter_context(tempfile.TemporaryDirectory())) / "suite.db"
            elif (reason := missing()) is not None:
                print(reason)
            else:
                server = stack.enter_context(Server.started())
                yield server.url(server.database("scheduling"))


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scheduling", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--until", type=int, help="end after so many steps, of a plan that takes long")
    parser.add_argument("--db", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    given = parser.parse_args()
    rows = []
    for url in databases(given.db):
        figures = simulated(given.steps, given.workers, given.seed, url, given.until)
        print(figures.shown(), flush=True)
        rows.append({name: value for name, value in asdict(figures).items() if name != "order"})
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
