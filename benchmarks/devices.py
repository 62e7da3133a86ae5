"""Several devices: what each process of a step has in memory, and its seconds, for one process and for several.

`python -m benchmarks.devices SPEC` trains the spec's first train step by one process and by two (`--devices 1 2 4`). It
prints of each process the bytes of what its optimiser updates, of gradients and of the optimiser's state, the peak of
PyTorch's allocator after the first step, and the median seconds of a step after the first two. `--layers N --width D`
uses a Llama of made-up weights. `--set KEY=VALUE` changes settings, `--json FILE` writes the figures. Processes on a
CPU share its cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import distributed
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.memory import loaded, made_up_model
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.execution.jobs import job_of, trained
from suite.execution.session import Session
from suite.planning import Inputs, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from suite.training.data.source import UNCOUNTED
from suite.training.ranks import RankDone, Ranks, training_as

STEP = "[step]"


@dataclass
class Watch:
    """A log that notes when steps end, and what the optimiser has before an update."""

    ends: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Called after each step."""
        with record_function(STEP):
            self.ends.append(time.perf_counter())
        self.losses.append(loss)

    def say(self, text: str) -> None:
        """Called with notices."""

    def before(self, optimizer: Optimizer, *_: Any) -> None:
        """Called before an update."""
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        states = [entry for state in optimizer.state.values() for entry in state.values() if torch.is_tensor(entry)]
        gradients = [each.grad for each in parameters if each.grad is not None]
        self.bytes = {
            name: sum(each.numel() * each.element_size() for each in tensors)
            for name, tensors in (("trained", parameters), ("gradients", gradients), ("state", states))
        }


def train(arguments: dict[str, Any], rank: int, count: int, folder: Path) -> dict[str, Any]:
    """Train as one of `count` processes. Returns its figures."""
    steps = make_plan(
        load([Path(arguments["spec"])], Options(sets=tuple(arguments["sets"]))), Inputs(DataLocations())
    ).steps
    step = next(step for step in steps if isinstance(step.work, Train))
    assert isinstance(step.work, Train)
    work, watch = step.work, Watch()
    session = Session(RunDir(folder / "home"), Inputs(DataLocations()), "cpu")

    def run() -> None:
        job = job_of(
            work, session.backbone(work.track), DataLocations(), (), folder / f"work-{count}-{rank}",
            disk=None, log=watch, spending=UNCOUNTED,
        )  # fmt: skip
        with suppress(RankDone):
            trained(step, work, replace(job, checkpoint_seconds=float("inf")))

    handle = register_optimizer_step_pre_hook(watch.before)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        loaded(session, work.track)
        run()
    handle.remove()
    most = peak(profiled.profiler.kineto_results.events())  # type: ignore[union-attr]
    seconds = [end - begin for begin, end in zip(watch.ends[1:], watch.ends[2:], strict=False)]
    figures = {"devices": count, "rank": rank, **watch.bytes, "peak": most}
    return {**figures, "seconds": median(seconds), "losses": watch.losses}


def peak(events: list[Any]) -> int:
    """The most bytes that tensors took at once between the ends of the first and the last step."""
    marks = [event.start_ns() for event in events if event.name() == STEP]
    most = now = 0
    for at, change in sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"):
        now += change
        if marks[0] <= at <= marks[-1]:
            most = max(most, now)
    return most


def main() -> None:
    """Print the table, or be one of the processes."""
    if len(sys.argv) == 5 and sys.argv[1] == "--rank":
        rank, count, folder = int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
        arguments = json.loads((folder / "arguments.json").read_text())
        if count > 1:
            meeting = (folder / f"meeting-{count}").as_uri()
            distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=count)
        with training_as(Ranks(rank, count, torch.device("cpu"))):
            figures = train(arguments, rank, count, folder)
        (folder / f"{count}-{rank}.json").write_text(json.dumps(figures))
        if count > 1:
            distributed.barrier()
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        figures = measured(given, Path(name))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


def measured(given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The figures of all processes, which are printed."""
    sets = list(given.sets)
    if given.layers:
        made_up_model(folder / "model", given.layers, given.width, torch.float32)
        sets.append(f"model={{path: {folder / 'model'}}}")
    (folder / "arguments.json").write_text(json.dumps({"spec": str(given.spec), "sets": sets}))
    figures = list[dict[str, Any]]()
    print("devices  rank   trained  gradients     state      peak  s a step")
    for count in given.devices:
        command = [sys.executable, "-m", "benchmarks.devices", "--rank"]
        processes = [subprocess.Popen([*command, str(rank), str(count), str(folder)]) for rank in range(count)]
        if sum(process.wait() != 0 for process in processes):
            raise SystemExit("a process failed")
        for rank in range(count):
            found = json.loads((folder / f"{count}-{rank}.json").read_text())
            shown = [size(found[name]) for name in ("trained", "gradients", "state", "peak")]
            print(f"{count:7}  {rank:4}  " + "  ".join(f"{each:>8}" for each in shown) + f"  {found['seconds']:8.2f}")
            figures.append(found)
    first = figures[0]["losses"]
    apart = max(abs(own - other) for each in figures for own, other in zip(first, each["losses"], strict=True))
    print(f"losses differ by {apart:.1e} at most, over {len(first)} steps")
    return figures


if __name__ == "__main__":
    main()
