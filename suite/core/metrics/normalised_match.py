"""TriviaQA's match: equal texts, ignoring case, punctuation and articles."""

from __future__ import annotations

from suite.core.comparison import normalised, symbols_agree
from suite.core.metrics import MetricDefinition, MetricSettings, register


def normalised_match(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if both are equal, ignoring case, punctuation and articles; these count if the reference consists only of
    them."""
    remaining = normalised(reference)
    if not remaining:
        return float(answer.strip().lower() == reference.strip().lower())
    return float(normalised(answer) == remaining and symbols_agree(answer, reference))


register(MetricDefinition("normalised_match", document_score=normalised_match))
