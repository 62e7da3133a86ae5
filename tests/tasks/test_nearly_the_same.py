"""Questions that are nearly those of training are told when planning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suite.tasks.contamination import check_leaks, nearly
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.splits import reported_rows, training_rows

Write = Callable[..., Path]
Data = Callable[..., DataLocations]


def row(number: int, **more: object) -> dict[str, object]:
    return {"question": f"colour {number} ?", "answers": [f"red {number}", "blue"], **more}


def task_of(write: Write, changes: Mapping[str, str] = {}) -> TaskFile:
    return read_task("colours", [write(**changes)])


@pytest.mark.parametrize(
    "text",
    [
        "COLOUR 1 ?", "colour 1?", "col\u200bour 1 ?", "co\u00adlour 1 ?", "\uff43olour \uff11 ?", "\ufeffcolour 1 ?",
        "colour, 1 ?", "17. colour 1 ?", "17) Colour 1 ?",
    ],
)  # fmt: skip
def test_questions_that_are_nearly_trained_on_are_told(write: Write, data: Data, text: str) -> None:
    task = task_of(write, {"Q: {{question}} A:": "{{question}}"})
    locations = data(train=[row(0), row(1), row(2)], test=[{**row(1), "question": text}, row(3)])
    train, test = training_rows(task, locations), reported_rows(task, locations)
    (note,) = check_leaks(task, {"hues": (task, train)}, None, test)
    assert "colours: reports 1 row that hues trains on in other case, width, spacing or punctuation" in note
    assert "test.jsonl:1 ~ " in note
    assert note.endswith("train.jsonl:2")


@pytest.mark.parametrize(
    ("one", "other"),
    [("3 + 4 is", "3 - 4 is"), ("2 * 2", "2 / 2"), ("is 1.5", "is 15"), ("12 red hats", "13 red hats"), ("?", "!")],
)
def test_questions_with_other_numbers_and_signs_are_others(write: Write, data: Data, one: str, other: str) -> None:
    task = task_of(write, {"Q: {{question}} A:": "{{question}}"})
    locations = data(train=[{**row(1), "question": one}], test=[{**row(1), "question": other}])
    train, test = training_rows(task, locations), reported_rows(task, locations)
    assert check_leaks(task, {"hues": (task, train)}, None, test) == []


def test_what_is_trained_on_is_not_told_as_nearly_trained_on(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(train=[row(1), row(2)], test=[{**row(1), "answers": ["green"]}, row(3)])
    assert nearly(task, reported_rows(task, locations), task, training_rows(task, locations)) == {}
