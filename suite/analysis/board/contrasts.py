"""Signed sums of rows' scores over the documents and seeds that the rows share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.documents import FULL, Incomparable, exact_p, in_common, same_of
from suite.analysis.board.samples import Evaluated
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Clusters, Contrast, Part, Parts, Scale
from suite.stats.sample import Numbers

TERMS: Mapping[str, str] = {
    "code": "scored by another version of the code", "task": "another version of the task",
    "exemplars": "other exemplars", "draw": "another draw of exemplars", "beams": "other beams",
    "length_penalty": "another length penalty", "max_length": "another length of prompts",
    "chat": "another chat format",
}  # fmt: skip
"""Settings that must be equal, so that a difference comes only from the models -> how messages name an inequality."""


class Missing(Exception):
    """A required measurement does not exist."""


class NotRun(Missing):
    """The experiment, or the seed, was not run."""


@dataclass(frozen=True, eq=False)
class Term:
    """`weight` times a row's score on a task."""

    weight: float
    row: tuple[ExperimentResults, ...]
    """The row's members, one for each seed."""
    role: str
    shots: int


@dataclass(frozen=True, eq=False)
class TaskInfluence:
    """A task's value and its documents' influence, for each seed."""

    key: tuple[str, int]
    """(role, shots)"""
    values: Numbers
    influence: Numbers | None
    """Shape (seeds, documents or draws); None if documents have no scores of their own."""
    stderrs: Numbers
    documents: int
    """Number of distinct documents."""
    one: float
    """The most that one document can change the value by."""
    scale: Scale
    """The smallest and the largest possible value."""
    same: Clusters | None = None
    """The clusters of equal documents; None if all differ."""
    rows: int = 0
    """Number of documents, including equal ones."""

    @property
    def equivalent(self) -> float:
        """The effective number of documents with equal weight."""
        return stats.equivalent(self.same, self.documents)

    @property
    def part(self) -> Part:
        """The task as a part of a contrast."""
        if self.influence is None:
            return Part.of_stderrs(
                self.values, self.stderrs, self.documents, equivalent=self.equivalent, scale=self.scale
            )
        if not self.influence.any() and not self.one:
            return Part(self.values, 0.0, 0.0, self.documents, scale=self.scale)
        return Part.of_influence(
            self.values, self.influence, self.documents, self.one, equivalent=self.equivalent, scale=self.scale
        )

    @property
    def score(self) -> Part:
        """The task as a part of a score by itself.

        A single document shows only its own score, so its variance has a wide lower bound.
        """
        part = self.part
        if self.influence is None and part.common:
            return part
        least = self.one**2 if self.documents < 2 else stats.least_variance(self.one, self.equivalent)
        return replace(part, least=least)


def contrast_of(store: ResultsReader, terms: Sequence[Term], evaluations: Mapping[str, Evaluated]) -> Contrast:
    """The sum's value with its interval and test. Raises Incomparable, or Missing with a list of what is missing."""
    seeds, tasks = task_influences(store, terms, evaluations)
    check_spread(tasks)
    difference = stats.contrasts([Parts.of(task.part) for task in tasks], *_exact(terms, seeds, evaluations))[0]
    if any(term.weight < 0 for term in terms):
        return difference
    return with_interval(difference, [task.score for task in tasks])


def with_interval(contrast: Contrast, parts: Sequence[Part]) -> Contrast:
    """The contrast with the interval of a score, or of a mean of scores."""
    score = stats.estimates([Parts.of(part) for part in parts])[0]
    return contrast if score.low is None or score.high is None else replace(contrast, low=score.low, high=score.high)


def check_spread(tasks: Sequence[TaskInfluence]) -> None:
    """Raises Missing if a task has only one distinct document: its spread over documents is unknown."""
    for task in tasks:
        if task.documents < 2 and task.one and task.influence is not None:
            alone = "a single document" if task.rows < 2 else "documents that are all equal have"
            raise Missing(f"{task.key[0]} {task.key[1]}-shot: {alone}{' has' * (task.rows < 2)} no spread")


def task_influences(
    store: ResultsReader, terms: Sequence[Term], evaluations: Mapping[str, Evaluated]
) -> tuple[tuple[int | None, ...], list[TaskInfluence]]:
    """The seeds that the terms share, and each task's sums. The seeds are (None,) if no answer depends on the seed."""
    seeds = _seeds(terms)
    keys = list(dict.fromkeys((term.role, term.shots) for term in terms))
    missing = [
        f"{_name(term, member)}: {term.role} {term.shots}-shot"
        for term in terms
        for member in _members(term, seeds)
        if (step := member.step(term.role, term.shots)) is None or step.id not in evaluations
    ]
    if missing:
        raise Missing(", ".join(dict.fromkeys(missing)))
    by_key = [[term for term in terms if (term.role, term.shots) == key] for key in keys]
    return seeds, [_task_influence(store, key, own, seeds, evaluations) for key, own in zip(keys, by_key, strict=True)]


def varies(row: Sequence[ExperimentResults], keys: Sequence[tuple[str, int]]) -> bool:
    """Whether any of a row's answers to these tasks depends on the seed. For a single seed: on anything trained."""
    steps = [{step.id: step for member in row if (step := member.step(*key))} for key in keys]
    if len(row) > 1:
        return any(len(of_key) > 1 for of_key in steps)
    return any(step.config.get("stack") or step.config.get("dispatch") for of_key in steps for step in of_key.values())


def _seeds(terms: Sequence[Term]) -> tuple[int | None, ...]:
    keys: dict[int, list[tuple[str, int]]] = {}
    rows = {id(term.row): term.row for term in terms}
    for term in terms:
        keys.setdefault(id(term.row), []).append((term.role, term.shots))
    varying = [row for name, row in rows.items() if varies(row, keys[name])]
    if not varying:
        return (None,)
    common = set.intersection(*({member.record.seed for member in row} for row in varying))
    if not common:
        raise Missing(f"no seed in common ({', '.join(dict.fromkeys(row[0].record.name for row in varying))})")
    return tuple(sorted(common))


def _members(term: Term, seeds: Sequence[int | None]) -> list[ExperimentResults]:
    """The row's member for each seed; its first member if the row does not vary or lacks the seed."""
    by_seed = {member.record.seed: member for member in term.row}
    return [by_seed.get(seed, term.row[0]) if seed is not None else term.row[0] for seed in seeds]


def _name(term: Term, member: ExperimentResults) -> str:
    return f"{member.record.name} (seed {member.record.seed})"


def _weights(terms: Sequence[Term], seeds: Sequence[int | None]) -> list[dict[str, float]]:
    """For each seed: step -> weight, without the steps that cancel."""
    sums: list[dict[str, float]] = [{} for _ in seeds]
    for term in terms:
        for weights, member in zip(sums, _members(term, seeds), strict=True):
            step = member.step(term.role, term.shots)
            assert step is not None
            weights[step.id] = weights.get(step.id, 0.0) + term.weight
    return [{step: weight for step, weight in weights.items() if abs(weight) > 1e-9} for weights in sums]


def _task_influence(
    store: ResultsReader, key: tuple[str, int], terms: Sequence[Term], seeds: Sequence[int | None],
    evaluations: Mapping[str, Evaluated],
) -> TaskInfluence:  # fmt: skip
    sums = _weights(terms, seeds)
    steps = {step: evaluations[step] for weights in sums for step in weights}
    if not steps:  # all answers are shared: the sum is exactly zero
        shared = _members(terms[0], seeds)[0].step(*key)
        assert shared is not None
        nothing = np.zeros(len(seeds))
        return TaskInfluence(
            key, nothing, np.zeros((len(seeds), 1)), nothing, evaluations[shared.id].distinct, 0.0, (0.0, 0.0)
        )
    check_terms(key, steps)
    one = FULL * max(sum(weight for weight in weights.values() if weight > 0) or
                     -sum(weights.values()) for weights in sums)  # fmt: skip
    if any(evaluation.scores is None for evaluation in steps.values()):
        return _of_corpora(key, steps, sums, one)
    scale = _scale(steps, sums)
    indices = in_common(store, key, steps)
    same = same_of(steps, indices)
    samples = {step: evaluation.sample(indices.get(step), same) for step, evaluation in steps.items()}
    sample = next(iter(samples.values()))
    values, influence = np.zeros(len(seeds)), np.zeros((len(seeds), len(sample.influence)))
    for index, weights in enumerate(sums):
        for step, weight in weights.items():
            values[index] += weight * samples[step].value
            influence[index] += weight * samples[step].influence
    stderrs, rows = np.sqrt((influence**2).sum(axis=1)), sample.documents if same is None else len(same.cluster_ids)
    return TaskInfluence(key, values, influence, stderrs, sample.documents, one, scale, same, rows)


def _scale(steps: Mapping[str, Evaluated], sums: Sequence[Mapping[str, float]]) -> Scale:
    """The smallest and the largest possible sum, over all seeds."""
    ranges = [
        [sorted(weight * end for end in stats.scale_of(steps[step].score.metric)) for step, weight in weights.items()]
        for weights in sums
    ]
    least = min(sum(low for low, _ in of_seed) for of_seed in ranges)
    return least, max(sum(high for _, high in of_seed) for of_seed in ranges)


def _of_corpora(
    key: tuple[str, int], steps: Mapping[str, Evaluated], sums: Sequence[Mapping[str, float]], one: float
) -> TaskInfluence:
    """The sums of a task whose documents have no scores of their own, from the scores' standard errors."""
    if len({evaluation.score.n for evaluation in steps.values()}) > 1:
        raise Incomparable(f"{key[0]} {key[1]}-shot: other documents, and none has a score of its own")
    if any(evaluation.score.stderr is None for evaluation in steps.values()):
        raise Missing(f"{key[0]} {key[1]}-shot: no standard error is known, and documents have no scores")
    values = [sum(weight * float(steps[step].score.value or 0) for step, weight in weights.items()) for weights in sums]
    squares = [sum((weight * float(steps[step].score.stderr or 0)) ** 2 for step, weight in weights.items())
               for weights in sums]  # fmt: skip
    evaluation = next(iter(steps.values()))
    stderrs = np.sqrt(np.array(squares))
    return TaskInfluence(
        key,
        np.array(values),
        None,
        stderrs,
        evaluation.distinct,
        one,
        _scale(steps, sums),
        evaluation.same,
        evaluation.score.n,
    )


def check_terms(key: tuple[str, int], steps: Mapping[str, Evaluated]) -> None:
    """Raises Incomparable, with the differences, unless all evaluations have the same terms and metric."""
    first, *rest = steps.values()
    for other in rest:
        differs = [what for name, what in TERMS.items() if first.config.get(name) != other.config.get(name)]
        if first.score.metric != other.score.metric:
            differs.append(f"{first.score.metric} and {other.score.metric}")
        if differs:
            raise Incomparable(f"{key[0]} {key[1]}-shot: {', '.join(differs)}")


def _exact(
    terms: Sequence[Term], seeds: Sequence[int | None], evaluations: Mapping[str, Evaluated]
) -> tuple[Numbers | None, NDArray[np.bool_] | None]:
    """The exact p-value for one row minus another, on one task with one seed, as `contrasts` takes it."""
    if len(seeds) > 1 or len({(term.role, term.shots) for term in terms}) > 1:
        return None, None
    weights = _weights(terms, seeds)[0]
    if sorted(weights.values()) != [-1.0, 1.0]:
        return None, None
    plus, minus = sorted(weights, key=lambda step: -weights[step])
    test = exact_p(evaluations[plus], evaluations[minus])
    return (None, None) if test is None else (np.array([test[0]]), np.array([test[1]]))
