"""The lenient reading of a task file: checked, described for pages, and part of no name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.core.hashing import experiment_id
from suite.specs.experiment import describe
from suite.tasks.definition import read_task

Write = Callable[..., Path]


def with_lenient(write: Write, lenient: str, **changes: str) -> Path:
    return write(**{"chance: 0.0": f"chance: 0.0, lenient: {lenient}", **changes})


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("last_number", {"function": "last_number"}),
        ("{function: json_field, field: a.b}", {"function": "json_field", "field": "a.b"}),
        ("{function: stated, marker: 'answer is'}", {"function": "stated", "marker": "answer is"}),
    ],
)
def test_a_lenient_reading_is_described_and_changes_no_name(write: Write, text: str, described: dict[str, str]) -> None:
    plain = read_task("colours", [write()])
    lenient = read_task("colours", [with_lenient(write, text)])
    assert describe(lenient) == {**describe(plain), "lenient": described}
    assert lenient.fingerprint == plain.fingerprint
    resolved = [{"track": {}, "roles": {"colours": describe(task)}} for task in (plain, lenient)]
    assert experiment_id(resolved[0]) == experiment_id(resolved[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("named_label", r"metadata\.lenient: the task has no labels; list them"),
        ("json_field", r"metadata\.lenient: json_field has no field; name it"),
        ("{function: last_number, field: a}", r"metadata\.lenient: last_number has no field; it belongs to json_field"),
        ("{function: first_label}", r"metadata\.lenient\.function: .*'named_label', 'last_number'"),
        ("{function: last_number, feild: a}", r"metadata\.lenient\.feild: unknown key; did you mean 'field'"),
    ],
)
def test_what_is_wrong_with_a_lenient_reading_is_said(write: Write, text: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        read_task("colours", [with_lenient(write, text)])


def test_a_score_of_all_answers_together_has_no_lenient_one(write: Write) -> None:
    folder = with_lenient(write, "last_number", **{"metric: normalised_match": "metric: bleu"})
    with pytest.raises(SuiteError, match=r"metadata\.lenient: bleu scores all answers together, not one by one"):
        read_task("colours", [folder])


def test_a_choice_has_no_text_to_read(write: Write) -> None:
    text = (
        "task: colours\noutput_type: multiple_choice\ntest_split: test\ndoc_to_text: a\ndoc_to_choice: [a, b]\n"
        "doc_to_target: a\nmetric_list: [{metric: acc}]\nmetadata: {lenient: last_number}\n"
    )
    with pytest.raises(SuiteError, match=r"metadata\.lenient: the model chooses, so there is no answer to read"):
        read_task("colours", [write(text=text)])


def test_a_filter_of_a_json_field_needs_its_name(write: Write) -> None:
    folder = write(**{'{function: cut_answer, prefix: "Q:"}': "{function: json_field}"})
    with pytest.raises(SuiteError, match=r"filter_list\.0: json_field has no field; name it"):
        read_task("colours", [folder])
