"""The definition of a metric: one entry of the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from suite.core.corpus import Pair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from suite.core.confusion import Counts, Measured

    Numbers = NDArray[np.float64]

Over = Literal["documents", "corpus", "classes", "likelihoods"]
"""What a score is computed over: documents with a score each (their mean), all answers together, all answers by class,
or likelihoods that lm-eval aggregates, on their own scale."""

PERCENT: Final = (0.0, 100.0)
WRITTEN: Final = "generate_until"
IGNORING: Final = frozenset({"regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"})
"""Options of a metric that name what it ignores in written answers."""


@dataclass(frozen=True)
class MetricSettings:
    """A task's settings of a metric."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """The entry of `metric_list` without the name: `{ignore_case: true}`."""
    language: str = "en"
    """Language of the references; it decides how texts are split into words."""
    labels: tuple[str, ...] = ()
    """The task's classes, for metrics of classes."""


@dataclass(frozen=True)
class Resampling:
    """How a corpus score follows from sums over documents, so that a resample's score is computed from its sums."""

    counts: Callable[[Sequence[Pair], str], Numbers]
    """(References and answer of each document, tokenizer) -> a row of numbers for each document."""
    score: Callable[[Numbers], Numbers]
    """The score (0 to 100) of summed rows; the last axis has the numbers of one row."""


@dataclass(frozen=True)
class MetricDefinition:
    """Everything that the rest of the program needs to know about a metric."""

    name: str
    over: Over = "documents"
    range: tuple[float, float] = PERCENT
    """Minimum and maximum of a value, as it is stored and shown."""
    higher_is_better: bool = True
    output_types: frozenset[str] = frozenset({WRITTEN})
    """The output types that can use it."""
    options: frozenset[str] = frozenset()
    """Its options in `metric_list`, besides those that all metrics have."""
    aggregation: str = ""
    """lm-eval's name for how documents' values are aggregated; if left out, `mean`, or the metric's own name if it
    scores all answers together."""
    tokenizer: Callable[[str], str] | None = None
    """Language -> name of the tokenizer that splits texts into words; None if the metric does not use words."""
    document_score: Callable[[str, str, MetricSettings], float] | None = None
    """For a metric of documents: (reference, answer, settings) -> 0 to 1. None: computed by lm-eval, or by running
    programs."""
    class_score: Callable[[Counts, int | None], Measured] | None = None
    """For a metric of classes: (confusion matrix, index of the positive class or None) -> the score with its standard
    error, as a share."""
    score: Callable[[Sequence[Pair], str], float] | None = None
    """For a metric of a corpus: (references and answer of each document, tokenizer) -> 0 to 100. None: by
    `resampling`."""
    resampling: Resampling | None = None
    """For a metric of a corpus: how its standard errors and intervals are computed. None: it has none."""
    shortest_full_marks: int = 0
    """Number of words that some answer needs for right answers to get full marks."""
    runs_programs: bool = False
    """Whether an answer is a program, which is right if its tests pass."""

    def __post_init__(self) -> None:
        if not self.aggregation:
            object.__setattr__(self, "aggregation", self.name if self.together else "mean")
        for over, given, what in (
            ("corpus", self.score or self.resampling, "needs `score` or `resampling`"),
            ("classes", self.class_score, "needs `class_score`"),
        ):
            if (self.over == over) != (given is not None):
                article = "a " if over == "corpus" else ""
                raise ValueError(f"the metric '{self.name}': one of {article}{over} {what}, no other does")
        if self.document_score is not None and self.over != "documents":
            raise ValueError(f"the metric '{self.name}': one of documents has `document_score`, no other does")

    @property
    def factor(self) -> float:
        """Factor from computed to stored values: 100 for shares."""
        return 100.0 if self.over in ("documents", "classes") else 1.0

    @property
    def rankable(self) -> bool:
        """Whether its maximum is 100 and more is better."""
        return self.higher_is_better and self.range[1] == PERCENT[1]

    @property
    def together(self) -> bool:
        """Whether it scores all answers together and none separately."""
        return self.over in ("corpus", "classes")

    @property
    def computed(self) -> bool:
        """Whether written answers are scored here, not by lm-eval or by running programs."""
        return self.together or self.document_score is not None

    @property
    def summary(self) -> str:
        """A short description of its values."""
        (low, high), over = self.range, "a corpus" if self.over == "corpus" else self.over
        scale = f"from {low:g} to {high:g}" if high < math.inf else f"from {low:g}" if low > -math.inf else "any number"
        return f"of {over}, {scale}{'' if self.higher_is_better else ', lower is better'}"

    def corpus_score(self, pairs: Sequence[Pair], tokenizer: str) -> float:
        """The score of all answers, as it is stored."""
        if self.score is not None:
            return self.score(pairs, tokenizer)
        assert self.resampling is not None
        return min(
            max(float(self.resampling.score(self.resampling.counts(pairs, tokenizer).sum(axis=0))), self.range[0]),
            self.range[1],
        )
