"""Runs a plan: stores its steps, runs those that are not done, and returns the outcome."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite.core import signals
from suite.core.run_dir import RunDir
from suite.execution.cleanup import clear
from suite.execution.context import StepContext
from suite.execution.executor import Executor, LocalExecutor
from suite.execution.lost_artifacts import DELETED, lost_artifacts
from suite.execution.outcome import Outcome
from suite.execution.progress import PlanProgress
from suite.execution.records import experiment_records, step_record
from suite.execution.retention import RunRetention
from suite.execution.schedule import Schedule
from suite.execution.tracking import Tracking
from suite.execution.worker import working
from suite.planning import Plan
from suite.results.store import StepRecord, Store, caution_about


def run_plan(
    plan: Plan,
    context: StepContext,
    *,
    again: bool = False,
    executor: Executor | None = None,
    progress: PlanProgress | None = None,
    track_with: Sequence[str] = (),
    restore: bool = False,
) -> Outcome:
    """Run every step that is not done, in this process unless there is an `executor`; reports to `progress`.

    `track_with` are trackers that draw live charts (`suite.execution.tracking`). With `restore`, artifacts that
    evaluations had in effect are trained again if they were deleted.
    Several processes may run overlapping plans on one store.
    """
    progress = progress or PlanProgress(0)
    progress.ids = _ids_by_title(plan)
    ids = [step.id for step in plan.steps]
    with Store.open(context.home.url) as store:
        seen = _stored(plan, store, context.home, again=again)
        lost = lost_artifacts(plan, seen, store, context.home, read=True, restore=restore)
        store.invalidate([seen[step] for step in lost])
        statuses = store.statuses(ids)
        deleted = frozenset(step for step, reason in lost.items() if reason == DELETED)
        retention = None if restore else RunRetention(plan, store, context.home, deleted)
        if retention is not None and (line := retention.apply()):  # of steps that were done before
            progress.say(line)
        if line := caution_about(context.home.url):
            progress.say(line)
        if all(statuses.get(step) == "done" for step in ids):
            return Outcome(0, len(ids))
        imported = frozenset(step for step, record in seen.items() if record.imported)
        context = replace(context, imported=imported)
        tracking = None
        if track_with:
            tracking = Tracking(plan, track_with, context.home.trackers, store, progress.say)
        schedule = Schedule(
            plan,
            store,
            progress,
            statuses=statuses,
            lease_seconds=context.lease_seconds,
            tracking=tracking,
            retention=retention,
            workers=getattr(executor, "workers", 1),
        )
        titles = {step.id: step.title for step in plan.steps}
        for step, reason in lost.items():
            progress.say(f"{titles[step]}: done again, for {reason}")
        return _run(schedule, context, store, executor or LocalExecutor())


def _ids_by_title(plan: Plan) -> Mapping[str, str]:
    ids_by_title: dict[str, list[str]] = {}
    for step in plan.steps:
        ids_by_title.setdefault(step.title, []).append(step.id[:8])
    return {title: " or ".join(ids) for title, ids in ids_by_title.items()}


def _stored(plan: Plan, store: Store, home: RunDir, *, again: bool) -> Mapping[str, StepRecord]:
    """Store the plan's steps and experiments, make failed steps pending, and return the steps as the store has them."""
    ids: Sequence[str] = [step.id for step in plan.steps]
    store.add_steps([step_record(step) for step in plan.steps])
    for experiment, links in experiment_records(plan):
        store.add_experiment(experiment, links)
    store.requeue(ids, include_done=again)
    if again:
        for step in ids:
            shutil.rmtree(home.work(step), ignore_errors=True)
        shutil.rmtree(home.answers, ignore_errors=True)
    seen = store.steps(ids)
    clear(home, {step for step, record in seen.items() if record.status == "done"})
    return seen


def _run(schedule: Schedule, context: StepContext, store: Store, executor: Executor) -> Outcome:
    began = time.monotonic()
    reused = len(schedule.steps) - schedule.progress.steps
    interrupted: signals.EndedBySignal | None = None
    try:
        with store.notifying(schedule.progress.say), working(context, store):
            executor.run(schedule, context)
    except signals.EndedBySignal as end:
        interrupted = end
    finally:
        if schedule.tracking is not None:
            schedule.tracking.close()
    failed = {schedule.steps[step].title: reason for step, reason in schedule.failed.items()}
    seconds = time.monotonic() - began
    return Outcome(schedule.done, reused, failed, len(schedule.blocked), interrupted, seconds=seconds)
