"""A whole set of experiments in one run, against each of them run alone.

`python -m benchmarks.sharing` runs ProMoT's set (specs/promot, one seed) on track `micro` in one process. It then runs
some of its experiments (`--alone N`, spread over the set) in separate processes and homes, and checks that all scores
are equal. An experiment alone takes its own steps, the pretrained model's steps, and a run's overhead (starting,
loading the base, storing, rendering). The whole run has recorded the seconds of steps; the experiments that did run
alone give the overhead. `--home HOME` uses a home with such a run instead of making one, `--json FILE` writes the
figures. Seconds are wall time with one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from suite.core.run_dir import RunDir
from suite.results.store import Store
from suite.results.store.experiment_results import ExperimentResults
from suite.specs import shipped

TRACK = "micro"


def suite_run(specs: Sequence[Path], home: Path, *options: str) -> float:
    """Seconds of `suite run`, from start to end."""
    main = "import sys; from suite.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", main, "run", *map(str, specs), "--track", TRACK, "--home", str(home), *options]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return time.perf_counter() - began


def seen(home: Path) -> list[ExperimentResults]:
    """The finished experiments of a home, sorted by name and seed."""
    with Store.open(RunDir(home).url) as store:
        every = ExperimentResults.of_many(store, store.experiments(TRACK))
    done = [each for each in every if all(step.status == "done" for step in own(each).values())]
    return sorted(done, key=lambda each: (each.record.name, each.record.seed))


def own(experiment: ExperimentResults) -> dict[str, Any]:
    """The steps of an experiment."""
    return {link.step_id: experiment.steps[link.step_id] for link in experiment.links}


def asked(experiment: ExperimentResults, every: Sequence[ExperimentResults]) -> dict[str, Any]:
    """All steps that `suite run` needs for an experiment alone, including those of the pretrained model."""
    steps = own(experiment)
    for base in every:
        if base.record.method == "pretrained" and base.record.seed == experiment.record.seed:
            steps |= own(base)
    return steps


def seconds(steps: dict[str, Any]) -> float:
    """The recorded seconds of some steps."""
    return float(sum(step.costs.seconds for step in steps.values()))


def scores(every: Sequence[ExperimentResults], steps: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """All scores of some steps."""
    known: dict[str, tuple[Any, ...]] = {}
    for each in every:
        known |= each.scores
    return {step: known.get(step, ()) for step in steps}


def alone(experiment: ExperimentResults, every: Sequence[ExperimentResults]) -> tuple[float, float]:
    """Seconds of an experiment in a separate home: in total, and of its steps.

    Raises SystemExit if a step or a score differs.
    """
    with tempfile.TemporaryDirectory() as folder:
        spec = shipped() / "promot" / f"{Path(str(experiment.record.spec['file'])).stem}.yaml"
        took = suite_run([spec], Path(folder), "--seeds", str(experiment.record.seed))
        again = seen(Path(folder))
        steps = {step: record for each in again for step, record in own(each).items()}
        if scores(again, steps) != scores(every, asked(experiment, every)):
            raise SystemExit(f"not equal: {experiment.record.name} alone has other steps or scores")
        return took, seconds(steps)


def measure(home: Path, count: int, took: float | None) -> dict[str, Any]:
    """The set in one run (`took` is its time if known), and the sum of its experiments alone."""
    every = seen(home)
    wanted = {(each.record.name, each.record.seed): asked(each, every) for each in every}
    distinct: dict[str, Any] = {}
    for steps in wanted.values():
        distinct |= steps
    chosen = every[:: max(1, len(every) // count)][:count]
    both = [alone(each, every) for each in chosen]
    besides = statistics.fmean(whole - steps for whole, steps in both)
    together = seconds(distinct) + besides if took is None else took
    apart = sum(seconds(steps) + besides for steps in wanted.values())
    kinds = {kind: {id for id, step in distinct.items() if step.kind == kind} for kind in ("train", "evaluate")}
    found = {
        "experiments": len(every),
        "steps": {kind: len(ids) for kind, ids in kinds.items()},
        "steps alone": {kind: sum(len(ids & set(each)) for each in wanted.values()) for kind, ids in kinds.items()},
        "seconds of steps": {kind: seconds({id: distinct[id] for id in ids}) for kind, ids in kinds.items()},
        "seconds alone": {
            kind: sum(seconds({id: distinct[id] for id in ids & set(each)}) for each in wanted.values())
            for kind, ids in kinds.items()
        },
        "together": together, "alone": apart, "ratio": together / apart, "besides": besides,
        "run alone": {each.record.name: whole for each, (whole, _) in zip(chosen, both, strict=True)},
    }  # fmt: skip
    print(f"  {len(every)} experiments: together {together:.0f} s, alone {apart:.0f} s: {found['ratio']:.2f} "
          f"(a run takes {besides:.1f} s besides its steps; {len(chosen)} ran alone, with equal scores)")  # fmt: skip
    return found


def main() -> None:
    """Run, compare, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--home", type=Path, help="a home that has the set already")
    parser.add_argument("--alone", type=int, default=3, metavar="N", help="experiments to run alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        took = None if given.home else suite_run(sorted((shipped() / "promot").glob("*.yaml")), home)
        told = measure(home, given.alone, took)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
