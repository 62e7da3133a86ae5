"""Metrics of classes and Python metrics through a whole evaluation, with answers that are given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks.super_glue.cb.aggregate import cb_multi_fi

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task
from tests.evaluation.tiny import MakeTask

sklearn = pytest.importorskip("sklearn.metrics")
LABELS = ["half-true", "mostly true", "pants on fire"]
TASK = """\
doc_to_text: "{{text}}"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list:
  - {name: label, filter: [{function: first_label, labels: ["half-true", "mostly true", "pants on fire"]},
                           {function: take_first}]}
metric_list: [{metric: METRIC}, {metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {kind: classification, labels: ["half-true", "mostly true", "pants on fire"]}
"""
SAID = [("half-true", "half-true."), ("half-true", "Pants on fire!"), ("mostly true", "mostly true, I think"),
        ("pants on fire", "I do not know"), ("pants on fire", "pants on fire")]  # fmt: skip
CLOSE = "def close(references, answer):\n    return len(set(answer) & set(references[0])) / len(set(references[0]))\n"


class Scripted(LM):  # type: ignore[misc]
    """Answers as they are given."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.truncated: set[str] = set()
        self.tokens = 0

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        return self.answers

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
        return [(-float(len(request.args[1]) % 7), False) for request in requests]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any:
        raise NotImplementedError


def evaluated(make_task: MakeTask, metric: str, text: str = TASK) -> EvaluationResult:
    docs = [{"text": f"document {number}", "label": label} for number, (label, _) in enumerate(SAID)]
    task = load_task(*make_task(text.replace("METRIC", metric), docs))
    return evaluate_with(Scripted([said for _, said in SAID]), task)


@pytest.mark.parametrize("metric", ["f1", "mcc", "f1, pos_label: pants on fire"])
def test_metrics_of_classes_score_text_labels_together(make_task: MakeTask, metric: str) -> None:
    found = evaluated(make_task, metric)
    right = [label for label, _ in SAID]
    said = ["half-true", "pants on fire", "mostly true", "[invalid]", "pants on fire"]
    wanted = {
        "f1": sklearn.f1_score(right, said, labels=LABELS, average="macro", zero_division=0),
        "mcc": sklearn.matthews_corrcoef(right, said),
        "f1, pos_label: pants on fire": sklearn.f1_score(right, said, labels=LABELS[2:], average="macro"),
    }
    assert found.primary.metric == metric.partition(",")[0]
    assert found.primary.value == pytest.approx(100 * wanted[metric])
    assert found.primary.stderr is not None
    assert [answer.value for answer in found.answers] == [None] * len(SAID)
    assert found.unparsable == 1
    assert next(score for score in found.scores if score.metric == "accuracy").value == 60.0


def test_f1_of_choices_is_lm_evals(make_task: MakeTask) -> None:
    text = """\
output_type: multiple_choice
doc_to_text: "{{text}}"
doc_to_choice: ["no", "yes it is so"]
doc_to_target: "{{place}}"
metric_list: [{metric: f1}, {metric: mcc}]
metadata: {kind: classification}
"""
    docs = [{"text": f"document {number}", "place": number % 2} for number in range(5)]
    found = evaluate_with(Scripted([]), load_task(*make_task(text, docs)))
    said = [("no", "yes it is so").index(answer.parsed) for answer in found.answers]
    assert found.primary.value == pytest.approx(100 * sklearn.f1_score([0, 1, 0, 1, 0], said))


def test_a_task_of_lm_evals_keeps_its_own_way_to_put_f1_together(tmp_path: Path) -> None:
    docs = [{"premise": f"p{number}", "hypothesis": "h", "label": number % 3} for number in range(6)]
    (tmp_path / "cb").mkdir()
    (tmp_path / "cb" / "validation.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "cb" / "train.jsonl").write_text(json.dumps(docs[0]) + "\n")
    task = load_task(read_task("cb", []), DataLocations.of(tmp_path))
    found = evaluate_with(Scripted([]), task)
    said = [("True", "False", "Neither").index(answer.parsed) for answer in found.answers]
    wanted = cb_multi_fi([(said[number], doc["label"]) for number, doc in enumerate(docs)])
    assert next(score for score in found.scores if score.metric == "f1").value == pytest.approx(100 * wanted)


def test_a_python_metric_is_stored_for_each_document_and_its_mean_has_a_standard_error(
    make_task: MakeTask, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(CLOSE)
    found = evaluated(make_task, '"mine:close"')
    assert (found.primary.metric, found.primary.n) == ("mine:close", 5)
    values = [answer.value for answer in found.answers]
    assert values[:3] == [100.0, pytest.approx(100 * 5 / 9), 100.0]
    assert found.primary.value == pytest.approx(sum(value or 0.0 for value in values) / 5)
    assert found.primary.stderr is not None


def test_a_python_metric_that_fails_names_its_line_the_row_and_the_answer(make_task: MakeTask, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def close(references, answer):\n    return {'half-true': 1}[answer]\n")
    with pytest.raises(SuiteError) as caught:
        evaluated(make_task, '"mine:close"')
    (line,) = str(caught.value).splitlines()
    place = tmp_path / "tiny" / "test.jsonl"
    assert f"mine.py:2: metric 'mine:close' fails (KeyError: 'pants on fire'), on {place}:2" in line
    assert "with the answer 'pants on fire'" in line
