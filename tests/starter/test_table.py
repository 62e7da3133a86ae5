"""Rows of a table as a task has them: cleaned, named, and split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.starter.columns import ColumnReading
from suite.starter.sources import TEST, TRAIN, WHOLE, DataSource
from suite.starter.table import PreparedTable, prepare, split_rows
from suite.tasks.files import Placed

CLASSES = ColumnReading(("text",), "label", "classification")


def rows(count: int = 80) -> list[dict[str, Any]]:
    labels = ["a"] * (count // 2) + ["b"] * (count // 4) + ["c"] * (count - count // 2 - count // 4)
    return [{"text": f"ticket {number} says hello", "label": label} for number, label in enumerate(labels)]


def source(*splits: tuple[str, list[dict[str, Any]]]) -> DataSource:
    placed = {name: tuple(Placed(f"f.csv: row {n}", row) for n, row in enumerate(found, 1)) for name, found in splits}
    return DataSource("tickets", "f.csv", placed)


def prepared(*found: dict[str, Any], reading: ColumnReading = CLASSES) -> PreparedTable:
    return prepare(source((WHOLE, list(found))), reading, 0)


def test_a_split_has_each_label_in_its_share_and_is_the_same_for_a_seed() -> None:
    sides = split_rows(rows(), CLASSES, 0)
    assert Counter(row["label"] for row in sides[TEST]) == {"a": 10, "b": 5, "c": 5}
    assert len(sides[TRAIN]) == 60
    assert sides == split_rows(rows(), CLASSES, 0)
    assert sides != split_rows(rows(), CLASSES, 1)


def test_rows_that_ask_the_same_stay_together_also_in_other_case_and_with_other_answers() -> None:
    again = [{"text": f"Ticket {number}  says hello!", "label": "c"} for number in range(40)]
    for seed in range(5):
        sides = split_rows(rows() + again, CLASSES, seed)
        asked = [{"".join(filter(str.isdigit, row["text"])) for row in sides[side]} for side in (TRAIN, TEST)]
        assert not asked[0] & asked[1]


def test_a_label_of_two_rows_is_on_both_sides_and_one_of_a_single_row_is_trained_on() -> None:
    few = [{"text": f"rare {n}", "label": label} for n, label in enumerate(["x", "x", "y"])]
    sides = split_rows(rows() + few, CLASSES, 0)
    assert [Counter(row["label"] for row in sides[side])["x"] for side in (TRAIN, TEST)] == [1, 1]
    assert [Counter(row["label"] for row in sides[side])["y"] for side in (TRAIN, TEST)] == [1, 0]


def test_rows_without_input_or_target_are_left_out_and_counted() -> None:
    empty = [{"text": " ", "label": "a"}, {"text": "hello", "label": None}, {"text": float("nan"), "label": "a"}]
    table = prepared(*empty, *rows())
    assert len(table.rows) == 80
    assert "3 rows without input or target left out, first f.csv: row 1" in table.notes


def test_a_label_is_written_in_one_way() -> None:
    table = prepared(*rows(), {"text": "one more", "label": "a "}, {"text": "and one", "label": "half\N{EN DASH}true"},
                     {"text": "and two", "label": "half-true"}, {"text": "and six", "label": "half-true"})  # fmt: skip
    assert table.labels == ("a", "b", "c", "half-true")
    assert "the label 'half\N{EN DASH}true' is written 'half-true' (1 row)" in table.notes


def test_doubles_and_conflicts_are_counted() -> None:
    table = prepared(
        *rows(), {"text": "ticket 0 says hello", "label": "a"}, {"text": "ticket 1 says hello", "label": "b"}
    )
    assert "2 rows ask what another row asks: they stay on one side of the split" in table.notes
    assert "1 question has answers that differ: no model can give all of them" in table.notes


def test_columns_get_names_that_templates_can_use() -> None:
    found = [{"Ticket Text": f"number {n}", "1st class": "ab"[n % 2], "range": n, "day": "x"} for n in range(20)]
    table = prepared(*found, reading=ColumnReading(("Ticket Text",), "1st class", "classification"))
    assert table.reading == ColumnReading(("Ticket_Text",), "_1st_class", "classification")
    assert list(table.rows[0]) == ["Ticket_Text", "_1st_class", "range_", "day"]


def test_cells_that_are_no_plain_values_are_not_copied() -> None:
    found = [{**row, "meta": {"a": 1}, "share": float("nan")} for row in rows()]
    table = prepared(*found)
    assert set(table.rows[0]) == {"text", "label", "share"}
    assert table.rows[0]["share"] is None
    assert "not copied, as their cells are no plain values: 'meta'" in table.notes


def test_a_split_that_exists_is_kept_less_the_training_rows_that_are_reported() -> None:
    train, test = rows(), [{"text": "TICKET 3 says hello", "label": "a"}, {"text": "another", "label": "b"}]
    table = prepare(source((TRAIN, train), (TEST, test)), CLASSES, 0)
    assert table.splits[TEST] == tuple(test)
    assert table.splits[TRAIN] == tuple(row for row in train if row["text"] != "ticket 3 says hello")
    assert "1 row of the training split left out, as the test split asks the same" in table.notes


@pytest.mark.parametrize(
    ("found", "says"),
    [(rows(4), "has 4 rows"), ([{"text": f"t {n}", "label": "a"} for n in range(20)], "has one label")],
)
def test_too_little_for_a_task_is_refused(found: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(SuiteError, match=says):
        prepared(*found)


def test_a_test_split_of_thousands_is_enough() -> None:
    many = [{"text": f"ticket {number}", "label": "ab"[number % 2]} for number in range(8000)]
    assert len(split_rows(many, CLASSES, 0)[TEST]) == 1000


def test_several_inputs_are_one_question(tmp_path: Path) -> None:
    reading = ColumnReading(("subject", "body"), "label", "classification")
    found = [{"subject": "hello", "body": f"text {n}" if n else None, "label": "ab"[n % 2]} for n in range(20)]
    table = prepared(*found, reading=reading)
    first = next(row for row in table.rows if not row["body"])
    assert table.question(first) == "hello"
