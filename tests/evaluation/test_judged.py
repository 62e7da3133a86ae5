"""An evaluation of programs says how many documents could not keep a program apart from its tests."""

from __future__ import annotations

import pytest

from suite.core.diagnostics import JudgedWeaker
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.sandbox import bubblewrap
from suite.tasks.load import load_task
from tests.evaluation.test_classes import Scripted
from tests.evaluation.tiny import MakeTask

pytestmark = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
TASK = """\
doc_to_text: "{{text}}"
doc_to_target: "{{code}}"
generation_kwargs: {until: ["[DONE]"], max_gen_toks: 64}
metric_list: [{metric: "pass@1", aggregation: mean, higher_is_better: true}]
metadata: {kind: code, program: "PROGRAM"}
"""
EQUAL = "class A:\n    def __eq__(self, other): return True\ndef f(x): return A()"
PLAIN = {"text": "twice", "code": "def f(x): return 2 * x", "test": "assert f(2) == 4"}
OBJECT = {"text": "an object", "code": "class B:\n    v = 4\ndef f(x): return B()", "test": "assert f(2).v == 4"}


def evaluated(make_task: MakeTask, answers: list[str], program: str = "{{answer}}\\n{{test}}") -> EvaluationResult:
    task = load_task(*make_task(TASK.replace("PROGRAM", program), [PLAIN, OBJECT]))
    return evaluate_with(Scripted(answers), task)


def test_a_row_whose_right_answer_gives_an_object_is_scored_and_counted(make_task: MakeTask) -> None:
    found = evaluated(make_task, [PLAIN["code"], OBJECT["code"]])
    assert [answer.value for answer in found.answers] == [100.0, 100.0]
    assert found.findings == (JudgedWeaker(documents=(1,), tried=2),)
    assert "1 of 2 programs could not be kept apart from their tests" in found.notices[0]


def test_an_object_that_is_equal_to_everything_is_wrong_where_the_right_answer_is_plain(make_task: MakeTask) -> None:
    found = evaluated(make_task, [EQUAL, EQUAL])
    assert [answer.value for answer in found.answers] == [0.0, 0.0]
    assert found.findings == (JudgedWeaker(documents=(1,), tried=2),)


def test_a_template_without_tests_behind_the_answer_counts_all_documents(make_task: MakeTask) -> None:
    found = evaluated(make_task, [PLAIN["code"], OBJECT["code"]], "{{answer}}")
    assert found.findings == (JudgedWeaker(documents=(0, 1), tried=2),)


def test_plain_answers_say_nothing_right_or_wrong(make_task: MakeTask) -> None:
    task = load_task(*make_task(TASK.replace("PROGRAM", "{{answer}}\\n{{test}}"), [PLAIN, PLAIN | {"text": "again"}]))
    found = evaluate_with(Scripted([PLAIN["code"], EQUAL]), task)
    assert [answer.value for answer in found.answers] == [100.0, 0.0]
    assert (found.findings, found.notices) == ((), ())
