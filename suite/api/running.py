"""Running a plan: train, evaluate and store what is not done yet."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from suite.api.planning import PlannedRun
from suite.core import signals
from suite.execution import run_plan
from suite.execution.context import StepContext
from suite.execution.outcome import Outcome
from suite.execution.preflight import check
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
) -> Outcome:
    """Run every step of a plan that is not done, with progress on standard error; the options are those of `suite run`.

    An `executor` does the steps elsewhere (`suite.execution.executor.Executor`); without one they are done here.
    A step that fails stops only what needs it: see `failed` and `blocked` of the outcome. Ctrl-C cancels the step,
    keeps what is finished and raises KeyboardInterrupt; the same plan goes on from there. Raises SuiteError, before
    anything is written, where the device, a model or the sandbox is not there.
    """
    with _interruptible():
        outcome = execute(planned, device=device, again=again, unsafe_code=unsafe_code, executor=executor)
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
    begin: Callable[[PlannedRun], None] = lambda planned: None,
) -> Outcome:
    """The same for whoever handles signals; `begin` is called once nothing stands against the run."""
    home, inputs = planned.home, replace(planned.inputs, rates=None)
    context = StepContext(home, inputs, device, unsafe_code, LEASE_SECONDS)
    with bubblewrap.unsafe(unsafe_code):
        check(planned.plan, inputs, device)
    begin(planned)
    home.create()
    return run_plan(planned.plan, context, again=again, executor=executor)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Inside, signals end the run in order; outside they are what Python makes of them."""
    try:
        with signals.ending():
            yield
    except signals.EndedBySignal as end:
        if end.number == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise SystemExit(end.exit_code) from None
