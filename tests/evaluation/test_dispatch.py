"""A stack for each document: as if each had been answered by the stack of its skill alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.diagnostics import RoutingReport
from suite.evaluation.dispatch import evaluate_dispatched
from suite.evaluation.evaluate import EvaluationResult, evaluate
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.load import load_task
from tests.evaluation.test_scores import CHOICE, DOCS, QA, TRAIN
from tests.evaluation.tiny import MakeTask, with_soft

FIRST = """\
task: first
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: ["x", "why", "n"]
doc_to_target: "{{ {'math': 0, 'code': 1, 'other': 2}[skill] }}"
metadata: {kind: dispatch, made_of: {test: {math: [tiny], code: [tiny], other: [tiny]}}}
"""
SKILLS = ("math", "code", "other")


def stacks(backbone: Backbone) -> dict[str, AdaptedModel]:
    return {
        "math": with_soft(backbone, 3),
        "code": with_soft(backbone, 7),
        "other": AdaptedModel(backbone, backbone.model),
    }


def asked(stack: AdaptedModel) -> StackLM:
    return StackLM(stack, batch_tokens=200)


@pytest.fixture
def dispatched(
    backbone: Backbone, make_task: MakeTask, tmp_path: Path
) -> Callable[[str], tuple[TaskFile, EvaluationResult]]:
    """Answer a task by dispatch."""

    def run(text: str) -> tuple[TaskFile, EvaluationResult]:
        file, locations = make_task(text, DOCS, TRAIN)
        (tmp_path / "first.yaml").write_text(FIRST)
        experts = stacks(backbone)
        result = evaluate_dispatched(
            load_task(file, locations, shots=1), read_task("first", [tmp_path]), locations, lm_for=asked,
            router=lambda: experts["other"], stack_of=experts.__getitem__,
        )  # fmt: skip
        return file, result

    return run


@pytest.mark.parametrize("text", [QA, CHOICE])
def test_each_document_is_answered_by_the_stack_of_its_skill(
    backbone: Backbone, make_task: MakeTask, dispatched: Callable[[str], tuple[TaskFile, EvaluationResult]], text: str
) -> None:
    file, result = dispatched(text)
    (finding,) = result.findings
    assert isinstance(finding, RoutingReport)
    chosen = [finding.skills[place] for place in finding.of_documents]
    assert len(set(chosen)) > 1  # or this test would show nothing
    _, locations = make_task(text, DOCS, TRAIN)
    alone = {
        skill: evaluate(stack, load_task(file, locations, shots=1), batch_tokens=200)
        for skill, stack in stacks(backbone).items()
    }
    assert [answer.doc_id for answer in result.answers] == list(range(len(DOCS)))
    for answer, skill in zip(result.answers, chosen, strict=True):
        assert answer.parsed == alone[skill].answers[answer.doc_id].parsed
        assert answer.value == alone[skill].answers[answer.doc_id].value


def test_both_passes_are_timed_and_their_tokens_counted(
    dispatched: Callable[[str], tuple[TaskFile, EvaluationResult]],
) -> None:
    _, result = dispatched(QA)
    (finding,) = result.findings
    assert isinstance(finding, RoutingReport)
    first, second = finding.seconds
    assert first > 0
    assert second > 0
    assert result.tokens > sum(len(str(doc["question"])) for doc in DOCS)


def test_what_names_no_skill_is_scored_all_the_same(backbone: Backbone, make_task: MakeTask, tmp_path: Path) -> None:
    file, locations = make_task(QA, DOCS, TRAIN)
    generated = FIRST.replace("output_type: multiple_choice\n", "").replace('doc_to_choice: ["x", "why", "n"]\n', "")
    (tmp_path / "first.yaml").write_text(
        generated.replace("metadata:", 'generation_kwargs: {until: ["Q"], max_gen_toks: 2}\nmetadata:')
    )
    wanted: list[str] = []

    def base(skill: str) -> AdaptedModel:
        wanted.append(skill)
        return AdaptedModel(backbone, backbone.model)

    result = evaluate_dispatched(
        load_task(file, locations), read_task("first", [tmp_path]), locations, lm_for=asked,
        router=lambda: AdaptedModel(backbone, backbone.model), stack_of=base,
    )  # fmt: skip
    assert wanted == [""]
    assert len(result.answers) == len(DOCS)
