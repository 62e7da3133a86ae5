"""A made-up plan on simulated workers that die now and then, through the real schedule and store."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.made_up_plan import MadeUpPlan, made_up
from benchmarks.scheduling import simulated
from benchmarks.simulated_workers import Figures
from suite.results.store import Store

STEPS, WORKERS = 2_000, 50


@pytest.fixture(scope="module")
def made() -> MadeUpPlan:
    return made_up(STEPS, seed=4)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated") / "suite.db"


@pytest.fixture(scope="module")
def figures(database: Path) -> Figures:
    return simulated(STEPS, WORKERS, 4, database)


def test_every_step_is_done_once_and_tried_again_only_after_a_death(
    figures: Figures, made: MadeUpPlan, database: Path
) -> None:
    assert sorted(step for step, _, _ in figures.order) == sorted(made.seconds)
    assert figures.deaths > 0
    with Store.open(database) as store:
        records = store.steps(list(made.seconds))
    assert {record.status for record in records.values()} == {"done"}
    assert sum(record.attempts for record in records.values()) == STEPS + figures.deaths


def test_no_step_begins_before_its_parents_are_done_and_no_worker_has_two(figures: Figures, made: MadeUpPlan) -> None:
    ends = {step: end for step, _, end in figures.order}
    begins = {step: begin for step, begin, _ in figures.order}
    assert all(begins[step.id] >= ends[parent] for step in made.plan.steps for parent in step.parents)
    changes = sorted([(begin, 1) for begin in begins.values()] + [(end, -1) for end in ends.values()])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    assert most == WORKERS


def test_the_plan_takes_little_longer_than_any_timetable_must(figures: Figures, made: MadeUpPlan) -> None:
    assert figures.lower_bound == pytest.approx(
        max(sum(made.seconds.values()) / WORKERS, max(_chains(made).values())), rel=1e-9
    )
    assert figures.makespan is not None
    assert figures.lower_bound <= figures.makespan < 1.1 * figures.lower_bound


def test_a_step_takes_one_transaction_of_the_driver_and_two_of_its_worker(figures: Figures) -> None:
    attempts = (STEPS + figures.deaths) / STEPS
    assert figures.transactions == pytest.approx(
        {"driver's statuses": attempts, "workers' claim": attempts, "workers' finish": 1.0}
    )


def _chains(made: MadeUpPlan) -> dict[str, float]:
    """Step -> seconds of the longest chain of steps that ends with it."""
    chains: dict[str, float] = {}
    for step in made.plan.steps:
        chains[step.id] = made.seconds[step.id] + max((chains[parent] for parent in step.parents), default=0.0)
    return chains
