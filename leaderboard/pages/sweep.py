"""The tries of a sweep, and which of them each seed chose."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.view import numbers
from suite.core.config_diff import describe
from suite.stats import first_of_the_best


@dataclass(frozen=True)
class TryScore:
    """A seed's score of a try on the selection rows."""

    value: str
    chosen: bool


@dataclass(frozen=True)
class SweepTry:
    """A try over the seeds."""

    settings: str
    scores: tuple[TryScore, ...]


def sweep_tries(row_records: RowRecords) -> tuple[SweepTry, ...]:
    """A row's tries in order; empty without a sweep."""
    sweep = row_records.seeds[0].record.spec.get("sweep", ())
    seeds = [_scores(seed, len(sweep)) for seed in row_records.seeds]
    return tuple(
        SweepTry(describe(settings) or "as `method` has it", tuple(scores[index] for scores in seeds))
        for index, settings in enumerate(sweep)
    )


def _scores(seed: SeedRecords, count: int) -> list[TryScore]:
    """A seed's score of each try, as the choosing step recorded them; dashes if it is not finished."""
    choice = next((link.step_id for link in seed.trained if "choice" in seed.steps[link.step_id].config), "")
    points = {point.step: point.value for point in seed.curves.get(choice, ()) if point.name == "selection"}
    values = [points.get(number) for number in range(1, count + 1)]
    measured = [value for value in values if value is not None]
    best = first_of_the_best(measured) if count and len(measured) == count else None
    return [TryScore(numbers.plain(value), index == best) for index, value in enumerate(values)]
