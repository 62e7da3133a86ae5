"""Metrics that every document has, from 0 to 1, so that a score is their mean; it is shown times 100."""

from __future__ import annotations

from suite.core.metrics import WRITTEN, MetricDefinition, register
from suite.core.words import rouge_tokenizer

IGNORING = frozenset({"regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"})
"""What `exact_match` and `number_match` may be told to ignore, in written answers."""


def _share(name: str, *kinds: str, own: bool = False, options: frozenset[str] = frozenset()) -> MetricDefinition:
    tokenizer = rouge_tokenizer if name.startswith("rouge") else None
    return MetricDefinition(
        name, factor=100.0, output_types=frozenset(kinds), own=own, options=options, tokenizer=tokenizer
    )


register(
    *(_share(name, "multiple_choice") for name in ("acc_norm", "acc_bytes", "acc_mutual_info")),
    _share("acc", "multiple_choice", "loglikelihood"),
    _share("exact_match", WRITTEN, "multiple_choice", options=IGNORING),
    _share("number_match", WRITTEN, own=True, options=IGNORING),
    *(
        _share(name, WRITTEN, own=True)
        for name in ("accuracy", "normalised_match", "rouge1", "rouge2", "rougeL", "pass@1", "math_equal")
    ),
)
