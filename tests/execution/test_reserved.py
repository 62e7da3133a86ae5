"""Steps that several GPUs train together, beside steps that take one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import suite
from suite.execution.placement import Placement
from suite.execution.processes import Member, ProcessExecutor
from suite.execution.progress import PlanProgress
from suite.execution.records import step_record
from suite.execution.schedule import Schedule
from suite.execution.worker import Done
from suite.planning import Step
from suite.planning.devices import device_count_of
from suite.results.store import Owner, StepOutcome, Store

ME = str(Owner.here())


class Recorded:
    """A process that is only told what to do; its steps end when the test says so."""

    handles = ()
    closed = 0

    def send(self, step: Step) -> None:
        """Nothing runs."""

    def close(self) -> None:
        self.closed += 1

    def messages(self) -> Iterator[object]:
        return iter(())

    def signal(self, number: int) -> None:
        """Nothing runs."""


def test_a_step_of_two_gpus_has_both_for_itself(tmp_path: Path) -> None:
    files = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml")
    plan = suite.plan(suite.load_spec(*files, overrides={"budget.shard": 2}), home=tmp_path).plan
    placements = tuple(Placement(f"cuda:{number}", 1) for number in range(3))
    executor = ProcessExecutor(placements)
    with Store.open("sqlite://") as store:
        store.add_steps([step_record(step) for step in plan.steps])
        statuses = store.statuses([step.id for step in plan.steps])
        schedule = Schedule(plan, store, PlanProgress(0, verbosity="quiet"), statuses=statuses, workers=3)
        team = [Member(Recorded()) for _ in placements]
        waiting: deque[Step] = deque()
        widths: list[tuple[int, ...]] = []
        while not schedule.over:
            executor._hand_out(team, schedule, waiting)  # type: ignore[arg-type]
            running = [member.step for member in team]
            widths.append(tuple(0 if step is None else device_count_of(step.work) for step in running))
            assert any(running)
            for member in reversed(team):  # the last one first, so that the first GPUs are free at different times
                if member.step is not None:
                    step, member.step, member.previous = member.step, None, member.step
                    assert store.claim(step.id, ME)
                    assert store.finish(step.id, ME, StepOutcome())
                    schedule.ended(step, Done(0.1, None))
                    break
    assert schedule.done == len(plan.steps)
    wide = [each for each in widths if 2 in each]
    assert wide
    assert all(each[0] == 2 and each[1] == 0 for each in wide)
    assert any(each[2] == 1 for each in wide)  # the third GPU goes on with other steps
    assert (1, 1, 1) in widths
    assert [member.process.closed for member in team] == [2, 2, 0]  # before each of the two trainings
