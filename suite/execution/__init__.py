"""Executing plans: claim, do, record; resume, retry, and share the work between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.core.run_dir import RunDir
    from suite.execution.outcome import Outcome
    from suite.planning import Inputs, Plan

__all__ = ["run_plan"]


def run_plan(plan: Plan, inputs: Inputs, home: RunDir, *, device: str | None = None, again: bool = False) -> Outcome:
    """Run every step of a plan that is not done (see `suite.execution.run`; torch is imported only if there is one)."""
    from suite.execution import run

    return run.run_plan(plan, inputs, home, device=device, again=again)
