"""What a sweep tried, and which try each seed chose."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.data.experiment_records import History, Seed
from leaderboard.view import numbers
from suite.settings import told
from suite.stats import first_of_the_best


@dataclass(frozen=True)
class TryScore:
    """A seed's score of a try on rows held out of training."""

    value: str
    chosen: bool


@dataclass(frozen=True)
class Try:
    """A try over the seeds."""

    settings: str
    scores: tuple[TryScore, ...]


def tries_of(history: History) -> tuple[Try, ...]:
    """A row's tries in order; none without a sweep."""
    sweep = history.seeds[0].record.spec.get("sweep", ())
    seeds = [_scores(seed, len(sweep)) for seed in history.seeds]
    return tuple(
        Try(told(settings) or "as `method` has it", tuple(scores[place] for scores in seeds))
        for place, settings in enumerate(sweep)
    )


def _scores(seed: Seed, count: int) -> list[TryScore]:
    """A seed's score of each try, as the step that chose has them; dashes if it is not done."""
    choice = next((link.step_id for link in seed.trained if "choice" in seed.steps[link.step_id].config), "")
    points = {point.step: point.value for point in seed.curves.get(choice, ()) if point.name == "selection"}
    values = [points.get(number) for number in range(1, count + 1)]
    known = [value for value in values if value is not None]
    best = first_of_the_best(known) if count and len(known) == count else None
    return [TryScore(numbers.plain(value), place == best) for place, value in enumerate(values)]
