"""Scores of one row with their intervals: over documents and, if there are several, over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite import stats
from suite.analysis.board.contrasts import Missing, TaskInfluence, Term, task_influences
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.samples import Evaluated
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Estimate, Part, Parts

Key = tuple[str, int]


def task_estimates(
    store: ResultsReader,
    members: Sequence[ExperimentResults],
    keys: Sequence[Key],
    evaluations: Mapping[str, Evaluated],
) -> dict[Key, Estimate]:
    """Each task's score over the row's seeds; tasks that were not measured for every seed are left out."""
    measured = {key: values for key in keys if (values := _values(members, key)) is not None}
    parts: dict[int, dict[Key, Part]] = {}
    for key in measured:
        influences = _task_influences(store, members, [key], evaluations)
        if influences is not None:
            parts.setdefault(len(influences[0].values), {})[key] = influences[0].score
    intervals: dict[Key, Estimate] = {}
    for by_key in parts.values():
        intervals |= zip(by_key, stats.estimates([Parts.of(*by_key.values())]), strict=True)
    return {key: _estimate(members, [key], values, intervals.get(key)) for key, values in measured.items()}


def norm_avg(
    members: Sequence[ExperimentResults], shots: int, tasks: Sequence[TaskInfluence] | None
) -> Estimate | None:
    """The held-out average; None if a task is missing for any seed. `tasks` are scaled to add up to the average."""
    keys = [(role, shots) for role in members[0].held_out(shots)]
    scores = [_values(members, key) for key in keys]
    measured = [values for values in scores if values is not None]
    if not keys or len(measured) < len(keys):
        return None
    values = [statistics.fmean(of_seed) for of_seed in zip(*measured, strict=True)]
    interval = stats.estimates([Parts.of(task.score) for task in tasks])[0] if tasks else None
    return _estimate(members, keys, values, interval)


def _values(members: Sequence[ExperimentResults], key: Key) -> list[float] | None:
    """The score for each seed; None if one is missing."""
    scores = [member.primary(*key) for member in members]
    values = [stats.on_scale(score.value, score.metric) for score in scores if score and score.value is not None]
    return values if len(values) == len(members) else None


def _task_influences(
    store: ResultsReader,
    members: Sequence[ExperimentResults],
    keys: Sequence[Key],
    evaluations: Mapping[str, Evaluated],
) -> list[TaskInfluence] | None:
    try:
        return task_influences(store, [Term(1.0, tuple(members), *key) for key in keys], evaluations)[1]
    except (Missing, Incomparable):
        return None


def _estimate(
    members: Sequence[ExperimentResults], keys: Sequence[Key], values: Sequence[float], interval: Estimate | None
) -> Estimate:
    """The mean of the stored scores with its interval; over seeds alone if answers give no interval."""
    mean = statistics.fmean(values)
    if interval is not None:
        # one seed, or seeds that share their answers: all have the same score
        if interval.low is None or interval.high is None:
            return replace(interval, value=mean)
        return Estimate(mean, min(interval.low, mean), max(interval.high, mean), interval.over)
    step_ids = {tuple(step.id for key in keys if (step := member.step(*key))) for member in members}
    if len(step_ids) == 1:
        return Estimate(mean, None, None, "documents")
    scores = [score for key in keys if (score := members[0].primary(*key))]
    lows, highs = zip(*(stats.scale_of(score.metric) for score in scores), strict=True)
    scale = statistics.fmean(lows), statistics.fmean(highs)
    return stats.over_seeds(values, min(score.n for score in scores) * len(scores), scale)
