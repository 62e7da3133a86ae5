"""Classification from stored answers: confusion matrix, precision and recall of each class, macro-F1, majority class.

Definitions are scikit-learn's: precision is right answers of a class over all answers of it, recall is right answers
over its documents, F1 is their harmonic mean; each is 0 where it would divide by zero. Macro-F1 is the plain mean of
F1 over the labels that are a target or an answer (scikit-learn's default labels); an answer that is none of the
labels is wrong and belongs to no class.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.stats import Estimate

Tally = tuple[str, str, int]
"""A right answer, what was read from the output, and how many documents have both."""
Counts = NDArray[np.int64]
"""Documents by their class (rows) and by the class that was answered (columns; the last one: none of the labels)."""


@dataclass(frozen=True)
class ClassScores:
    """A class; shares are from 0 to 100."""

    label: str
    support: int
    """Documents of this class, once for each evaluation that is counted."""
    answered: int
    """Answers that name it."""
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Classification:
    """A task's answers by class, over all seeds."""

    documents: int
    """Answers that are counted: each seed's, once where seeds share their evaluation."""
    macro_f1: Estimate
    """From 0 to 100, the mean over seeds."""
    accuracy: float
    """Share of documents whose class was answered, from 0 to 100."""
    majority: str
    """The class of most documents."""
    majority_share: float
    """What answering the majority class always would score, from 0 to 100."""
    classes: tuple[ClassScores, ...]
    """In the order of the task's labels."""
    confusion: tuple[tuple[int, ...], ...]
    """Documents by their class (rows) and by the class that was answered (columns; the last: none of the labels)."""


def classify(labels: Sequence[str], evaluations: Sequence[Iterable[Tally]]) -> Classification | None:
    """What some evaluations of a task answered, by class.

    None where nothing was answered, or where a stored right answer is none of the labels: published records leave the
    data set's texts out.
    """
    found = [confusion_of(labels, tallies) for tallies in evaluations]
    counts = [each for each in found if each is not None and each.any()]
    if not labels or not counts or len(counts) < len(evaluations):
        return None
    pooled: Counts = np.sum(counts, axis=0)
    support, total = pooled.sum(axis=1), int(pooled.sum())
    most = int(support.argmax())
    return Classification(
        documents=total,
        macro_f1=_macro_f1(counts),
        accuracy=100 * float(np.trace(pooled)) / total,
        majority=labels[most],
        majority_share=100 * float(support[most]) / total,
        classes=tuple(_scores(label, pooled, at) for at, label in enumerate(labels)),
        confusion=tuple(tuple(map(int, row)) for row in pooled),
    )


def confusion_of(labels: Sequence[str], tallies: Iterable[Tally]) -> Counts | None:
    """The confusion matrix of one evaluation; None where a right answer is none of the labels.

    Of a document with several right answers the class is the one that was answered, or else the first.
    """
    places = _places(labels)
    counts = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    for target, parsed, count in tallies:
        right, answered = _right(target, places), _place(parsed, places)
        if not right:
            return None
        row = answered if answered in right else right[0]
        counts[row, len(labels) if answered is None else answered] += count
    return counts


def _places(labels: Sequence[str]) -> Mapping[str, int]:
    """Each label's place, by the label and, where no other label has the same, by its text without case and ends."""
    plain = Counter(label.strip().casefold() for label in labels)
    loose = {_plain(label): at for at, label in enumerate(labels) if plain[_plain(label)] == 1}
    return {**loose, **{label: at for at, label in enumerate(labels)}}


def _plain(text: str) -> str:
    return text.strip().casefold()


def _place(text: str, places: Mapping[str, int]) -> int | None:
    """The place of the label that a text is: letter by letter, or else case and outer spaces aside."""
    for each in (text, text.strip(), _plain(text)):
        if each in places:
            return places[each]
    return None


def _right(target: str, places: Mapping[str, int]) -> tuple[int, ...]:
    """The places of the labels that a stored right answer allows; a JSON list is several right answers."""
    place = _place(target, places)
    if place is not None:
        return (place,)
    try:
        several = json.loads(target)
    except ValueError:
        return ()
    found = [_place(each, places) for each in several if isinstance(each, str)] if isinstance(several, list) else []
    return tuple(each for each in found if each is not None)


def _scores(label: str, counts: Counts, at: int) -> ClassScores:
    right, support, answered = int(counts[at, at]), int(counts[at].sum()), int(counts[:, at].sum())
    return ClassScores(
        label=label,
        support=support,
        answered=answered,
        precision=100 * right / answered if answered else 0.0,
        recall=100 * right / support if support else 0.0,
        f1=200 * right / (support + answered) if support + answered else 0.0,
    )


def _macro_f1(counts: Sequence[Counts]) -> Estimate:
    """The mean over evaluations; the interval is over seeds where there are several, else over documents."""
    values = [_of_one(each) for each in counts]
    if len(values) > 1:
        return stats.over_seeds([value for value, _ in values])
    ((value, stderr),) = values
    return stats.over_documents(value, stderr, int(counts[0].sum()))


def _of_one(counts: Counts) -> tuple[float, float | None]:
    """Macro-F1 (0 to 100) and its standard error over documents, by the delta method."""
    size, total = len(counts), int(counts.sum())
    right, both = np.diagonal(counts).astype(float), (counts.sum(axis=1) + counts[:, :size].sum(axis=0)).astype(float)
    used = both > 0
    f1 = np.divide(2 * right, both, out=np.zeros(size), where=used)
    value = float(f1[used].mean())
    if total < 2:
        return 100 * value, None
    # how macro-F1 moves with the share of documents in each cell: d(2r/b) = (2 dr − F1 db) / b, over the used classes
    slope = np.divide(1.0, both * used.sum() / total, out=np.zeros(size), where=used)
    moves = np.zeros((size, size + 1))
    moves -= (f1 * slope)[:, None]
    moves[:, :size] -= (f1 * slope)[None, :]
    moves[np.arange(size), np.arange(size)] += 2 * slope
    variance = float((counts * moves**2).sum()) / (total - 1) / total
    return 100 * value, 100 * math.sqrt(variance)
