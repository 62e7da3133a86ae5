"""Equality of texts or numbers, except for differences that the options ignore."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from suite.core.comparison import symbols_agree, without_punctuation
from suite.core.metrics import IGNORING, WRITTEN, MetricDefinition, MetricSettings, register
from suite.core.numbers import same_number


def exact_match(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if both texts are equal, except for surrounding white space and what the options ignore.

    A completely ignored reference equals nothing, so that the gold check reports it.
    """
    return float(_same_text(reference, answer, settings.options))


def number_match(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if both are the same number in any notation, or the same text; options as for `exact_match`."""
    if _same_text(reference, answer, settings.options):
        return 1.0
    options = settings.options
    return float(same_number(_with_punctuation(answer, options), _with_punctuation(reference, options)))


def accuracy(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if the answer equals the reference, except for surrounding white space."""
    return float(answer.strip() == reference.strip())


def _same_text(reference: str, answer: str, options: Mapping[str, Any]) -> bool:
    """Whether two texts are equal after removing ignored parts, and not empty."""
    remaining = _reduced(reference, options)
    if not remaining or _reduced(answer, options) != remaining:
        return False
    if not options.get("ignore_punctuation"):
        return True
    return symbols_agree(_with_punctuation(answer, options), _with_punctuation(reference, options))


def _with_punctuation(text: str, options: Mapping[str, Any]) -> str:
    """A text without ignored parts other than punctuation."""
    return _reduced(text, {**options, "ignore_punctuation": False})


def _reduced(text: str, options: Mapping[str, Any]) -> str:
    """A text without ignored parts, removed in the order of lm-eval's `exact_match`."""
    for pattern in options.get("regexes_to_ignore") or ():
        text = re.sub(pattern, "", text)
    if options.get("ignore_case"):
        text = text.lower()
    if options.get("ignore_punctuation"):
        text = without_punctuation(text)
    if options.get("ignore_numbers"):
        text = text.translate(str.maketrans("", "", string.digits))
    return text.strip()


register(
    MetricDefinition(
        "exact_match", output_types=frozenset({WRITTEN, "multiple_choice"}), options=IGNORING,
        document_score=exact_match,
    ),
    MetricDefinition("number_match", options=IGNORING, document_score=number_match),
    MetricDefinition("accuracy", document_score=accuracy),
)  # fmt: skip
