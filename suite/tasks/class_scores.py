"""`f1` and `mcc`: scores of all answers together, by class, with their standard errors over documents.

Both are scikit-learn's, as lm-eval's are, and equal to lm-eval's where that has two choices. F1 is that of one class,
where there is a positive one: `pos_label`, or else the second of two choices, or the label 1 of 0 and 1. Otherwise it
is macro-F1, the mean over the labels that are a target or an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from suite.core.corpus import Pair
from suite.core.labels import as_label
from suite.stats import confusion
from suite.stats.confusion import Counts, Measured
from suite.tasks.scoring import Metric

Chosen = tuple["int | Sequence[int]", int]
"""The places of a document's right choice (or choices) and of the likeliest one."""


def of_written(metric: Metric, pairs: Sequence[Pair]) -> Measured:
    """The score of written answers, which are labels or else of no class."""
    labels = metric.labels or tuple(sorted({each for references, _ in pairs for each in references}))
    documents = ((_places(references, labels), _places([answer], labels), 1) for references, answer in pairs)
    counts = confusion.counted(len(labels), ((right, next(iter(said), None), n) for right, said, n in documents))
    positive = _positive(metric, labels)
    if positive is None and set(labels) == {"0", "1"}:
        positive = labels.index("1")
    return _score(metric, counts, positive)


def of_chosen(metric: Metric, pairs: Iterable[Chosen], choices: int) -> Measured:
    """The score of choices by likelihood; a document has at most `choices` of them."""
    documents = (((right,) if isinstance(right, int) else tuple(right), int(said), 1) for right, said in pairs)
    positive = _positive(metric, metric.labels)
    if positive is None and choices == 2:
        positive = 1
    return _score(metric, confusion.counted(choices, documents), positive)


def _score(metric: Metric, counts: Counts, positive: int | None) -> Measured:
    if metric.name == "mcc":
        return confusion.matthews(counts)
    return confusion.macro_f1(counts) if positive is None else confusion.f1_of(counts, positive)


def _positive(metric: Metric, labels: Sequence[str]) -> int | None:
    """The place of `pos_label`; planning has checked that it is a label."""
    label = as_label(metric.options["pos_label"], labels) if "pos_label" in metric.options else None
    return None if label is None else labels.index(label)


def _places(texts: Sequence[str], labels: Sequence[str]) -> tuple[int, ...]:
    """The places of the labels that some texts are."""
    found = (as_label(text, labels) for text in texts)
    return tuple(labels.index(label) for label in found if label is not None)
