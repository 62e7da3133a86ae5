"""What columns are taken for, and where it is not plain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.starter.columns import ChosenColumns, ColumnReading, NotPlain, columns_of, missing_options, read_columns

TEXTS = [f"the server number {number} is down again" for number in range(40)]
LABELS = [("bug", "billing", "other", "account")[number % 4] for number in range(40)]
VAGUE = [f"l{number % 15}" for number in range(40)]
"""Too many for labels, too few for answers that are all different."""


def read(columns: dict[str, list[Any]], *inputs: str, **chosen: Any) -> ColumnReading:
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return read_columns(columns_of(columns, rows), ChosenColumns(inputs, **chosen), "data.csv")


def test_a_text_and_a_few_labels_are_a_classification() -> None:
    assert read({"words": TEXTS, "team": LABELS}) == ColumnReading(("words",), "team", "classification")


def test_numbers_of_rows_are_neither_input_nor_target() -> None:
    table = {"no": list(range(40)), "customer_id": [f"c{n}" for n in range(40)], "text": TEXTS, "label": LABELS}
    assert read(table) == ColumnReading(("text",), "label", "classification")


def test_dates_are_neither() -> None:
    days = [f"2026-01-{n % 28 + 1:02} 10:00" for n in range(40)]
    table = {"when": days, "day": [datetime(2026, 1, n % 28 + 1) for n in range(40)], "text": TEXTS, "label": LABELS}
    assert read(table).inputs == ("text",)
    assert str(columns_of(table, [{"day": datetime(2026, 1, 2)}])["day"]) == "day (dates)"


def test_numbers_and_truth_values_may_be_labels() -> None:
    assert read({"text": TEXTS, "label": [n % 3 for n in range(40)]}).kind == "classification"
    assert read({"text": TEXTS, "label": [n % 2 == 0 for n in range(40)]}).kind == "classification"


def test_answers_that_are_all_different_are_short_ones_or_texts() -> None:
    assert read({"question": TEXTS, "answer": [f"room {n}" for n in range(40)]}).kind == "qa"
    long = [f"{n} " + "please restart it and then look at the lamp beside the fan " for n in range(40)]
    assert read({"question": TEXTS, "answer": long}).kind == "text"


@pytest.mark.parametrize(
    ("table", "missing", "flag"),
    [
        ({"text": TEXTS, "team": LABELS, "urgent": LABELS}, "target", "--target COLUMN"),
        ({"subject": TEXTS, "body": TEXTS, "label": LABELS}, "input", "--input COLUMN"),
        ({"first": TEXTS, "second": TEXTS}, "target", "--target COLUMN"),
        ({"text": TEXTS, "label": [f"l{n % 15}" for n in range(40)]}, "kind", "--kind classification|qa|text"),
        ({"text": TEXTS, "label": [f"about {n} of the ninety nine things here" for n in range(40)]}, "kind", "--kind"),
    ],
)
def test_what_is_not_plain_is_asked_with_the_columns_and_the_flag(
    table: dict[str, list[Any]], missing: str, flag: str
) -> None:
    with pytest.raises(NotPlain) as error:
        read(table)
    assert error.value.missing == missing
    assert flag in str(error.value)
    assert missing == "kind" or all(f"{name} (" in str(error.value) for name in table)


def test_what_is_chosen_is_taken() -> None:
    table = {"subject": TEXTS, "body": TEXTS, "team": LABELS, "urgent": LABELS}
    assert read(table, "subject", "body", target="urgent") == ColumnReading(
        ("subject", "body"), "urgent", "classification"
    )
    assert read({"a": TEXTS, "b": TEXTS}, "a", kind="text").target == "b"
    assert read({"text": TEXTS, "label": LABELS}, kind="qa").kind == "qa"


@pytest.mark.parametrize(
    ("inputs", "chosen", "says"),
    [
        (("txt",), {}, "did you mean 'text'?"),
        ((), {"target": "lable"}, "did you mean 'label'?"),
        (("meta",), {}, "holds lists or mappings"),
        (("label",), {"target": "label"}, "cannot be input and target"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(inputs: tuple[str, ...], chosen: dict[str, str], says: str) -> None:
    with pytest.raises(SuiteError, match=says.replace("?", r"\?")):
        read({"text": TEXTS, "label": LABELS, "meta": [{"a": 1}] * 40}, *inputs, **chosen)


def test_a_table_of_one_column_is_no_task() -> None:
    with pytest.raises(SuiteError, match="a column that is asked and one that answers"):
        read({"text": TEXTS})


@pytest.mark.parametrize(
    ("table", "inputs", "fix"),
    [
        ({"a": TEXTS, "b": TEXTS}, (), "name --input COLUMN (may be repeated) --target COLUMN --kind "),
        ({"text": TEXTS, "team": LABELS, "urgent": LABELS}, ("text",), "name --target COLUMN"),
        ({"a": TEXTS, "b": TEXTS, "label": VAGUE}, (), "name --input COLUMN (may be repeated) --kind "),
        ({"a": TEXTS, "b": TEXTS, "label": LABELS}, (), "name --input COLUMN (may be repeated)"),
        ({"a": TEXTS, "label": VAGUE}, (), "name --kind classification|qa|text"),
    ],
)  # fmt: skip
def test_all_that_is_missing_is_named_at_once(table: dict[str, list[Any]], inputs: tuple[str, ...], fix: str) -> None:
    columns = columns_of(table, [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)])
    chosen = ChosenColumns(inputs)
    with pytest.raises(NotPlain) as first:
        read_columns(columns, chosen, "data.csv")
    (problem,) = missing_options(columns, chosen, "data.csv", first.value).problems
    assert problem.fix.startswith(fix)
    assert problem.fix.count("--") == fix.count("--")
