"""Scores of one row with their intervals: over documents and, where there are several, over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite import stats
from suite.analysis.board.contrasts import Missing, TaskInfluence, Term, task_influences
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.samples import Answered
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Estimate, Part, Parts

Key = tuple[str, int]


def task_estimates(
    store: ResultsReader, members: Sequence[ExperimentResults], keys: Sequence[Key], found: Mapping[str, Answered]
) -> dict[Key, Estimate]:
    """Each task's score over the row's seeds; without those that were not measured for every seed."""
    known = {key: values for key in keys if (values := _values(members, key)) is not None}
    parts: dict[int, dict[Key, Part]] = {}
    for key in known:
        own = _task_influences(store, members, [key], found)
        if own is not None:
            parts.setdefault(len(own[0].values), {})[key] = own[0].score
    intervals: dict[Key, Estimate] = {}
    for each in parts.values():
        intervals |= zip(each, stats.estimates([Parts.of(*each.values())]), strict=True)
    return {key: _estimate(members, [key], values, intervals.get(key)) for key, values in known.items()}


def norm_avg(
    members: Sequence[ExperimentResults], shots: int, tasks: Sequence[TaskInfluence] | None
) -> Estimate | None:
    """The mean over held-out tasks; None if one is missing for any seed. `tasks` are scaled to add up to it."""
    keys = [(role, shots) for role in members[0].held_out(shots)]
    scores = [_values(members, key) for key in keys]
    known = [each for each in scores if each is not None]
    if not keys or len(known) < len(keys):
        return None
    values = [statistics.fmean(each) for each in zip(*known, strict=True)]
    interval = stats.estimates([Parts.of(task.score) for task in tasks])[0] if tasks else None
    return _estimate(members, keys, values, interval)


def _values(members: Sequence[ExperimentResults], key: Key) -> list[float] | None:
    """The score of each seed; None if one is missing."""
    scores = [member.primary(*key) for member in members]
    values = [stats.on_scale(score.value, score.metric) for score in scores if score and score.value is not None]
    return values if len(values) == len(members) else None


def _task_influences(
    store: ResultsReader, members: Sequence[ExperimentResults], keys: Sequence[Key], found: Mapping[str, Answered]
) -> list[TaskInfluence] | None:
    try:
        return task_influences(store, [Term(1.0, tuple(members), *key) for key in keys], found)[1]
    except (Missing, Incomparable):
        return None


def _estimate(
    members: Sequence[ExperimentResults], keys: Sequence[Key], values: Sequence[float], interval: Estimate | None
) -> Estimate:
    """The stored scores' mean; where answers give no interval, over seeds alone."""
    mean = statistics.fmean(values)
    if interval is not None:
        # one seed, or seeds that share their answers: each has the same score
        if interval.low is None or interval.high is None:
            return replace(interval, value=mean)
        return Estimate(mean, min(interval.low, mean), max(interval.high, mean), interval.over)
    asked = {tuple(step.id for key in keys if (step := member.step(*key))) for member in members}
    if len(asked) == 1:
        return Estimate(mean, None, None, "documents")
    scores = [score for key in keys if (score := members[0].primary(*key))]
    lows, highs = zip(*(stats.scale_of(score.metric) for score in scores), strict=True)
    scale = statistics.fmean(lows), statistics.fmean(highs)
    return stats.over_seeds(values, min(score.n for score in scores) * len(scores), scale)
