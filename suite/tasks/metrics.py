"""The paper's metrics, where lm-eval has none that fits; importing this module registers them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import lm_eval.api.metrics  # noqa: F401  (registers the aggregations that are named below)
from lm_eval.api.registry import register_metric

from suite.tasks.latex import last_boxed, same
from suite.tasks.text import normalised


@register_metric(metric="accuracy", higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def accuracy(references: Sequence[str], predictions: Sequence[str], **_: Any) -> float:
    """1 if the prediction is the reference, letter by letter."""
    return float(predictions[0] == references[0])


@register_metric(metric="normalised_match", higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def normalised_match(references: Sequence[str], predictions: Sequence[str], **_: Any) -> float:
    """1 if both are equal but for case, punctuation and articles; an answer of nothing else never matches."""
    said = normalised(predictions[0])
    return float(bool(said) and said == normalised(references[0]))


@register_metric(metric="rouge2", higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def rouge2(references: Sequence[str], predictions: Sequence[str], **_: Any) -> float:
    """ROUGE-2 F of one summary, from 0 to 1."""
    return float(_scorer().score(references[0], predictions[0])["rouge2"].fmeasure)


@register_metric(metric="pass@1", higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def pass_at_1(references: Sequence[str], predictions: Sequence[str], **_: Any) -> float:
    """1 if the program of `metadata.program` runs to its end; it needs the whole document (`LoadedTask`)."""
    raise NotImplementedError


@register_metric(metric="math_equal", higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def math_equal(references: Sequence[str], predictions: Sequence[str], **_: Any) -> float:
    """1 if the prediction is what the reference has in its last box (or is), but for the way it is written."""
    right = last_boxed(references[0])
    return float(same(predictions[0], references[0] if right is None else right))


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge2"], use_stemmer=False)
