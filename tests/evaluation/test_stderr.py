"""Stored scores: standard errors over different documents, and values that lie on their scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.core.metrics import MetricDefinition
from suite.core.metrics.bleu import RESAMPLING
from suite.evaluation import lm as lm_module
from suite.evaluation import stderr
from suite.evaluation.evaluate import EvaluationResult, evaluate
from suite.inference.decode import Completion
from suite.models.adapted import AdaptedModel
from suite.stats import Clusters
from suite.tasks.load import load_task
from tests.evaluation.test_scores import BLEU, LABELS
from tests.evaluation.tiny import MakeTask, llama

F1 = LABELS.replace("metric: accuracy, aggregation: mean", "metric: mcc, aggregation: matthews_corrcoef")
PAIRS = [("True", " True"), ("True", " False"), ("False", " False"), ("False", " False"), ("False", " True")]
SENTENCES = [
    ("the red fox sees a dog .", "the red fox sees a cat ."),
    ("here is one cat now .", "here is one cat there ."),
]


def result(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask, text: str, pairs: Sequence[tuple[str, str]], times: int
) -> EvaluationResult:
    """That of documents with these right answers and outputs, all of them several times."""
    backbone = llama()
    docs = [{"question": f"number {place}", "answer": right} for place, (right, _) in enumerate(pairs)] * times
    outputs = {f"Q: number {place} A:": output for place, (_, output) in enumerate(pairs)}

    def answers(stack: Any, batch: Any, **_: Any) -> list[Completion]:
        return [Completion(backbone.tokenizer.encode(outputs[backbone.tokenizer.decode(prompt)])) for prompt in batch]

    monkeypatch.setattr(lm_module, "decode", answers)
    return evaluate(AdaptedModel(backbone, backbone.model), load_task(*make_task(text, docs)), batch_tokens=1000)


@pytest.mark.parametrize(
    ("text", "pairs"), [(LABELS, PAIRS), (F1, PAIRS), (BLEU, SENTENCES)], ids=["mean", "mcc", "bleu"]
)
def test_four_times_the_same_documents_have_the_standard_error_of_once(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask, text: str, pairs: Sequence[tuple[str, str]]
) -> None:
    once, four = (result(monkeypatch, make_task, text, pairs, times).primary for times in (1, 4))
    assert four.value == pytest.approx(once.value)
    assert (once.n, four.n) == (len(pairs), 4 * len(pairs))
    assert once.stderr is not None
    assert four.stderr == pytest.approx(once.stderr)


def test_one_document_many_times_has_no_standard_error(monkeypatch: pytest.MonkeyPatch, make_task: MakeTask) -> None:
    assert result(monkeypatch, make_task, LABELS, PAIRS[:1], 6).primary.stderr is None
    assert stderr.of_corpus(RESAMPLING, SENTENCES[:1] * 6, same=Clusters.of("aaaaaa")) is None
    assert stderr.inflated(0.1, 6, Clusters.of("aaaaaa")) is None


def test_bleu_of_right_answers_is_100_and_not_the_number_above(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask
) -> None:
    right = [(sentence, sentence) for sentence in ("the red fox sees a dog .", "here is one cat now .", "a b c d e")]
    assert result(monkeypatch, make_task, BLEU, right, 1).primary.value == 100.0


def test_a_value_that_no_metric_gives_is_an_error(monkeypatch: pytest.MonkeyPatch, make_task: MakeTask) -> None:
    monkeypatch.setattr(MetricDefinition, "factor", 300.0)
    with pytest.raises(SuiteError, match="'accuracy' of task 'tiny' came to 180, outside 0 to 100"):
        result(monkeypatch, make_task, LABELS, PAIRS, 1)
