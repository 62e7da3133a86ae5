"""How hard each document is: what all rows scored on it, summed up while their answers pass by once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard.view.urls import TrackUrls
from suite.results.store import ResultsReader


@dataclass
class DocumentDifficulty:
    """What all rows scored on each document of a task, summed up as they pass by."""

    step: str
    """A step that answered them all, for their texts."""
    sums: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, scores: Iterable[tuple[int, float]]) -> None:
        """Take up one step's scores by document."""
        for number, value in scores:
            self.sums[number] = self.sums.get(number, 0.0) + value
            self.counts[number] = self.counts.get(number, 0) + 1


@dataclass
class AnswerPass:
    """What is remembered while all rows' answers pass by once."""

    written: set[str] = field(default_factory=set)
    """Chunks that are written, over all tracks."""
    counted: set[tuple[str, str, int, str]] = field(default_factory=set)
    """(track, role, shots, step) that `difficulty` has taken up: shared steps count once."""
    difficulty: dict[tuple[str, str, int], dict[str, DocumentDifficulty]] = field(default_factory=dict)
    """(track, role, shots) -> the documents' key -> how hard they are."""


def recall(store: ResultsReader, answer_pass: AnswerPass, urls: TrackUrls, answered: Sequence[Sequence[Any]]) -> None:
    """Take up the scores of a row whose files are taken from the cache; `asked` is what the cache has of it."""
    scores = store.values([step for _, _, step, _ in answered])
    for role, shots, step, documents in answered:
        pairs = zip(*(column.tolist() for column in scores[step]), strict=True) if step in scores else ()
        remember(answer_pass, (urls.slug, role, shots), step, documents, pairs)


def remember(
    answer_pass: AnswerPass, key: tuple[str, str, int], step: str, documents: str, scores: Iterable[tuple[int, float]]
) -> None:
    """Take up what a step scored on the documents of a task, once."""
    if (*key, step) not in answer_pass.counted:
        answer_pass.counted.add((*key, step))
        answer_pass.difficulty.setdefault(key, {}).setdefault(documents, DocumentDifficulty(step)).add(scores)
