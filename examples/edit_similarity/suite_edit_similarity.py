"""Edit similarity: 1 less the share of characters that have to be edited to make the reference of an answer."""

from __future__ import annotations

from suite.core.metrics import MetricDefinition, MetricSettings


def edit_similarity(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 for equal texts, 0 where no character stays; with the option `ignore_case` case makes no difference."""
    if settings.options.get("ignore_case"):
        reference, answer = reference.lower(), answer.lower()
    longest = max(len(reference), len(answer))
    return 1.0 if longest == 0 else 1 - _edits(reference, answer) / longest


def _edits(reference: str, answer: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(answer) + 1))
    for deleted, wanted in enumerate(reference, 1):
        diagonal, row[0] = row[0], deleted
        for column, given in enumerate(answer, 1):
            changed = diagonal + (wanted != given)
            diagonal, row[column] = row[column], min(changed, row[column] + 1, row[column - 1] + 1)
    return row[-1]


METRIC = MetricDefinition("edit_similarity", options=frozenset({"ignore_case"}), document_score=edit_similarity)
