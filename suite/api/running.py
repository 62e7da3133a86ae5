"""Running a plan: train, evaluate and store what is not done yet."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from suite.api.planning import PlannedRun
from suite.core import signals
from suite.execution import run_plan
from suite.execution.outcome import Outcome
from suite.execution.preflight import check
from suite.sandbox import bubblewrap


def run(planned: PlannedRun, *, device: str | None = None, again: bool = False, unsafe_code: bool = False) -> Outcome:
    """Run every step of a plan that is not done, with progress on standard error; the options are those of `suite run`.

    A step that fails stops only what needs it: see `failed` and `blocked` of the outcome. Ctrl-C cancels the step,
    keeps what is finished and raises KeyboardInterrupt; the same plan goes on from there. Raises SuiteError, before
    anything is written, where the device, a model or the sandbox is not there.
    """
    with _interruptible():
        outcome = execute(planned, device=device, again=again, unsafe_code=unsafe_code)
        if outcome.interrupted:
            raise outcome.interrupted
    return outcome


def execute(
    planned: PlannedRun,
    *,
    device: str | None = None,
    again: bool = False,
    unsafe_code: bool = False,
    begin: Callable[[PlannedRun], None] = lambda planned: None,
) -> Outcome:
    """The same for whoever handles signals; `begin` is called once nothing stands against the run."""
    token = bubblewrap.UNSAFE.set(unsafe_code)
    try:
        check(planned.plan, planned.inputs, device)
        begin(planned)
        planned.home.create()
        return run_plan(planned.plan, planned.inputs, planned.home, device=device, again=again)
    finally:
        bubblewrap.UNSAFE.reset(token)


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
