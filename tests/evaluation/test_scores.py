"""Scores: lm-eval's own, to the digit, and answers from which they can be computed again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lm_eval.evaluator
import pytest
import sacrebleu
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from suite.core.metrics.bleu import RESAMPLING, bleu, bleu_counts
from suite.evaluation import lm as lm_module
from suite.evaluation import stderr
from suite.evaluation.evaluate import EvaluationResult, evaluate
from suite.evaluation.lm import StackLM
from suite.inference.decode import Completion
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.identity import told
from suite.tasks.load import load_task, selection_task
from tests.evaluation.tiny import RAGGED, MakeTask, llama

SPECS = Path(__file__).parents[2] / "specs" / "tasks"
MICRO_LLAMA = Path(__file__).parents[2] / "suite" / "micro" / "models" / "micro-llama"

GENERATED = """\
doc_to_text: "Q: {{question}} A:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n", "Q"], max_gen_toks: 6}
"""
QA = (
    GENERATED
    + """\
filter_list: [{name: answer, filter: [{function: cut_answer, prefix: "Q:"}, {function: take_first}]}]
metric_list: [{metric: normalised_match, aggregation: mean, higher_is_better: true}]
"""
)
LABELS = (
    GENERATED
    + """\
filter_list:
  - {name: label, filter: [{function: first_label, labels: ["True", "False"]}, {function: take_first}]}
metric_list: [{metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {labels: ["True", "False"], kind: entailment}
"""
)
BLEU = GENERATED + "metric_list: [{metric: bleu, aggregation: bleu, higher_is_better: true}]\n"
CHOICE = """\
output_type: multiple_choice
doc_to_text: "Q: {{question}} A:"
doc_to_choice: ["yes", "no, never", "n", "why not ask"]
doc_to_target: "{{choice}}"
"""
DOCS = [{"question": text, "answer": "red fox", "choice": number % 4} for number, text in enumerate(RAGGED)]
TRAIN = [{"question": f"number {number}", "answer": f"{number} dogs", "choice": 1} for number in range(5)]


@pytest.fixture(autouse=True)
def _no_warnings_of_lm_eval() -> Iterator[None]:
    logger = logging.getLogger("lm_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


def theirs(backbone: Backbone, task: Any, max_length: int = 512) -> tuple[dict[str, float], list[Any]]:
    """The scores and raw answers of lm-eval's own HFLM."""
    if backbone.shape == "encoder-decoder" and task.config.generation_kwargs:
        # HFLM lets a decoder write as much as the encoder reads, on top of the limit
        task.config.generation_kwargs["max_length"] = task.config.generation_kwargs["max_gen_toks"] + 1
    hflm = HFLM(pretrained=backbone.model, tokenizer=backbone.tokenizer, batch_size=3, max_length=max_length)
    found = lm_eval.evaluator.evaluate(hflm, {"tasks": {"tiny": task}}, bootstrap_iters=0)
    scores = {key: value for key, value in found["results"]["tiny"].items() if "," in key and "stderr" not in key}
    return scores, [sample["resps"] for sample in found["samples"]["tiny"]]


@pytest.mark.parametrize(("text", "factor"), [(QA, 100), (LABELS, 100), (BLEU, 1)])
@pytest.mark.parametrize("shots", [0, 2])
def test_generated_answers_and_scores_are_lm_evals(
    backbone: Backbone, make_task: MakeTask, text: str, factor: int, shots: int
) -> None:
    task = load_task(*make_task(text, DOCS, TRAIN), shots=shots)
    ours = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=300)
    scores, answers = theirs(backbone, task)
    assert [answer.output for answer in ours.answers] == [answer[0][0] for answer in answers]
    assert [score.value for score in ours.scores] == [value * factor for value in scores.values()]


def test_prompts_that_are_too_long_are_cut_as_lm_eval_cuts_them(backbone: Backbone, make_task: MakeTask) -> None:
    task = load_task(*make_task(QA, DOCS, TRAIN), shots=2)
    ours = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=300, max_length=64)
    _, answers = theirs(backbone, task, max_length=64)
    if backbone.shape == "decoder":  # HFLM cuts the padded batch, which loses an encoder's short prompts
        assert [answer.output for answer in ours.answers] == [answer[0][0] for answer in answers]
    assert ours.truncated == sum(answer.truncated for answer in ours.answers) > 0


def test_scored_choices_are_lm_evals(backbone: Backbone, make_task: MakeTask) -> None:
    task = load_task(*make_task(CHOICE, DOCS, TRAIN), shots=1)
    ours = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=200)
    scores, answers = theirs(backbone, task)
    assert {score.metric: score.value for score in ours.scores} == {
        key.partition(",")[0]: value * 100 for key, value in scores.items()
    }
    for answer, right in zip(ours.answers, answers, strict=True):
        assert json.loads(answer.output) == pytest.approx([each[0][0] for each in right], rel=1e-5, abs=1e-4)
        assert answer.target in ("yes", "no, never", "n", "why not ask")
        assert answer.value == (100.0 if answer.parsed == answer.target else 0.0)


def test_likelihoods_of_whole_texts_are_lm_evals_in_windows_too(backbone: Backbone) -> None:
    requests = [Instance("loglikelihood_rolling", {}, (text,), 0) for text in RAGGED]
    hflm = HFLM(pretrained=backbone.model, tokenizer=backbone.tokenizer, batch_size=3, max_length=20)
    ours = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=100, max_length=20)
    assert ours.loglikelihood_rolling(requests) == pytest.approx(hflm.loglikelihood_rolling(requests, True), abs=1e-3)


def test_likelihoods_and_greediness_are_lm_evals_with_long_contexts(backbone: Backbone) -> None:
    requests = [Instance("loglikelihood", {}, (text, end), 0) for text in RAGGED for end in (" yes", "o", " or not")]
    hflm = HFLM(pretrained=backbone.model, tokenizer=backbone.tokenizer, batch_size=3, max_length=24)
    ours = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=100, max_length=24)
    for (value, is_greedy), (right, also) in zip(
        ours.loglikelihood(requests), hflm.loglikelihood(requests, True), strict=True
    ):
        assert value == pytest.approx(right, rel=1e-5, abs=1e-4)
        assert is_greedy == also


@pytest.mark.skipif(not (MICRO_LLAMA / "config.json").is_file(), reason="the bundled model is not there")
@pytest.mark.parametrize("name", ["micro_cb", "micro_triviaqa", "micro_wmt16_ende"])
def test_scores_of_the_bundled_model_are_lm_evals(name: str) -> None:
    from suite.models.backbone import load_backbone
    from suite.models.source import ModelSource, locate

    backbone = load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")
    task = load_task(read_task(name, [SPECS]), DataLocations(), shots=1, limit=24)
    ours = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=2000)
    scores, answers = theirs(backbone, task, backbone.max_length)
    assert [answer.output for answer in ours.answers] == [answer[0][0] for answer in answers]
    (value,) = scores.values()
    assert ours.primary.value == min(
        value * (1 if "wmt" in name else 100), 100.0
    )  # lm-eval's may be 100.00000000000004


def said(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask, text: str, pairs: Sequence[tuple[Any, str]]
) -> EvaluationResult:
    """The result for documents whose right answers and outputs are given."""
    backbone = llama()
    docs = [{"question": f"number {place}", "answer": right} for place, (right, _) in enumerate(pairs)]
    outputs = {f"Q: number {place} A:": output for place, (_, output) in enumerate(pairs)}

    def answers(stack: Any, batch: Any, **_: Any) -> list[Completion]:
        return [Completion(backbone.tokenizer.encode(outputs[backbone.tokenizer.decode(prompt)])) for prompt in batch]

    monkeypatch.setattr(lm_module, "decode", answers)
    return evaluate(AdaptedModel(backbone, backbone.model), load_task(*make_task(text, docs)), batch_tokens=1000)


def test_labels_are_read_and_unparsable_answers_are_wrong_and_counted(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask
) -> None:
    pairs = [("True", " true."), ("True", " False"), ("False", "'FALSE', no"), ("True", " it is True"), ("False", "")]
    result = said(monkeypatch, make_task, LABELS, pairs)
    assert [answer.parsed for answer in result.answers] == ["True", "False", "False", "[invalid]", "[invalid]"]
    assert [answer.value for answer in result.answers] == [100, 0, 100, 0, 0]
    assert (result.primary.value, result.primary.n, result.unparsable) == (40.0, 5, 2)
    assert result.primary.stderr == pytest.approx(100 * (0.24 * 5 / 4) ** 0.5 / 5**0.5)


def test_answers_are_cut_and_matched(monkeypatch: pytest.MonkeyPatch, make_task: MakeTask) -> None:
    pairs = [
        ("the River", " river!\n\nQ: and"),
        ("fox", " fox Q: dog A: fox"),
        ("dog", " the dogs"),
        (["a", "The B"], " b."),
    ]
    result = said(monkeypatch, make_task, QA, pairs)
    assert [answer.parsed for answer in result.answers] == ["river!", "fox", "the dogs", "b."]
    assert [answer.value for answer in result.answers] == [100, 100, 0, 100]
    assert result.answers[0].output == " river!"
    assert result.answers[3].target == '["a", "The B"]'
    first = result.answers[0]
    assert (first.doc_id, first.question, first.target) == (0, "Q: number 0 A:", "the River")
    assert first.doc_hash == told("Q: number 0 A:", ["the River"]).document


def test_bleu_is_of_the_corpus_and_has_a_stderr(monkeypatch: pytest.MonkeyPatch, make_task: MakeTask) -> None:
    text = BLEU.replace(', "Q"', "")
    pairs = [
        ("the red fox sees a dog .", "the red fox sees the dog ."),
        ("here is one cat now .", "here is one cat now ."),
        ("no", ""),
    ]
    result = said(monkeypatch, make_task, text, pairs)
    whole = sacrebleu.corpus_bleu([output for _, output in pairs], [[right for right, _ in pairs]]).score
    assert result.primary.value == whole > 30
    assert [answer.value for answer in result.answers] == [None] * 3
    assert result.primary.stderr is not None
    assert 0 < result.primary.stderr == stderr.of_corpus(RESAMPLING, pairs)


def test_the_bootstrap_of_bleu_adds_up_counts() -> None:
    pairs = [(f"the red fox number {place} sees a dog", f"the fox number {place} saw a dog") for place in range(9)]
    whole = sacrebleu.corpus_bleu([output for _, output in pairs], [[right for right, _ in pairs]]).score
    assert bleu(bleu_counts(pairs).sum(axis=0)) == pytest.approx(whole, abs=1e-9)
    assert stderr.of_corpus(RESAMPLING, pairs[:1]) is None
    assert stderr.of_mean([1.0]) is None


def test_all_pipelines_are_reported_and_the_first_ranks(monkeypatch: pytest.MonkeyPatch, make_task: MakeTask) -> None:
    both = QA.replace("filter_list: [", "filter_list: [{name: raw, filter: [{function: take_first}]}, ")
    result = said(monkeypatch, make_task, both, [("fox", " fox Q: no")])
    assert [(score.metric, score.value, score.primary) for score in result.scores] == [
        ("normalised_match,raw", 100.0, True),
        ("normalised_match,answer", 100.0, False),
    ]
    assert len(result.answers) == 1


def test_a_selection_scores_other_rows_with_the_tasks_own_metric(make_task: MakeTask) -> None:
    file, locations = make_task(QA, DOCS, TRAIN)
    backbone = llama()
    task = selection_task(file, locations, TRAIN[:3])
    result = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=1000)
    assert [answer.question for answer in result.answers] == [f"Q: number {place} A:" for place in range(3)]
    assert result == evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=1000) or result.seconds > 0
    assert result.tokens > 0
