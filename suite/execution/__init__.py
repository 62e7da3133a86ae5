"""Executing plans: claim, do, record; resume, retry, and share the work between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.execution.context import StepContext
    from suite.execution.executor import Executor
    from suite.execution.outcome import Outcome
    from suite.execution.progress import PlanProgress
    from suite.planning import Plan

__all__ = ["run_plan"]


def run_plan(
    plan: Plan,
    context: StepContext,
    *,
    again: bool = False,
    executor: Executor | None = None,
    progress: PlanProgress | None = None,
) -> Outcome:
    """Run every step of a plan that is not done (see `suite.execution.run`; torch is imported only if there is one)."""
    from suite.execution import run

    return run.run_plan(plan, context, again=again, executor=executor, progress=progress)
