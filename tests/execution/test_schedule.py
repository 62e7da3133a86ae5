"""What follows from what became of a step."""

from __future__ import annotations

from pathlib import Path

from suite.execution.progress import PlanProgress
from suite.execution.records import step_record
from suite.execution.schedule import RENEWALS, Schedule
from suite.execution.worker import Done, NeedsArtifact
from suite.planning import Inputs, make_plan
from suite.results.store import Costs, Owner, StepOutcome, Store
from suite.specs import load
from suite.tasks.data import DataLocations

ME = str(Owner.here())


def test_a_step_whose_artifact_is_lost_again_and_again_fails_and_keeps_what_it_cost(specs: Path) -> None:
    plan = make_plan(load([specs / "finetune_rte.yaml"]), Inputs(DataLocations()))
    attempts = 0
    with Store.open("sqlite://") as store:
        store.add_steps([step_record(step) for step in plan.steps])
        schedule = Schedule(plan, store, PlanProgress(0), statuses=store.statuses([step.id for step in plan.steps]))
        while step := schedule.take():
            assert store.claim(step.id, ME)
            if step.parents and not attempts > RENEWALS:
                attempts += 1
                assert store.cancel(step.id, ME, "its artifact is gone", Costs(seconds=2.5 * attempts, tokens=7))
                store.requeue([step.id])
                parent = store.steps(step.parents)[step.parents[0]]
                schedule.ended(step, NeedsArtifact(parent, "is gone"))
                lost = step.id
            else:
                assert store.finish(step.id, ME, StepOutcome())
                schedule.ended(step, Done(0.1, None))
        record = store.steps([lost])[lost]
    assert list(schedule.failed) == [lost]
    assert record.status == "failed"
    assert str(record.reason).endswith("is gone")
    assert (record.costs.seconds, record.costs.tokens) == (2.5 * attempts, 7)
