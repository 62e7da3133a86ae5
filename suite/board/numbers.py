"""A row's numbers: each seed's, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from suite.board.facts import Facts
from suite.board.rows import Cell, Column, FormatRatio, RowCosts, SeedScore
from suite.board.words import first_label, is_text_role, labels_of
from suite.stats import (
    Measured,
    over_documents,
    over_seeds,
    share,
    stderr_of_average,
    stderr_of_difference,
    stderr_of_mean,
)
from suite.store import ExperimentRecord

PERCENT = (0.0, 100.0)


@dataclass(frozen=True)
class Sample:
    """One seed's number, with the steps it was made from: seeds that share all their steps are one measurement."""

    value: float
    stderr: float | None
    n: int
    steps: tuple[str, ...]


def together(samples: Sequence[Sample], bounds: tuple[float, float]) -> Measured | None:
    """The mean over seeds; the interval is over seeds, or over documents where there is one measurement only."""
    if not samples:
        return None
    if len({sample.steps for sample in samples}) > 1:
        return over_seeds([sample.value for sample in samples], bounds)
    only = samples[0]
    return over_documents(only.value, only.stderr, only.n, bounds)


def cell(scores: Sequence[SeedScore]) -> Cell:
    """A task's scores over seeds."""
    return Cell(together([_sample([score]) for score in scores], PERCENT), tuple(scores))


def average(cells: Mapping[tuple[str, int], Cell], columns: Sequence[Column], seeds: Sequence[int]) -> Measured | None:
    """The plain mean of some tasks' scores, over the seeds that have them all."""
    return together([_sample(scores) for scores in _whole(cells, columns, seeds)], PERCENT)


def change(
    facts: Facts, cells: Mapping[tuple[str, int], Cell], columns: Sequence[Column], seeds: Sequence[int]
) -> Measured | None:
    """The mean over tasks of score less the pretrained model's; None unless it has answered all the same questions.

    Over documents the differences are paired where documents have scores of their own.
    """
    samples: list[Sample] = []
    for scores in _whole(cells, columns, seeds):
        differences = [_difference(facts, score) for score in scores]
        known = [each for each in differences if each is not None]
        if len(known) == len(differences):
            stderr = stderr_of_average([each.stderr for each in known])
            steps = tuple(step for each in known for step in each.steps)
            samples.append(Sample(fmean(each.value for each in known), stderr, sum(each.n for each in known), steps))
    return together(samples, (-100.0, 100.0))


def format_ratio(
    facts: Facts, experiments: Sequence[ExperimentRecord], targets: Sequence[str], columns: Sequence[Column]
) -> FormatRatio | None:
    """How often held-out answers begin with a label of the target; None for targets without labels."""
    roles = experiments[-1].spec["roles"]
    labels = tuple(dict.fromkeys(label for role in targets for label in labels_of(roles, role)))
    held_out = list(dict.fromkeys(column.role for column in columns))
    counted = [role for role in held_out if is_text_role(roles, role, labels)]
    if not labels or not counted:
        return None
    wanted = [column for column in columns if column.role in counted]
    found: list[tuple[tuple[str, ...], int, int]] = []
    for experiment in experiments:
        scores = [facts.score(experiment, column.role, column.shots) for column in wanted]
        steps = tuple(score.step for score in scores if isinstance(score, SeedScore))
        if len(steps) == len(wanted):
            found.append((steps, *_count(facts, steps, labels)))
    found = [each for each in found if each[2]]
    if not found:
        return None
    controls = [facts.control(step) for step in found[0][0]]
    known = tuple(step for step in controls if step is not None)
    control = share(*_count(facts, known, labels)) if len(known) == len(controls) else None
    left_out = tuple(role for role in held_out if role not in counted)
    return FormatRatio(_ratio(found), control, labels, tuple(counted), left_out)


def costs(facts: Facts, experiments: Sequence[ExperimentRecord]) -> RowCosts:
    """What training and answering took, over the seeds that are through with it."""
    trained, answered = [], []
    for experiment in experiments:
        train, evaluate = facts.train_steps(experiment), facts.evaluate_steps(experiment)
        if train and all(step.status == "done" for step in train):
            trained.append([step.costs for step in train])
        if evaluate and all(step.status == "done" for step in evaluate):
            answered.append(sum(step.costs.seconds or 0.0 for step in evaluate))
    steps = [step for experiment in experiments for step in facts.train_steps(experiment) or facts.evaluate_steps(experiment)]
    return RowCosts(
        trained_parameters=max((sum(each.trained_parameters or 0 for each in seed) for seed in trained), default=None),
        artifact_bytes=max((sum(each.artifact_bytes or 0 for each in seed) for seed in trained), default=None),
        train_seconds=fmean(sum(each.seconds or 0.0 for each in seed) for seed in trained) if trained else None,
        train_tokens=fmean(sum(each.tokens or 0 for each in seed) for seed in trained) if trained else None,
        peak_memory=max((each.peak_memory for seed in trained for each in seed if each.peak_memory), default=None),
        answer_seconds=fmean(answered) if answered else None,
        devices=tuple(sorted({step.provenance.device for step in steps if step.provenance.device})),
    )


def _whole(
    cells: Mapping[tuple[str, int], Cell], columns: Sequence[Column], seeds: Sequence[int]
) -> Iterator[list[SeedScore]]:
    """The scores of each seed that has one in every column."""
    for seed in seeds:
        found = [score for column in columns for score in cells[column.role, column.shots].seeds if score.seed == seed]
        if columns and len(found) == len(columns):
            yield found


def _sample(scores: Sequence[SeedScore]) -> Sample:
    return Sample(
        fmean(score.value for score in scores),
        stderr_of_average([score.stderr for score in scores]),
        sum(score.n for score in scores),
        tuple(score.step for score in scores),
    )


def _difference(facts: Facts, score: SeedScore) -> Sample | None:
    """A score less the pretrained model's on the same questions."""
    control = facts.control(score.step)
    if control is None:
        return None
    if control == score.step:  # the very same answers
        return Sample(0.0, 0.0, score.n, (score.step,))
    other = next((each for each in facts.scores.get(control, ()) if each.primary and each.value is not None), None)
    if other is None or other.value is None or other.metric != score.metric:
        return None
    values = facts.reader.values([score.step, control])
    mine, theirs = values.get(score.step, {}), values.get(control, {})
    stderr = stderr_of_difference(score.stderr, other.stderr)
    if mine and mine.keys() == theirs.keys():
        stderr = stderr_of_mean([mine[document] - theirs[document] for document in mine])
    return Sample(score.value - other.value, stderr, score.n, (score.step,))


def _count(facts: Facts, steps: Sequence[str], labels: Sequence[str]) -> tuple[int, int]:
    """Answers that begin with a label, and all answers."""
    outputs = [text for texts in facts.reader.outputs(steps).values() for text in texts]
    return sum(first_label(text, labels) is not None for text in outputs), len(outputs)


def _ratio(found: Sequence[tuple[tuple[str, ...], int, int]]) -> Measured:
    if len({steps for steps, _, _ in found}) > 1:
        return over_seeds([100 * hits / n for _, hits, n in found], PERCENT)
    return share(*found[0][1:])
