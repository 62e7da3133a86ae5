"""The last number of a text, and a field of its first JSON object that has it."""

from __future__ import annotations

import pytest

from suite.core.extraction import MOST_OBJECTS, json_field, last_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 5 + 3 = 8.", "8"), ("It costs $1,800.00 in all.", "$1,800.00"), ("1 to 10-12", "12"), ("x = -5", "-5"),
        ("between 3 - 4", "4"), ("That is 50 %.", "50 %"), ("3€ each", "3€"), ("half is 1/2", "1/2"), ("(−3)", "−3"),
        ("- 5\n- 6", "6"), ("1,234,567.89!", "1,234,567.89"), (".5", ".5"), ("it is the 3rd", "3"),
        ("5, 6, and 7", "7"),
    ],
)  # fmt: skip
def test_the_last_number_is_read_as_it_is_written(text: str, number: str) -> None:
    assert last_number(text) == number


@pytest.mark.parametrize("text", ["none", "", "x2", "v1.2.3", "a-b"])
def test_a_text_without_a_number_of_its_own_has_none(text: str) -> None:
    assert last_number(text) is None


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('{"label": "yes"}', "label", "yes"),
        ('Sure!\n```json\n{"label": "yes", "why": {"n": 3}}\n```', "why.n", "3"),
        ('{x} {"a": 1} {"label": true} {"label": false}', "label", "true"),
        ('{"label": null} {"label": ["a", "ü"]}', "label", '["a", "ü"]'),
        ('{"a.b": 1, "a": {"b": 2}}', "a.b", "1"),
    ],
)
def test_a_field_of_the_first_object_that_has_it_is_read(text: str, field: str, value: str) -> None:
    assert json_field(text, field) == value


@pytest.mark.parametrize("text", ["", "label: yes", '{"label": ', '["label"]', "{" * 5000, '{"a": ' * 3000])
def test_a_text_without_such_an_object_has_no_field(text: str) -> None:
    assert json_field(text, "label") is None


def test_as_many_objects_are_tried_as_fit_a_bound() -> None:
    assert json_field("{" * (MOST_OBJECTS - 1) + '{"a": 1}', "a") == "1"
    assert json_field("{" * MOST_OBJECTS + '{"a": 1}', "a") is None
