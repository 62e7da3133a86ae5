"""What follows from what became of a step."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from suite.execution.progress import PlanProgress
from suite.execution.ready import path_lengths
from suite.execution.records import step_record
from suite.execution.schedule import RENEWALS, Schedule
from suite.execution.worker import Done, Failed, NeedsArtifact, NotOurs
from suite.planning import Evaluate, Inputs, Plan, Step, make_plan
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


def planned(specs: Path, *names: str) -> Plan:
    return make_plan(load([specs / f"{name}_rte.yaml" for name in names]), Inputs(DataLocations()))


def scheduled(plan: Plan, store: Store, workers: int = 1) -> Schedule:
    store.add_steps([step_record(step) for step in plan.steps])
    statuses = store.statuses([step.id for step in plan.steps])
    return Schedule(plan, store, PlanProgress(0), statuses=statuses, workers=workers)


def test_one_worker_takes_the_plans_order_and_several_the_longest_path_first(specs: Path) -> None:
    plan = planned(specs, "finetune", "promot")
    with Store.open("sqlite://") as store:
        schedule = scheduled(plan, store)
        order = []
        while step := schedule.take():
            order.append(step.id)
            assert store.claim(step.id, ME)
            assert store.finish(step.id, ME, StepOutcome())
            schedule.ended(step, Done(0.1, None))
        assert order == [step.id for step in plan.steps]
    with Store.open("sqlite://") as store:
        schedule, paths = scheduled(plan, store, workers=2), path_lengths(plan.steps)
        first, second = schedule.ready(), schedule.ready()
        assert first is not None
        assert second is not None
        assert paths[first.id] == max(paths.values())
        assert first.kind == second.kind == "train"
        assert first.id not in second.parents


def test_a_worker_goes_on_with_the_stack_that_it_has(specs: Path) -> None:
    plan = planned(specs, "finetune", "lora")
    with Store.open("sqlite://") as store:
        schedule = scheduled(plan, store, workers=2)
        running: list[Step | None] = [None, None]
        stacks: list[tuple[str, ...]] = []
        while not schedule.over:
            for at in range(2):
                running[at] = schedule.ready(running[at])
            for step in running:
                if step is not None:
                    if isinstance(step.work, Evaluate) and step is running[0]:
                        stacks.append(step.work.stack)
                    assert store.claim(step.id, ME)
                    assert store.finish(step.id, ME, StepOutcome())
                    schedule.ended(step, Done(0.1, None))
        changes = sum(one != other for one, other in itertools.pairwise(stacks))
        assert changes <= len(set(stacks))


def test_what_needs_a_failed_step_is_blocked_and_the_rest_is_done(specs: Path) -> None:
    plan = planned(specs, "finetune", "promot")
    with Store.open("sqlite://") as store:
        schedule = scheduled(plan, store, workers=3)
        while (step := schedule.ready()) is not None:
            assert store.claim(step.id, ME)
            if "promot" in step.title and step.kind == "train":
                assert store.fail(step.id, ME, "no")
                schedule.ended(step, Failed(0.1, "no"))
            else:
                assert store.finish(step.id, ME, StepOutcome())
                schedule.ended(step, Done(0.1, None))
        assert schedule.over
        assert len(schedule.failed) == 1
        children = {step.id for step in plan.steps if set(step.parents) & set(schedule.failed)}
        assert schedule.blocked >= children
        assert schedule.done + len(schedule.failed) + len(schedule.blocked) == len(plan.steps)


def test_a_step_that_another_process_has_is_looked_at_again_and_one_that_it_resets_is_done_again(specs: Path) -> None:
    plan = planned(specs, "finetune")
    other = str(ME).replace(":", "-elsewhere:", 1)
    with Store.open("sqlite://") as store:
        schedule = scheduled(plan, store, workers=2)
        train = schedule.ready()
        assert train is not None
        assert train.kind == "train"
        assert store.claim(train.id, other)
        schedule.ended(train, NotOurs())
        schedule.poll()
        taken = []
        while (step := schedule.ready()) is not None:
            taken.append(step)
            assert train.id not in step.parents
        assert store.finish(train.id, other, StepOutcome())
        schedule._polled = 0.0
        schedule.poll()
        child = schedule.ready()
        assert child is not None
        assert train.id in child.parents
        assert store.invalidate([store.steps([train.id])[train.id]])
        assert schedule.ready() == train  # before any other step that needs it


def test_the_lease_of_a_lost_process_of_another_machine_ends_at_once_and_no_other_one_does(specs: Path) -> None:
    plan = planned(specs, "finetune")
    away = replace(Owner.here(), host="elsewhere", boot="0123456789abcdef", machine="0123456789abcdef")
    with Store.open("sqlite://") as store:
        schedule = scheduled(plan, store, workers=2)
        step = schedule.ready()
        assert step is not None
        assert store.claim(step.id, str(away))
        schedule.died(step, "its node was lost", replace(away, pid=away.pid + 1))  # not the one that has the step
        assert store.statuses([step.id])[step.id] == "running"
        assert not store.claim(step.id, ME)
        schedule.died(step, "its node was lost", replace(away, mark="another run of the same process"))
        assert store.statuses([step.id])[step.id] == "pending"
        assert not store.heartbeat(step.id, str(away))
        assert not store.finish(step.id, str(away), StepOutcome())
        assert store.claim(step.id, ME)
