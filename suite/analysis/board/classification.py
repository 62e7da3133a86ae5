"""Classification scores from stored answers: confusion matrix, precision and recall by class, macro-F1, majority class.

The definitions are scikit-learn's. Precision is right answers of a class over all answers of it; recall is right
answers over its documents; F1 is their harmonic mean. Each is 0 if it would divide by zero. Macro-F1 is the plain mean
of F1 over the labels that occur as a target or an answer (scikit-learn's default labels). An answer that is not among
the labels is wrong and belongs to no class.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from suite import stats
from suite.core import confusion
from suite.core.confusion import Counts
from suite.core.labels import as_label
from suite.stats import Estimate

Tally = tuple[str, str, int]
"""(right answer, answer parsed from the output, number of documents with both)."""


@dataclass(frozen=True)
class ClassScores:
    """Scores of a class; shares are from 0 to 100."""

    label: str
    support: int
    """Documents of this class, counted once for each evaluation."""
    answered: int
    """Answers that name this class."""
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Classification:
    """A task's answers by class, over all seeds."""

    documents: int
    """Number of counted answers: those of each seed, or once if seeds share their evaluation."""
    macro_f1: Estimate
    """0 to 100; the mean over seeds."""
    accuracy: float
    """Share of documents that were answered with their class, 0 to 100."""
    majority: str
    """The class with the most documents."""
    majority_share: float
    """The accuracy of always answering the majority class, 0 to 100."""
    classes: tuple[ClassScores, ...]
    """One for each label, in the order of the task's labels."""
    confusion: tuple[tuple[int, ...], ...]
    """Number of documents by their class (rows) and by the answered class (columns; the last: none of the labels)."""


def classify(
    labels: Sequence[str], evaluations: Sequence[Iterable[Tally]], equivalent: float | None = None
) -> Classification | None:
    """The answers of a task's evaluations, by class.

    `equivalent` is the effective number of distinct documents with equal weight; None if all documents differ. Returns
    None if nothing was answered, or if a stored right answer is not among the labels: published records leave the data
    set's texts out.
    """
    matrices = [confusion_of(labels, tallies) for tallies in evaluations]
    counts = [matrix for matrix in matrices if matrix is not None and matrix.any()]
    if not labels or not counts or len(counts) < len(evaluations):
        return None
    pooled: Counts = np.sum(counts, axis=0)
    support, total = pooled.sum(axis=1), int(pooled.sum())
    most = int(support.argmax())
    return Classification(
        documents=total,
        macro_f1=_macro_f1(counts, equivalent),
        accuracy=100 * float(np.trace(pooled)) / total,
        majority=labels[most],
        majority_share=100 * float(support[most]) / total,
        classes=tuple(_scores(label, pooled, index) for index, label in enumerate(labels)),
        confusion=tuple(tuple(map(int, row)) for row in pooled),
    )


def confusion_of(labels: Sequence[str], tallies: Iterable[Tally]) -> Counts | None:
    """The confusion matrix of one evaluation; None if a right answer is not among the labels."""
    documents = [(_right(target, labels), _label_index(parsed, labels), count) for target, parsed, count in tallies]
    if not all(right for right, _, _ in documents):
        return None
    return confusion.counted(len(labels), documents)


def _label_index(text: str, labels: Sequence[str]) -> int | None:
    """The index of the label that a text names, read as scoring reads it; None if it names no label."""
    label = as_label(text, labels)
    return None if label is None else labels.index(label)


def _right(target: str, labels: Sequence[str]) -> tuple[int, ...]:
    """The indices of the labels that a stored right answer allows; a JSON list holds several right answers."""
    index = _label_index(target, labels)
    if index is not None:
        return (index,)
    try:
        several = json.loads(target)
    except ValueError:
        return ()
    indices = [_label_index(str(label), labels) for label in several] if isinstance(several, list) else []
    return tuple(index for index in indices if index is not None)


def _scores(label: str, counts: Counts, index: int) -> ClassScores:
    right, support, answered = int(counts[index, index]), int(counts[index].sum()), int(counts[:, index].sum())
    return ClassScores(
        label=label,
        support=support,
        answered=answered,
        precision=100 * right / answered if answered else 0.0,
        recall=100 * right / support if support else 0.0,
        f1=200 * right / (support + answered) if support + answered else 0.0,
    )


def _macro_f1(counts: Sequence[Counts], equivalent: float | None) -> Estimate:
    """The mean over evaluations, with the interval of a score, in which equal documents count as one."""
    scores = [confusion.macro_f1(matrix) for matrix in counts]
    values, n = [100 * score.value for score in scores], int(counts[0].sum())
    independent = n if equivalent is None else equivalent
    wider = 100 * math.sqrt((n - 1) / (independent - 1)) if independent > 1 else 100.0
    stderrs = [None if score.stderr is None or independent <= 1 else wider * score.stderr for score in scores]
    return stats.of_stderrs(values, stderrs, independent, stats.PERCENT)
