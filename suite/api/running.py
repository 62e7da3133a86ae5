"""Runs a plan: trains, evaluates and stores the steps that are not done yet."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from suite.api.planning import PlannedRun, PlannedStep
from suite.core import signals
from suite.core.errors import SuiteError
from suite.core.quantities import clock
from suite.execution.context import StepContext
from suite.execution.outcome import Outcome
from suite.execution.placement import Workers
from suite.execution.preflight import check_answers, prepare
from suite.execution.processes import executor_of
from suite.execution.progress import PlanProgress, Verbosity
from suite.execution.run import run_plan
from suite.execution.run_log import run_log
from suite.execution.tracking import check_trackers
from suite.results.store.writing import LEASE_SECONDS
from suite.sandbox import bubblewrap

if TYPE_CHECKING:
    from suite.execution.executor import Executor


def run(
    planned: PlannedRun,
    *,
    device: str | None = None,
    again: bool = False,
    unsafe_code: bool = False,
    executor: Executor | None = None,
    workers: Workers | None = None,
    verbosity: Verbosity = "normal",
    max_seconds: float | None = None,
    max_disk: int | None = None,
    track_with: Sequence[str] = (),
) -> Outcome:
    """Run every step of a plan that is not done; the options are those of `suite run`. Progress goes to standard error.

    With several `workers` (a number, or `auto`; default: 1) as many steps run at a time, each in a process of its own:
    in a script, call this under ``if __name__ == "__main__":``. An `executor` runs the steps elsewhere
    (`suite.execution.executor.Executor`), and says itself how many at a time. A failed step stops only the steps that
    need it: see `failed` and `blocked` of the outcome. Ctrl-C cancels the current steps, keeps finished ones and raises
    KeyboardInterrupt; running the same plan resumes from there. `max_seconds` does the same without an error: see
    `left` of the outcome. A train step that would let the home hold more than `max_disk` bytes, or more than the disk
    has room for, fails before it begins. Raises SuiteError, before anything is written, if the device, a model, a
    tracker or the sandbox is not available, and for options that an executor would ignore.
    """
    with _interruptible():
        outcome = execute(
            planned, device=device, again=again, unsafe_code=unsafe_code, executor=executor, workers=workers,
            verbosity=verbosity, max_seconds=max_seconds, max_disk=max_disk, track_with=track_with,
        )  # fmt: skip
        if outcome.interrupted:
            raise outcome.interrupted
    return outcome


def execute(
    planned: PlannedRun,
    *,
    device: str | None = None,
    again: bool = False,
    unsafe_code: bool = False,
    executor: Executor | None = None,
    workers: Workers | None = None,
    verbosity: Verbosity = "normal",
    max_seconds: float | None = None,
    max_disk: int | None = None,
    track_with: Sequence[str] = (),
    begin: Callable[[PlannedRun], None] = lambda planned: None,
) -> Outcome:
    """Like `run`, for callers that handle signals themselves. Calls `begin` after all checks have passed."""
    executor = _executor(executor, workers, device)
    home, inputs = planned.home, replace(planned.inputs, rates=None)
    check_trackers(track_with)
    with bubblewrap.unsafe(unsafe_code):
        if prepare(planned.plan, inputs, device):
            planned = planned.renewed()
        if any(step.work.track.budget.shard == "auto" for step in planned.plan.steps):
            from suite.simulation.devices import machine_here, with_chosen_devices

            chosen = with_chosen_devices(planned.plan, inputs, machine_here(device))
            planned = replace(planned, plan=chosen)
        steps = planned.steps()
        disk = planned.disk(steps, max_disk)
        disk.require()
        done = {step.id for step in steps if step.status == "done" and not again}
        check_answers([step for step in planned.plan.steps if step.id not in done], inputs)
    context = StepContext(home, inputs, device, unsafe_code, LEASE_SECONDS, disk.limit)
    begin(planned)
    home.create()
    with run_log(home, device, verbosity) as log:
        log.write("\n".join(_summary(planned, steps)))
        progress = PlanProgress(0, verbosity=verbosity, log=log.write)
        try:
            with signals.time_limit(max_seconds):
                outcome = run_plan(
                    planned.plan,
                    context,
                    again=again,
                    executor=executor,
                    progress=progress,
                    track_with=track_with,
                    restore=planned.restore,
                )
        except signals.EndedBySignal as end:  # before or after its steps
            outcome = Outcome(0, 0, interrupted=end)
        outcome = _in_time(outcome, len(planned.plan.steps))
        log.write("\n".join(_ending(outcome)), at_the_end=True)
    return replace(outcome, log=log.path)


def _executor(executor: Executor | None, workers: Workers | None, device: str | None) -> Executor | None:
    """What runs the steps; None: this process, one after another. Raises SuiteError for what would be ignored."""
    if executor is None:
        return executor_of(1 if workers is None else workers, device)
    if workers is not None:
        what = "would be ignored: an executor says itself how many steps run at a time"
        raise SuiteError(what, where="workers", fix="leave it out, or give the executor this number")
    check = getattr(executor, "check", None)
    if check is not None:
        check(device)
    return executor


def _in_time(outcome: Outcome, steps: int) -> Outcome:
    """The outcome; a run that its time limit ended is not interrupted but has steps left."""
    if outcome.interrupted is None or not outcome.interrupted.by_time:
        return outcome
    ended = outcome.done + outcome.reused + len(outcome.failed) + outcome.blocked
    return replace(outcome, interrupted=None, left=steps - ended)


def _summary(planned: PlannedRun, steps: Sequence[PlannedStep]) -> Iterator[str]:
    """Yield lines about the experiments and steps to run."""
    for each in planned.experiments:
        yield f"experiment {each.id[:8]}: {each.name} · {each.track.name} · seed {each.seed} · {each.file}"
    todo = [step for step in steps if step.status != "done"]
    yield f"plan: {len(steps)} steps, {len(steps) - len(todo)} done, about {clock(sum(step.seconds for step in todo))}"
    yield from (f"note: {note}" for note in planned.notes)


def _ending(outcome: Outcome) -> Iterator[str]:
    """Yield lines about the outcome."""
    if outcome.interrupted:
        yield str(outcome.interrupted)
    if outcome.left:
        yield f"the time limit was reached; {outcome.left} steps are left"
    yield from (f"failed: {title}: {reason}" for title, reason in outcome.failed.items())
    if outcome.blocked:
        yield f"not run, as they need a failed step: {outcome.blocked}"
    yield f"{outcome.done} steps done, {outcome.reused} reused, in {clock(outcome.seconds)}"


@contextmanager
def _interruptible() -> Iterator[None]:
    """Context manager in which signals end the run in an orderly way and then raise KeyboardInterrupt or SystemExit."""
    try:
        with signals.ending():
            yield
    except signals.EndedBySignal as end:
        if end.number == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise SystemExit(end.exit_code) from None
