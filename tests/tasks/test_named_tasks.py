"""The shipped task files, and lm-eval's own tasks and names."""

from __future__ import annotations

from dataclasses import fields

import pytest

from suite.core.errors import SuiteError
from suite.core.metrics import metrics, names_over
from suite.tasks import lm_eval_names
from suite.tasks.builtin import builtin_names
from suite.tasks.definition import read_task, task_names
from tests.tasks.test_task_files import SCORED, SHIPPED


@pytest.mark.parametrize("name", SCORED)
def test_every_shipped_task_is_right(name: str) -> None:
    task = read_task(name, [SHIPPED])
    assert task.metadata["kind"]
    assert task.metadata["chance"] is not None
    assert task.metadata["primary"] in names_over("documents", "corpus", "classes")
    assert len((SHIPPED / f"{name}.yaml").read_text().splitlines()) <= (30 if task.sources else 17)


def test_shipped_templates_are_those_of_the_paper() -> None:
    texts = {name: str(read_task(name, [SHIPPED]).config["doc_to_text"]) for name in task_names([SHIPPED])}
    assert texts["rte"] == "{{premise}} question: {{hypothesis}} Is it true or false? answer:"
    assert texts["cb"] == texts["snli"] == texts["rte"].replace("or false?", "or false or neither?")
    assert texts["wic"] == (
        "{{sentence1}} {{sentence2}} question: The word {{word}} is used in the same way in the two sentences. "
        "Is it true or False? answer:"
    )
    assert texts["triviaqa"] == texts["web_questions"] == "Q: {{question}} A:"
    assert texts["wmt16_enro"] == "Translate English to Romanian: {{translation.en}}"
    assert texts["xsum"] == "Article: {{document}} One sentence summary:"
    for name, text in texts.items():
        if name.startswith("micro_") and name != "micro_skills" and name.removeprefix("micro_") in texts:
            assert text == texts[name.removeprefix("micro_")]


def test_lm_evals_own_tasks_are_read_by_name() -> None:
    copa = read_task("copa", [SHIPPED])
    assert copa.builtin
    assert (copa.reported_split, copa.training_split, copa.metadata["primary"]) == ("validation", "train", "acc")
    assert read_task("gsm8k", []).metadata["primary"] == "exact_match"
    assert copa.fingerprint == read_task("copa", []).fingerprint


def test_lm_evals_own_task_can_be_asked_for_where_a_file_has_its_name() -> None:
    own, theirs = (read_task(name, [SHIPPED]) for name in ("arc_easy", "lm_eval:arc_easy"))
    assert (own.builtin, theirs.builtin, theirs.name) == (False, True, "lm_eval:arc_easy")
    assert (own.metadata["primary"], theirs.metadata["primary"]) == ("accuracy", "acc")
    assert own.folder == theirs.folder == "arc_easy"  # the rows are the same
    with pytest.raises(SuiteError, match=r"lm-eval has no task 'arc_easi'; did you mean 'arc_easy'\?"):
        read_task("lm_eval:arc_easi", [SHIPPED])


@pytest.mark.parametrize(
    ("name", "said"),
    [("mmlu", "is a group of tasks"), ("humaneval", "runs answers as code"), ("squadv2", "is written in Python")],
)
def test_lm_evals_tasks_that_cannot_run_here_say_why(name: str, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        read_task(name, [])


def test_what_is_listed_as_known_is_what_lm_eval_knows() -> None:
    import lm_eval.filters
    import lm_eval.tasks  # noqa: F401
    from lm_eval.api.metrics import mean
    from lm_eval.api.registry import (
        AGGREGATION_REGISTRY,
        DEFAULT_METRIC_REGISTRY,
        FILTER_REGISTRY,
        METRIC_AGGREGATION_REGISTRY,
        METRIC_REGISTRY,
    )
    from lm_eval.api.task import ALL_OUTPUT_TYPES, TaskConfig

    import suite.tasks.load  # noqa: F401  (registers ours)

    assert {field.name for field in fields(TaskConfig)} == lm_eval_names.FIELDS
    assert set(FILTER_REGISTRY.keys()) == lm_eval_names.FILTERS | lm_eval_names.OUR_FILTERS.keys()
    assert set(METRIC_REGISTRY.keys()) == metrics().keys()
    assert set(ALL_OUTPUT_TYPES) == lm_eval_names.OUTPUT_TYPES
    assert {key: tuple(value) for key, value in DEFAULT_METRIC_REGISTRY.items()} == lm_eval_names.DEFAULT_METRICS
    assert set(task_names([SHIPPED])) & set(builtin_names()) == lm_eval_names.ALSO_OF_LM_EVAL
    together = {
        name for name in names_over("documents", "corpus", "classes") if METRIC_AGGREGATION_REGISTRY[name] is not mean
    }
    assert together == names_over("corpus", "classes")
    assert "mean" in AGGREGATION_REGISTRY
