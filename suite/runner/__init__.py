"""Executing plans: claim, do, record; resume, retry, and share the work between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.home import Home
    from suite.planning import Inputs, Plan
    from suite.runner.outcome import Outcome

__all__ = ["run_plan"]


def run_plan(plan: Plan, inputs: Inputs, home: Home, *, device: str | None = None, again: bool = False) -> Outcome:
    """Run every step of a plan that is not done (see `suite.runner.run`; torch is imported only if there is one)."""
    from suite.runner import run

    return run.run_plan(plan, inputs, home, device=device, again=again)
