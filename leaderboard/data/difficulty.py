"""How hard each document is: the sum of all rows' scores on it, collected in one pass over the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard.view.urls import TrackUrls
from suite.results.store import ResultsReader


@dataclass
class DocumentDifficulty:
    """Sums and counts of all rows' scores on each document of a task."""

    step: str
    """A step that answered all of these documents; their texts are read from it."""
    sums: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, scores: Iterable[tuple[int, float]]) -> None:
        """Add one step's (document, score) pairs."""
        for number, value in scores:
            self.sums[number] = self.sums.get(number, 0.0) + value
            self.counts[number] = self.counts.get(number, 0) + 1


@dataclass
class AnswerPass:
    """State that is kept during the one pass over all rows' answers."""

    written: set[str] = field(default_factory=set)
    """Names of chunks that are written, over all tracks."""
    counted: set[tuple[str, str, int, str]] = field(default_factory=set)
    """(track, role, shots, step) that `difficulty` already includes: a shared step counts once."""
    difficulty: dict[tuple[str, str, int], dict[str, DocumentDifficulty]] = field(default_factory=dict)
    """(track, role, shots) -> hash of the document set -> its difficulty."""


def recall(store: ResultsReader, answer_pass: AnswerPass, urls: TrackUrls, answered: Sequence[Sequence[Any]]) -> None:
    """Add the scores of a row whose files come from the cache.

    `answered` is the cache's list of (role, shots, step, document set).
    """
    scores = store.values([step for _, _, step, _ in answered])
    for role, shots, step, documents in answered:
        pairs = zip(*(column.tolist() for column in scores[step]), strict=True) if step in scores else ()
        remember(answer_pass, (urls.slug, role, shots), step, documents, pairs)


def remember(
    answer_pass: AnswerPass, key: tuple[str, str, int], step: str, documents: str, scores: Iterable[tuple[int, float]]
) -> None:
    """Add a step's scores on the documents of a task, once."""
    if (*key, step) not in answer_pass.counted:
        answer_pass.counted.add((*key, step))
        answer_pass.difficulty.setdefault(key, {}).setdefault(documents, DocumentDifficulty(step)).add(scores)
