"""SVF with composed weights against SVF in factors, whatever the size of the model: losses, seconds and memory.

`python -m benchmarks.svf SPEC` trains the spec's SVF both ways on its track for `--steps` steps, and prints each step's
loss, and seconds of processor time on one thread from the second step on. `--memory` measures the peak of tensors
instead, as `benchmarks.memory` does, which takes longer. `--set KEY=VALUE` changes settings, `--models FOLDER` has the
models, `--factors FOLDER` keeps decompositions for the next time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest import mock

import torch

from benchmarks.memory import Quiet, loaded, peak
from suite.core.run_dir import RunDir
from suite.execution.session import Session
from suite.models import svf_types
from suite.planning import Inputs, make_plan
from suite.planning.steps import Step, Train
from suite.specs import Options, load
from suite.tasks.data import DataLocations

WAYS: Final = {"composed": 2**62, "factored": 0}
"""The bytes from which weights are not composed (`svf_types.STORED`)."""


@dataclass
class Timed(Quiet):
    """A log of each step's loss and seconds of processor time."""

    losses: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Note one step."""
        self.losses.append(loss)
        self.at.append(time.process_time())

    @property
    def seconds(self) -> list[float]:
        """From the second step on, since the first one has decompositions before it; the last has selection, too."""
        return [after - before for before, after in zip(self.at, self.at[1:], strict=False)]


def compare(step: Step, inputs: Inputs, folder: Path, *, memory: bool) -> None:
    """Train a step both ways and print what it took."""
    assert isinstance(step.work, Train)
    for way, stored in WAYS.items():
        log, home = Timed(), folder / way
        home.mkdir()
        (home / "factors").symlink_to(folder / "factors")
        session = Session(RunDir(home), inputs, "cpu")
        train = partial(session.train, step, step.work, log, {})
        with mock.patch.object(svf_types, "STORED", stored):
            if memory:
                most, _ = peak(partial(loaded, session, step.work.track), train, "cpu")
                print(f"{way}: {most / 1e6:.0f} MB", flush=True)
            else:
                train()
                losses, seconds = (" ".join(f"{each:{form}}" for each in values) for values, form in (
                    (log.losses, ".4f"), (log.seconds, ".1f"),
                ))  # fmt: skip
                print(f"{way}: losses {losses}; seconds {seconds} (the last with selection)", flush=True)


def main() -> None:
    """Compare both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--track")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--factors", type=Path)
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = (f"method.steps={arguments.steps}", "selection.documents=4", *arguments.sets)
    inputs = Inputs(DataLocations(), arguments.models)
    plan = make_plan(load([arguments.spec], Options(arguments.track, sets=sets)), inputs)
    (step,) = (each for each in plan.steps if isinstance(each.work, Train))
    with TemporaryDirectory() as name:
        folder, kept = Path(name), arguments.factors or Path(name) / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        (folder / "factors").symlink_to(kept.resolve())
        compare(step, inputs, folder, memory=arguments.memory)


if __name__ == "__main__":
    main()
