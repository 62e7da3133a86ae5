"""What a metric is, in one entry of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from suite.core.corpus import Pair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
else:  # a plan reads this table, and needs no arrays
    Numbers = Any

Over = Literal["documents", "corpus", "classes", "likelihoods"]
"""What a score is computed over: documents that have one each (the score is their mean), all answers together, all
answers by class, or likelihoods that lm-eval puts together, on a scale of their own."""

PERCENT: Final = (0.0, 100.0)
WRITTEN: Final = "generate_until"


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
    factor: float = 1.0
    """What lm-eval's value is multiplied with to be stored and shown: 100 for shares."""
    higher_is_better: bool = True
    output_types: frozenset[str] = frozenset()
    """The kinds of answers that have it."""
    own: bool = False
    """Whether lm-eval does not know it."""
    options: frozenset[str] = frozenset()
    """What an entry of `metric_list` may say of it, beside what all may say."""
    aggregation: str = "mean"
    """lm-eval's name for how the values of documents are put together."""
    tokenizer: Callable[[str], str] | None = None
    """Language -> how it splits texts into words, for one that does."""
    score: Callable[[Sequence[Pair], str], float] | None = None
    """For one of a corpus: (references and answer of each document, tokenizer) -> 0 to 100. None: by `resampling`."""
    resampling: Resampling | None = None
    """For one of a corpus: its standard errors and intervals. None: it has none."""
    shortest_full_marks: int = 0
    """Words that some answer needs so that right answers themselves get full marks."""

    def __post_init__(self) -> None:
        if (self.over == "corpus") != (self.score is not None or self.resampling is not None):
            raise ValueError(f"the metric '{self.name}': one of a corpus needs `score` or `resampling`, no other does")

    @property
    def rankable(self) -> bool:
        """Whether it reaches to 100, and more is better."""
        return self.higher_is_better and self.range[1] == PERCENT[1]

    @property
    def together(self) -> bool:
        """Whether it scores all answers together, and none alone."""
        return self.over in ("corpus", "classes")

    def corpus_score(self, pairs: Sequence[Pair], tokenizer: str) -> float:
        """The score of all answers, as it is stored."""
        if self.score is not None:
            return self.score(pairs, tokenizer)
        assert self.resampling is not None
        return min(
            max(float(self.resampling.score(self.resampling.counts(pairs, tokenizer).sum(axis=0))), self.range[0]),
            self.range[1],
        )
