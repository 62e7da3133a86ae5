"""What a metric is, in one entry of the table."""

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
"""What a score is computed over: documents that have one each (the score is their mean), all answers together, all
answers by class, or likelihoods that lm-eval puts together, on a scale of their own."""

PERCENT: Final = (0.0, 100.0)
WRITTEN: Final = "generate_until"
IGNORING: Final = frozenset({"regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"})
"""The options of a metric that say what of written answers it ignores."""


@dataclass(frozen=True)
class MetricSettings:
    """What a task says of a metric."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """What `metric_list` says beside its name: `{ignore_case: true}`."""
    language: str = "en"
    """The language of the references: it decides what a word is."""
    labels: tuple[str, ...] = ()
    """The classes of the task, for metrics of classes."""


@dataclass(frozen=True)
class Resampling:
    """How a score of a corpus follows from sums over documents: that of any draw of them is the score of its sums."""

    counts: Callable[[Sequence[Pair], str], Numbers]
    """(References and answer of each document, tokenizer) -> a row of numbers for each document."""
    score: Callable[[Numbers], Numbers]
    """The score, 0 to 100, of sums of rows; the last axis holds what `counts` has in a row."""


@dataclass(frozen=True)
class MetricDefinition:
    """All that the rest of the program has to know of a metric."""

    name: str
    over: Over = "documents"
    range: tuple[float, float] = PERCENT
    """The least and the most that a value can be, as it is stored and shown."""
    higher_is_better: bool = True
    output_types: frozenset[str] = frozenset({WRITTEN})
    """The kinds of answers that have it."""
    options: frozenset[str] = frozenset()
    """What an entry of `metric_list` may say of it, beside what all may say."""
    aggregation: str = ""
    """lm-eval's name for how documents' values are aggregated; if left out, `mean`, or the metric's own name if it
    scores all answers together."""
    tokenizer: Callable[[str], str] | None = None
    """Language -> how it splits texts into words, for one that does."""
    document_score: Callable[[str, str, MetricSettings], float] | None = None
    """For one of documents: (reference, answer, settings) -> 0 to 1. None: lm-eval computes it, or a program's end."""
    class_score: Callable[[Counts, int | None], Measured] | None = None
    """For one of classes: (how often each class was answered for each class, the positive class if there is one) -> the
    score with its standard error, as a share."""
    score: Callable[[Sequence[Pair], str], float] | None = None
    """For one of a corpus: (references and answer of each document, tokenizer) -> 0 to 100. None: by `resampling`."""
    resampling: Resampling | None = None
    """For one of a corpus: its standard errors and intervals. None: it has none."""
    shortest_full_marks: int = 0
    """Words that some answer needs so that right answers themselves get full marks."""
    runs_programs: bool = False
    """Whether an answer is a program, which is right if its tests run to their end."""

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
        """What its value is multiplied with to be stored and shown: 100 for shares."""
        return 100.0 if self.over in ("documents", "classes") else 1.0

    @property
    def rankable(self) -> bool:
        """Whether it reaches to 100, and more is better."""
        return self.higher_is_better and self.range[1] == PERCENT[1]

    @property
    def together(self) -> bool:
        """Whether it scores all answers together, and none alone."""
        return self.over in ("corpus", "classes")

    @property
    def computed(self) -> bool:
        """Whether written answers are scored here, and neither by lm-eval nor by running them."""
        return self.together or self.document_score is not None

    @property
    def summary(self) -> str:
        """What its values are, in a few words."""
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
