"""Print what the steps of a plan take of a machine's memory."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from suite.api.memory import MemoryPlan
from suite.api.timetable import MachineTimetable
from suite.cli.commands.tables import TerminalColumn, fitted, room, wrapped
from suite.core.errors import Problem, SuiteError
from suite.core.quantities import clock, size
from suite.planning.devices import device_count_of

if TYPE_CHECKING:
    from suite.simulation.fitting import StepMemory

LEGENDS: Final = {
    "weights": "weights: the base model's",
    "trained": "trained: what is trained, copies in float32 and of the best step so far, and loaded artifacts",
    "gradients": "gradients: and what the backward pass computes on its way",
    "optimizer": "optimizer: its moments, and what an update computes on its way",
    "activations": "activations: what the forward pass computes and stores",
    "caches": "caches: keys and values of the prompts in a batch of answers",
}


def simulating(done: int, steps: int) -> None:
    """Show how many steps were simulated, on a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(
            f"\rsimulating step {done + 1} of {steps}",
            end="\n" if done + 1 == steps else "",
            file=sys.stderr,
            flush=True,
        )


def show_timetable(times: MachineTimetable) -> None:
    """Print how long the steps take side by side on a machine with several devices, and which ones are sharded."""
    for line in wrapped(_timetable_lines(times), room()):
        print(line)


def _timetable_lines(times: MachineTimetable) -> Iterator[str]:
    count, name = times.machine.count, times.machine.name
    for step in times.sharded:
        yield f"sharded over {device_count_of(step.work)} of {count} devices: {step.title}"
    if count > 1 and times.entries:
        yield (
            f"{count} {name} with `--workers auto`: up to {times.most_at_once} steps side by side, "
            f"about {clock(times.seconds)} in all; one after another {clock(times.in_turn)}; "
            f"the longest chain of steps {clock(times.longest_chain)}"
        )


def show_memory(plan: MemoryPlan) -> None:
    """Print each step's peak of memory by part. Raises SuiteError with the steps that do not fit."""
    rows = tuple(_distinct(plan.steps))
    print()
    print(f"memory on {plan.machine.title}, of which tensors can take {size(plan.machine.usable)}; at the peak:")
    print()
    table = fitted(tuple(_columns(rows)), room())
    for line in (*table.lines, *wrapped(table.legends, room())):
        print(line)
    refused, unknown = [row for row in rows if not row.fits], [row for row in rows if row.unknown]
    print(f"\n{len(rows) - len(refused) - len(unknown)} of {len(rows)} different steps fit")
    for row in unknown:
        print(f"note: {_title(row)}: its memory cannot be predicted ({row.unknown})")
    if refused:
        raise SuiteError.of([_problem(row, plan) for row in refused])


def _distinct(steps: Sequence[StepMemory]) -> Iterator[StepMemory]:
    """Each step once, whatever its seed."""
    titles: set[str] = set()
    for step in steps:
        if (title := _title(step)) not in titles:
            titles.add(title)
            yield step


def _title(memory: StepMemory) -> str:
    return re.sub(r" · seed \d+", "", memory.step.title)


def _columns(rows: Sequence[StepMemory]) -> Iterator[TerminalColumn]:
    yield TerminalColumn("step", [_title(row) for row in rows], cut=True)
    yield TerminalColumn("as planned", ["–" if row.unknown else size(row.memory.total) for row in rows])
    yield TerminalColumn("fits", [_fits(row) for row in rows])
    for rank, (part, legend) in enumerate(LEGENDS.items()):
        yield TerminalColumn(part, [_bytes(row.least.parts, part) for row in rows], rank, legend)


def _fits(row: StepMemory) -> str:
    if row.unknown or not row.fits:
        return "unknown" if row.unknown else "no"
    return f"with {', '.join(row.measures)}: {size(row.least.total)}" if row.measures else "yes"


def _bytes(parts: Mapping[Any, int], part: str) -> str:
    count = parts.get(part, 0)
    return size(count) if count else "–"


def _problem(row: StepMemory, plan: MemoryPlan) -> Problem:
    least = size(row.least.total)
    measures = f" (with {', '.join(row.measures)})" if row.measures else ""
    what = (
        f"{_title(row)} needs {least}{measures}, and {plan.machine.title} has {size(plan.machine.usable)} for tensors"
    )
    fix = f"set `{row.remedy}`" if row.remedy else "take a smaller model, or a device with more memory"
    return Problem("", what, fix)
