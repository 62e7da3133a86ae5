"""The time left of a made-up plan, whose estimates are wrong by another factor for each kind of step."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from suite.execution.progress import PlanProgress
from suite.execution.remaining import EstimatedStep, Remaining, _Ratios

OPTIMISER_STEPS = 200
SETUP = 20.0
"""Seconds before a training reports its first step: the base is loaded, and probed."""


@dataclass(frozen=True)
class MadeUp:
    name: str
    kind: str
    estimated: float
    real: float


def a_plan() -> list[MadeUp]:
    """Trainings take 1.5 times as long as estimated, adapters half as long, evaluations 3 times as long."""
    steps = [MadeUp(f"base {at}", "evaluate", 4.0, 12.0) for at in range(6)]
    for at in range(3):
        steps.append(MadeUp(f"finetune {at}", "train full", 100.0, 150.0))
        steps.append(MadeUp(f"lora {at}", "train adapter", 120.0, 60.0))
        steps += [MadeUp(f"evaluate {at} {task}", "evaluate", 4.0, 12.0) for task in range(6)]
    return steps


def reports(step: MadeUp) -> Iterator[tuple[float, float]]:
    """(share, seconds since its begin) of a step's reports. Every fiftieth of a training's steps is slower."""
    if step.kind == "evaluate":
        yield from ((share, share * step.real) for share in (0.25, 0.5, 1.0))
        return
    slow = 4.0
    rest = (step.real - SETUP - slow * OPTIMISER_STEPS // 50) / OPTIMISER_STEPS
    spent = SETUP
    for at in range(1, OPTIMISER_STEPS + 1):
        spent += rest + (slow if at % 50 == 0 else 0.0)
        yield at / OPTIMISER_STEPS, spent


def left(remaining: Remaining, step: str, share: float, seconds: float, since: float = 0.0) -> float:
    """The seconds left after a step's report."""
    remaining.report(step, share, seconds, since)
    return remaining.left()


def errors(plan: list[MadeUp]) -> list[tuple[float, float, float]]:
    """(share of the plan that is done, shown / real, shown by pace alone / real) of every report but the last ones."""
    remaining = Remaining({step.name: EstimatedStep(step.kind, step.estimated) for step in plan})
    whole, done, estimated_after = sum(step.real for step in plan), 0.0, sum(step.estimated for step in plan)
    found: list[tuple[float, float, float]] = []
    for step in plan:
        remaining.begin(step.name)
        estimated_after -= step.estimated
        first: tuple[float, float] | None = None
        for share, spent in reports(step):
            first = first or ((0.0, 0.0) if step.kind == "evaluate" else (share, spent))
            shown = left(remaining, step.name, share, spent - first[1], first[0])
            pace = spent / share * (1.0 - share) + estimated_after
            real = whole - done - spent
            if real > 0.05 * whole:
                found.append(((done + spent) / whole, shown / real, pace / real))
        remaining.finished(step.name, step.real)
        remaining.remove(step.name)
        done += step.real
    return found


def test_the_time_left_is_never_far_off_and_soon_right() -> None:
    found = errors(a_plan())
    assert all(0.85 < shown < 1.6 for _, shown, _ in found)
    assert all(0.85 < shown < 1.2 for done, shown, _ in found if done > 0.3)
    assert max(pace for *_, pace in found) > 3.0  # the pace of a training's first steps says too much
    assert min(pace for *_, pace in found) < 0.4  # and estimates alone of what comes after say too little


def test_without_measurements_the_plans_estimates_are_shown() -> None:
    remaining = Remaining({"a": EstimatedStep("train full", 100.0), "b": EstimatedStep("evaluate", 10.0)})
    remaining.begin("a")
    assert left(remaining, "a", 0.01, 0.0, 0.01) == pytest.approx(0.99 * 100.0 + 10.0)


def test_a_kind_is_scaled_by_what_its_own_steps_took() -> None:
    steps = {name: EstimatedStep(kind, 1000.0) for name, kind in (("a", "evaluate"), ("b", "evaluate"), ("c", "adapt"))}
    remaining = Remaining(steps)
    remaining.begin("a")
    remaining.finished("a", 3000.0)
    remaining.remove("a")
    remaining.begin("c")
    assert left(remaining, "c", 0.0, 0.0) == pytest.approx(3000.0 + 1000.0 * 3**0.5, rel=0.01)  # half as a factor
    remaining.finished("c", 1000.0)
    remaining.remove("c")
    remaining.begin("b")
    assert left(remaining, "b", 0.0, 0.0) == pytest.approx(3000.0, rel=0.01)


def test_what_an_earlier_run_did_of_a_step_does_not_make_its_kind_look_fast() -> None:
    remaining = Remaining({"a": EstimatedStep("train full", 1000.0), "b": EstimatedStep("train full", 1000.0)})
    remaining.begin("a")
    left(remaining, "a", 0.9, 0.0, 0.9)  # it was resumed there
    left(remaining, "a", 1.0, 200.0, 0.9)
    remaining.finished("a", 200.0)
    remaining.remove("a")
    remaining.begin("b")
    assert left(remaining, "b", 0.0, 0.0) == pytest.approx(2000.0, rel=0.06)


def test_the_pace_alone_counts_where_nothing_was_estimated() -> None:
    remaining = Remaining({"a": EstimatedStep("train full", 0.0)})
    remaining.begin("a")
    assert left(remaining, "a", 0.25, 10.0) == pytest.approx(30.0)


def test_a_run_shows_the_plans_estimate_at_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("suite.execution.progress.time.monotonic", lambda: now[0])
    logged: list[str] = []
    plan = PlanProgress(2, io.StringIO(), log=logged.append)
    plan.remaining.add({"a": EstimatedStep("train full", 100.0), "b": EstimatedStep("evaluate", 10.0)})
    plan.remaining.begin("a")
    progress = plan.of_step("a")
    progress.begin("train")
    now[0] += 30.0  # the base was loaded
    progress.progress(1, 100, 0.5)
    assert logged[-1] == "step 1/100 · loss 0.500 · 1 min 49 s left"
    now[0] += 50.0
    progress.progress(51, 100, 0.5)
    assert logged[-1] == "step 51/100 · loss 0.500 · 59 s left"


def test_several_workers_share_what_is_left_but_not_a_chain() -> None:
    steps = {name: EstimatedStep("train full", 100.0) for name in "abcd"}
    remaining = Remaining(steps, workers=2, paths=dict.fromkeys("abcd", 100.0))
    remaining.begin("a")
    remaining.begin("b")
    left(remaining, "a", 0.5, 50.0)
    assert left(remaining, "b", 0.5, 50.0) == pytest.approx((50.0 + 50.0 + 200.0) / 2)
    remaining.paths = {"a": 300.0, "b": 100.0, "c": 200.0, "d": 100.0}  # c and d come one after the other after a
    assert left(remaining, "b", 0.5, 50.0) == pytest.approx(50.0 + 200.0)


@pytest.mark.parametrize("workers", [1, 3, 40])
def test_what_is_left_of_many_steps_is_that_of_each_of_them_in_turn(workers: int) -> None:
    chance = Random(workers)
    kinds = ("train full", "train adapter", "evaluate", "adapt")
    steps = {str(at): EstimatedStep(chance.choice(kinds), chance.choice((0.0, 1.0, 9.0, 70.0))) for at in range(300)}
    paths = {name: each.seconds + chance.choice((0.0, 5.0, 200.0)) for name, each in steps.items()}
    remaining = Remaining(dict(steps), workers, paths)
    names = list(steps)
    chance.shuffle(names)
    for name in names[:-3]:
        for each in names[names.index(name) :][: chance.randint(1, workers)]:
            remaining.report(each, chance.random(), chance.uniform(0.0, 50.0))
        assert remaining.left() == pytest.approx(_in_turn(remaining))
        remaining.finished(name, chance.uniform(0.0, 100.0))
        remaining.remove(name)
    remaining.add({names[0]: steps[names[0]]})  # it is done again
    assert remaining.left() == pytest.approx(_in_turn(remaining))


def _in_turn(remaining: Remaining) -> float:
    """The time left, by one look at each step."""
    before = _Ratios(remaining._by_kind)
    now = _Ratios(remaining._by_kind, [remaining._own(each) for each in remaining._current])
    left = {each: remaining._left_of(each, before) for each in remaining._current}
    left |= {name: each.seconds * now.of(each.kind) for name, each in remaining.steps.items() if name not in left}
    if remaining.workers == 1:
        return sum(left.values())
    paths = [seconds + remaining._path(name) * now.overall for name, seconds in left.items()]
    return max(sum(left.values()) / remaining.workers, *paths)
