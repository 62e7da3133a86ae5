"""Scores of all answers together, by class, with their standard errors over documents.

The positive class is `pos_label`, the second of two choices, or the label 1 of 0 and 1; otherwise there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from suite.core.corpus import Pair
from suite.core.labels import as_label
from suite.core.metrics._definition import MetricDefinition, MetricSettings

if TYPE_CHECKING:
    from suite.core.confusion import Measured

Chosen = tuple["int | Sequence[int]", int]
"""The index (or indices) of a document's right choice, and the index of the likeliest choice."""


def score_of_labels(metric: MetricDefinition, settings: MetricSettings, pairs: Sequence[Pair]) -> Measured:
    """The score of written answers; an answer that is not a label has no class."""
    from suite.core import confusion

    labels = settings.labels or tuple(sorted({reference for references, _ in pairs for reference in references}))
    documents = ((_indices(references, labels), _indices([answer], labels)) for references, answer in pairs)
    counts = confusion.counted(len(labels), ((right, next(iter(answer), None), 1) for right, answer in documents))
    positive = _positive(settings, labels)
    if positive is None and set(labels) == {"0", "1"}:
        positive = labels.index("1")
    assert metric.class_score is not None
    return metric.class_score(counts, positive)


def score_of_choices(
    metric: MetricDefinition, settings: MetricSettings, pairs: Iterable[Chosen], choices: int
) -> Measured:
    """The score of choices by likelihood; a document has at most `choices` of them."""
    from suite.core import confusion

    documents = (((right,) if isinstance(right, int) else tuple(right), int(chosen), 1) for right, chosen in pairs)
    positive = _positive(settings, settings.labels)
    if positive is None and choices == 2:
        positive = 1
    assert metric.class_score is not None
    return metric.class_score(confusion.counted(choices, documents), positive)


def _positive(settings: MetricSettings, labels: Sequence[str]) -> int | None:
    """The index of `pos_label`, or None; planning has checked that it is a label."""
    label = as_label(settings.options["pos_label"], labels) if "pos_label" in settings.options else None
    return None if label is None else labels.index(label)


def _indices(texts: Sequence[str], labels: Sequence[str]) -> tuple[int, ...]:
    """The indices of the texts that are labels."""
    read = (as_label(text, labels) for text in texts)
    return tuple(labels.index(label) for label in read if label is not None)
