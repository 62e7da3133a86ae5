"""Metrics of all answers, counted again from records."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sacrebleu.metrics

from suite.core.metrics import metrics
from suite.results.records import corpora


@pytest.mark.parametrize(("metric", "name", "options"), [
    ("bleu", "BLEU", {}), ("chrf", "CHRF", {}), ("chrf++", "CHRF", {"word_order": 2}), ("ter", "TER", {}),
])  # fmt: skip
def test_corpus_metrics_are_lm_evals(metric: str, name: str, options: dict[str, Any]) -> None:
    right = [["the old cat sat", "an old cat was sitting"], ["a dog ran in paris", "the dog ran"]]
    said = ["the cat sat down", "a dog ran in paris now"]
    theirs = getattr(sacrebleu.metrics, name)(**options).corpus_score
    one = [(each[0], text) for each, text in zip(right, said, strict=True)]
    assert corpora.scores_of(metrics()[metric], one, "13a") == [
        pytest.approx(theirs(said, [[each[0] for each in right]]).score)
    ]
    several = [(json.dumps(each), text) for each, text in zip(right, said, strict=True)]
    streams = [list(each) for each in zip(*right, strict=True)]
    assert corpora.scores_of(metrics()[metric], several, "13a")[1] == pytest.approx(theirs(said, streams).score)
