"""The class labels among training answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from suite.training.data.training_set import TrainingSet

MOST = 32
"""A task with more distinct answers than this has no class labels."""


def labels_of(sets: Sequence[TrainingSet]) -> tuple[str, ...]:
    """The distinct answers of each set that has few of them, most frequent first (ties: alphabetical)."""
    labels: list[str] = []
    for each in sets:
        counts = Counter(example.target.strip() for example in each.examples)
        if len(counts) <= MOST:
            labels += sorted(counts, key=lambda label: (-counts[label], label))
    return tuple(dict.fromkeys(labels))
