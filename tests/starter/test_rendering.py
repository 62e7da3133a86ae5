"""The prompt of a new task: as a template and as a text it is the same."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
import yaml

from suite.models.chat import Chat
from suite.starter.budget import StarterBudget
from suite.starter.columns import ColumnReading, TaskKind
from suite.starter.prompts import PromptTemplate
from suite.starter.rendering import StarterModel, WorkspaceNames, render
from suite.starter.sources import TEST, TRAIN
from suite.starter.table import PreparedTable
from suite.starter.timing import MeasuredSpeed
from suite.starter.workspace import MICRO


def table(rows: list[dict[str, Any]], *inputs: str, kind: TaskKind = "classification", **more: Any) -> PreparedTable:
    return PreparedTable(
        ColumnReading(inputs, "label", kind), more.get("labels", ()), {TRAIN: tuple(rows), TEST: ()}, ()
    )


@pytest.mark.parametrize("kind", ["classification", "qa", "text"])
@pytest.mark.parametrize("inputs", [("body",), ("subject_line", "body")])
def test_template_and_text_agree_also_where_a_column_is_empty(inputs: tuple[str, ...], kind: TaskKind) -> None:
    rows = [{"subject_line": subject, "body": "some text {{x}}", "label": "a"} for subject in ("hello", "")]
    template = PromptTemplate(table(rows, *inputs, kind=kind, labels=("a", "b")))
    for row in rows:
        assert jinja2.Template(template.template).render(row) == template.text(row)


def test_labels_are_listed_unless_they_are_many_or_would_be_part_of_the_template() -> None:
    rows = [{"body": "x", "label": "a"}]
    assert PromptTemplate(table(rows, "body", labels=("a", "b c"))).text(rows[0]) == (
        "Label the text with one of: a, b c.\nText: x\nLabel:"
    )
    for labels in (tuple(map(str, range(40))), ("a", "{b")):
        assert PromptTemplate(table(rows, "body", labels=labels)).text(rows[0]) == "Text: x\nLabel:"


@pytest.mark.parametrize(
    ("kind", "answer", "says"),
    [
        ("qa", "a word", 'until: ["\\n"]'), ("qa", "a\nword", 'until: ["\\n\\n"]'), ("text", "a\n\nword", "until: []"),
        ("text", "wir gehen heute nicht in die Schule, weil es regnet und der Bus nicht kommt", "language: de"),
        ("text", "we do not go to school today because it rains", "chance: 0.0}"),
    ],
)  # fmt: skip
def test_where_an_answer_ends_and_its_language_are_those_of_the_right_ones(
    kind: TaskKind, answer: str, says: str
) -> None:
    prepared = table([{"body": f"text {n}", "label": answer} for n in range(4)], "body", kind=kind)
    files = render(
        WorkspaceNames("mine", "mine", "f.csv"), prepared, StarterModel("{hub: a/b}", 10, Chat(), True, False), MICRO,
        MeasuredSpeed("cpu", 8, 0.1, 0.001, (30, 40), 9), StarterBudget(20, 16, 4, 256, 0, 60.0), minutes=5,
    )  # fmt: skip
    assert says in files["specs/tasks/mine.yaml"]
    assert yaml.safe_load(files["specs/tasks/mine.yaml"])["task"] == "mine"
    assert yaml.safe_load(files["specs/tracks/mine.yaml"])["chat"] == {}
