"""Costs step by step: time, tokens and memory of training and of each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from leaderboard.charts.heatmap import LEVELS, HeatCell
from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from suite.results.store import Costs, StepLink

NOT_MEASURED = "not measured for every seed"


@dataclass(frozen=True)
class StepMeans:
    """A step's costs, as means over the seeds; None if not measured for every seed."""

    label: str
    seconds: float | None
    tokens: float | None
    peak_memory: float | None


@dataclass(frozen=True)
class StepCost:
    """The cost of a step, or the sum of several, as shown."""

    label: str
    seconds: CellView
    share: HeatCell
    """Share of the time of all steps."""
    tokens: CellView
    tokens_per_second: CellView
    peak_memory: CellView


@dataclass(frozen=True)
class StepCosts:
    """All steps in order, and their sums."""

    steps: tuple[StepCost, ...]
    sums: tuple[StepCost, ...]
    """Sums over training, over evaluation, and over all steps."""


def step_costs(row_records: RowRecords, trainings: Sequence[str]) -> StepCosts | None:
    """The costs of a row's steps; None if no time was measured. `trainings` are the titles of its train steps."""
    seeds = row_records.seeds
    trained = [
        _means(title, seeds, [seed.trained[index] if index < len(seed.trained) else None for seed in seeds])
        for index, title in enumerate(trainings)
    ]
    evaluated = [
        _means(f"{role}, {numbers.shots(shots)}", seeds, [seed.evaluation(role, shots) for seed in seeds])
        for role, shots in row_records.evaluations
    ]
    steps = [*trained, *evaluated]
    if all(step.seconds is None for step in steps):
        return None
    groups = {"Training": trained, "Evaluation": evaluated, "All steps": steps}
    sums = [_sum(label, group) for label, group in groups.items() if group]
    total = sums[-1].seconds
    return StepCosts(tuple(_shown(step, total) for step in steps), tuple(_shown(step, total) for step in sums))


def _means(label: str, seeds: Sequence[SeedRecords], links: Sequence[StepLink | None]) -> StepMeans:
    """A step's means. `links` has one link for each seed."""
    costs = [seed.steps[link.step_id].costs if link else Costs() for seed, link in zip(seeds, links, strict=True)]

    def mean(name: str) -> float | None:
        return _over([getattr(cost, name) for cost in costs], fmean)

    return StepMeans(label, mean("seconds"), mean("tokens"), mean("peak_memory"))


def _sum(label: str, steps: Sequence[StepMeans]) -> StepMeans:
    return StepMeans(
        label,
        _over([step.seconds for step in steps], sum),
        _over([step.tokens for step in steps], sum),
        _over([step.peak_memory for step in steps], max),
    )


def _over(values: Sequence[float | None], function: Callable[[list[float]], float]) -> float | None:
    """The function of these values; None if any of them is unknown."""
    measured = [value for value in values if value is not None]
    return function(measured) if measured and len(measured) == len(values) else None


def _shown(step: StepMeans, total: float | None) -> StepCost:
    speed = step.tokens / step.seconds if step.tokens is not None and step.seconds else None
    return StepCost(
        label=step.label,
        seconds=_cell(step.seconds, numbers.seconds),
        share=_share(step.seconds, total),
        tokens=_cell(step.tokens, lambda value: numbers.count(round(value))),
        tokens_per_second=_cell(speed, lambda value: numbers.count(round(value))),
        peak_memory=_cell(step.peak_memory, lambda value: numbers.size(round(value))),
    )


def _cell(value: float | None, written: Callable[[float], str]) -> CellView:
    return cells.missing(NOT_MEASURED) if value is None else CellView(written(value), numbers.raw(value))


def _share(seconds: float | None, total: float | None) -> HeatCell:
    if seconds is None or not total:
        return HeatCell(numbers.MISSING, title=NOT_MEASURED)
    return HeatCell(f"{100 * seconds / total:.1f}", round(LEVELS * seconds / total))
