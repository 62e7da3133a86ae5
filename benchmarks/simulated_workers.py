"""Workers that are simulated: they run a made-up plan through the real schedule and the real store."""

from __future__ import annotations

import heapq
import io
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, Final, cast

from sqlalchemy import event

from benchmarks.made_up_plan import MadeUpPlan
from suite.execution.progress import PlanProgress
from suite.execution.records import step_record
from suite.execution.schedule import Schedule
from suite.execution.worker import Done
from suite.planning import Step
from suite.results.store import Costs, Owner, ScoreRecord, StepOutcome, Store

DEATHS: Final = 0.01
"""Share of the attempts that die."""
RESTART_SECONDS: Final = 10.0
REPORTS: Final = 4
"""Progress reports of an attempt."""


class TimedStore:
    """A store whose calls are timed and counted. Each call is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seconds = 0.0
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return method(*arguments, **options)
            finally:
                self.seconds += time.process_time() - began
                self.calls[name] += 1

        return timed


@dataclass
class Figures:
    """What a simulated run measured."""

    database: str
    steps: int
    workers: int
    setup: dict[str, float] = field(default_factory=dict)
    """What -> seconds, until the first step can begin."""
    driver_seconds: float = 0.0
    """All of the driver's work for its steps, in the store too."""
    driver_store_seconds: float = 0.0
    worker_store_seconds: float = 0.0
    transactions: dict[str, float] = field(default_factory=dict)
    """Who and which -> number for each step."""
    statements: float = 0.0
    """Statements of a transaction, on average."""
    heartbeat_seconds: float = 0.0
    """One heartbeat."""
    report_seconds: float = 0.0
    """One progress report, while every worker has a step."""
    deaths: int = 0
    done: int = 0
    """Steps that were done: all, unless the simulation was to end before."""
    makespan: float | None = None
    """Simulated seconds; None if not all steps were done."""
    lower_bound: float = 0.0
    plan_mib: float = 0.0
    """Memory of the driver with the plan."""
    driver_mib: float = 0.0
    """Memory of the driver at the end."""
    order: list[tuple[str, float, float]] = field(default_factory=list)
    """(step, begin, end) of the attempts that were finished, by their end."""

    @property
    def steps_per_second(self) -> float:
        """Steps that one driver begins and ends in a second, its transactions included."""
        return self.done / self.driver_seconds

    def shown(self) -> str:
        """The figures as lines."""
        setup = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in self.setup.items())
        each = 1000.0 / self.done
        scheduling = self.driver_seconds - self.driver_store_seconds
        transactions = ", ".join(f"{name} {count:.2f}" for name, count in self.transactions.items())
        return "\n".join([
            f"{self.database}: {self.steps:,} steps, {self.workers:,} workers",
            f"  {self.done:,} steps done, {self.deaths:,} deaths",
            f"  until the first step: {setup}",
            f"  driver: {self.driver_seconds * each:.2f} ms a step ({scheduling * each:.2f} scheduling, "
            f"{self.driver_store_seconds * each:.2f} store), {self.steps_per_second:,.0f} steps/s",
            f"  workers: {self.worker_store_seconds * each:.2f} ms a step in the store",
            f"  transactions a step: {transactions}; {self.statements:.1f} statements each",
            f"  heartbeat {self.heartbeat_seconds * 1000:.2f} ms, progress report {self.report_seconds * 1000:.2f} ms",
            *([f"  makespan {self.makespan:,.0f} s, {self.makespan / self.lower_bound:.3f} of its lower bound"]
              if self.makespan is not None else []),
            f"  memory {self.plan_mib:,.0f} MiB with the plan, {self.driver_mib:,.0f} MiB at the end",
        ])  # fmt: skip


@dataclass
class Simulation:
    """Simulated workers that run a plan through a schedule."""

    made: MadeUpPlan
    store: Store
    workers: int
    chance: Random
    figures: Figures
    until: int | None = None
    """End after so many steps; None: after all."""
    _idle: list[int] = field(default_factory=list)
    _events: list[tuple[float, int, int, bool]] = field(default_factory=list)
    """(time, number, worker, whether it dies then)."""
    _begun: dict[int, tuple[Step, float]] = field(default_factory=dict)
    _previous: dict[int, Step] = field(default_factory=dict)

    def run(self) -> Figures:
        """Run the plan. Raises AssertionError if a step does not begin or end as it must."""
        driver, self._workers = TimedStore(self.store), TimedStore(self.store)
        schedule = self._set_up(driver)
        driver.seconds, statements = 0.0, self._counted()
        driver.calls.clear()
        self._idle, now, number = list(range(self.workers)), 0.0, 0
        while not schedule.over and (self.until is None or schedule.done < self.until):
            while self._idle and (step := self._driven(schedule.ready, self._previous.get(self._idle[-1]))) is not None:
                number += 1
                self._begin(self._idle.pop(), number, step, now, schedule)
            if number == min(self.workers, len(self._begun)):
                self._measure_reports(schedule)
            now, _, worker, dies = heapq.heappop(self._events)
            self._end(worker, now, dies, schedule)
        self.figures.done = schedule.done
        self.figures.makespan = now if schedule.over else None
        self.figures.driver_store_seconds, self.figures.worker_store_seconds = driver.seconds, self._workers.seconds
        calls = {"driver": driver.calls, "workers": self._workers.calls}
        count = self.figures.done
        self.figures.transactions = {
            f"{who}' {name}" if who == "workers" else f"{who}'s {name}": times / count
            for who, each in calls.items() for name, times in sorted(each.items())
        }  # fmt: skip
        self.figures.statements = statements[0] / sum(sum(each.values()) for each in calls.values())
        assert not schedule.failed
        assert not schedule.blocked
        return self.figures

    def _set_up(self, driver: TimedStore) -> Schedule:
        """What a run does before its first step."""
        steps = self.made.plan.steps
        ids = [step.id for step in steps]
        progress = PlanProgress(0, io.StringIO(), verbosity="quiet")
        self._timed("add_steps", lambda: driver.add_steps([step_record(step) for step in steps]))
        self._timed("requeue", lambda: driver.requeue(ids))
        self._timed("read steps", lambda: driver.steps(ids))
        statuses = self._timed("statuses", lambda: driver.statuses(ids))
        return cast(Schedule, self._timed("schedule", lambda: Schedule(
            self.made.plan, cast(Store, driver), progress, statuses=statuses, workers=self.workers
        )))  # fmt: skip

    def _begin(self, worker: int, number: int, step: Step, now: float, schedule: Schedule) -> None:
        """A worker claims a step, and reports its progress until it ends or dies."""
        assert self._workers.claim(step.id, _owner(worker))
        dies = self.chance.random() < DEATHS
        share = self.chance.random() if dies else 1.0
        self._begun[worker] = step, now
        log = schedule.log(step)
        self._driven(log.begin, step.title)
        for report in range(1, REPORTS + 1):
            self._report(log, step, report)
        heapq.heappush(self._events, (now + share * self.made.seconds[step.id], number, worker, dies))

    def _report(self, log: Any, step: Step, report: int) -> None:
        if step.kind == "train":
            self._driven(log.progress, report, REPORTS + 1, 1.0)
        else:
            self._driven(log.answered, report, REPORTS + 1, 100, 1.0)

    def _end(self, worker: int, now: float, dies: bool, schedule: Schedule) -> None:
        """A worker has ended its step, has died, or has started again after it died."""
        if worker not in self._begun:
            self._idle.append(worker)
            return
        step, begun = self._begun.pop(worker)
        if dies:
            self.figures.deaths += 1
            self._previous.pop(worker, None)
            heapq.heappush(self._events, (now + RESTART_SECONDS, -1, worker, False))
            self._driven(schedule.died, step, "SIGKILL")
            return
        seconds = self.made.seconds[step.id]
        score = ScoreRecord("acc", 50.0, 1.0, 16, primary=True) if step.kind == "evaluate" else None
        outcome = StepOutcome(scores=(score,) if score else (), costs=Costs(seconds=seconds, tokens=1))
        assert self._workers.finish(step.id, _owner(worker), outcome)
        self._driven(schedule.ended, step, Done(seconds, score))
        self._previous[worker] = step
        self._idle.append(worker)
        self.figures.order.append((step.id, begun, now))

    def _measure_reports(self, schedule: Schedule) -> None:
        """Measure a heartbeat and a progress report while all workers have a step."""
        if self.figures.report_seconds or not self._begun:
            return
        chosen = list(self._begun.items())[:20]
        began = time.process_time()
        for _, (step, _) in chosen:
            schedule.log(step).progress(1, 100, 1.0)
        self.figures.report_seconds = (time.process_time() - began) / len(chosen)
        began = time.process_time()
        for worker, (step, _) in chosen:
            assert self.store.heartbeat(step.id, _owner(worker), Costs(seconds=1.0))
        self.figures.heartbeat_seconds = (time.process_time() - began) / len(chosen)

    def _driven(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call something as the driver, and count its seconds."""
        began = time.process_time()
        try:
            return call(*arguments)
        finally:
            self.figures.driver_seconds += time.process_time() - began

    def _timed(self, what: str, call: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = call()
        self.figures.setup[what] = time.process_time() - began
        return found

    def _counted(self) -> list[int]:
        """A count of statements, from now on."""
        count = [0]

        @event.listens_for(self.store.engine, "before_cursor_execute")
        def executed(*_: Any) -> None:
            count[0] += 1

        return count


@cache
def _owner(worker: int) -> str:
    """The name of a simulated worker: a process of this machine that does not live, so that its step can be taken."""
    return str(replace(Owner.here(), pid=2**22 + worker, mark=str(worker), start="1"))
