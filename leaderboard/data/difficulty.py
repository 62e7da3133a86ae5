"""How hard each document is: what all rows scored on it, summed up while their answers pass by once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard.view.urls import Place
from suite.store import Store


@dataclass
class Hardness:
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
class Passing:
    """What is remembered while all rows' answers pass by once."""

    written: set[str] = field(default_factory=set)
    """Chunks that are written, over all tracks."""
    seen: set[tuple[str, str, int, str]] = field(default_factory=set)
    """(track, role, shots, step) that hardness has taken up: shared steps count once."""
    hardness: dict[tuple[str, str, int], dict[str, Hardness]] = field(default_factory=dict)
    """(track, role, shots) -> the documents' key -> how hard they are."""


def recall(store: Store, passing: Passing, place: Place, asked: Sequence[Sequence[Any]]) -> None:
    """Take up the scores of a row whose files are kept; `asked` is what was kept of it."""
    scores = store.values([step for _, _, step, _ in asked])
    for role, shots, step, documents in asked:
        pairs = zip(*(each.tolist() for each in scores[step]), strict=True) if step in scores else ()
        remember(passing, (place.slug, role, shots), step, documents, pairs)


def remember(
    passing: Passing, key: tuple[str, str, int], step: str, documents: str, scores: Iterable[tuple[int, float]]
) -> None:
    """Take up what a step scored on the documents of a task, once."""
    if (*key, step) not in passing.seen:
        passing.seen.add((*key, step))
        passing.hardness.setdefault(key, {}).setdefault(documents, Hardness(step)).add(scores)
