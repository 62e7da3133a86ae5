"""The samples that rows are ranked from: their scores document by document and seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.analysis.board.contrasts import Missing, TaskInfluence, Term, check_spread, task_influences
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.samples import Evaluated
from suite.analysis.board.schema import Row
from suite.core.board_terms import BOARD_TERMS
from suite.core.hashing import fingerprint
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults

MeanParts = tuple[tuple[int, ...], tuple[TaskInfluence, ...]]
"""The seeds that a mean of scores depends on, and its tasks, scaled to add up to it."""


@dataclass(frozen=True, eq=False)
class Samples:
    """A mean of scores by document and seed, as two rows' means are compared."""

    questions: str
    """A hash of its questions: rows with different questions are not compared."""
    seeds: tuple[int, ...]
    """The seeds that the tasks depend on."""
    tasks: tuple[TaskInfluence, ...]
    """Its scores, scaled to add up to the mean; empty if one is missing, or has a single document."""


@dataclass(frozen=True, eq=False)
class RowSamples:
    """A row with the samples that its rank is computed from."""

    row: Row
    draw: tuple[str, int]
    """(fingerprint of all its settings except the draw of exemplars, the draw)."""
    held_out: Samples
    """The held-out average at the most shots."""
    target: Samples
    """The mean score of its targets."""


def questions(member: ExperimentResults, keys: Sequence[tuple[str, int]]) -> list[Any]:
    """The questions of these evaluations, independent of the model that answers."""
    steps = [member.step(*key) for key in keys]
    return [{**step.config, "stack": None, "dispatch": None} if step else None for step in steps]


def held_out_terms(members: Sequence[ExperimentResults], shots: int) -> list[Term]:
    """The terms of the held-out average."""
    roles = members[0].held_out(shots)
    return [Term(1.0 / len(roles), tuple(members), role, shots) for role in roles]


def target_terms(members: Sequence[ExperimentResults], keys: Sequence[tuple[str, int]]) -> list[Term]:
    """The terms of the mean of the targets' scores."""
    return [Term(1.0 / len(keys), tuple(members), role, shots) for role, shots in keys]


def parts_of(store: ResultsReader, terms: Sequence[Term], evaluations: Mapping[str, Evaluated]) -> MeanParts | None:
    """The seeds that a mean depends on, and its tasks; None if any score is missing."""
    try:
        seeds, tasks = task_influences(store, terms, evaluations)
    except (Missing, Incomparable):
        return None
    return tuple(seed for seed in seeds if seed is not None), tuple(tasks)


def comparable(parts: MeanParts | None) -> MeanParts | None:
    """The parts; None if a task has only one distinct document, so that its spread is unknown."""
    try:
        check_spread(parts[1] if parts else ())
    except Missing:
        return None
    return parts


def samples_of(member: ExperimentResults, keys: Sequence[tuple[str, int]], parts: MeanParts | None) -> Samples:
    """The samples of a mean over these evaluations. `member`: any of the row's seeds."""
    seeds, tasks = (comparable(parts) if keys else None) or ((), ())
    return Samples(fingerprint(questions(member, keys)), seeds, tasks)


def draw_of(spec: Mapping[str, Any]) -> tuple[str, int]:
    """(fingerprint of all settings except the seed and the draw of exemplars, the draw)."""
    held_out = dict(spec["track"]["held_out"])
    draw = int(held_out.pop("draw", 0))
    track = {key: value for key, value in spec["track"].items() if key not in BOARD_TERMS} | {"held_out": held_out}
    names = ("seed", "variant", "file", "sets", "origin", "changes", "source", "about")
    settings = {key: value for key, value in spec.items() if key not in names}
    return fingerprint({**settings, "track": track}), draw
