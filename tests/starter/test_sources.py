"""Where rows of a new workspace come from, and how they are split already."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest

from suite.core.errors import SuiteError
from suite.starter.sources import TEST, TRAIN, VALIDATION, WHOLE, read_source

ROWS = [{"text": f"ticket {number}", "label": number % 2} for number in range(12)]
CSV = "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in ROWS)


def test_a_file_is_read_as_tasks_read_it(tmp_path: Path) -> None:
    (tmp_path / "my tickets.csv").write_text('\ufefftext,label\n\n"größe, und\nmehr",1\n007,2\n', encoding="utf-8")
    source = read_source(str(tmp_path / "my tickets.csv"))
    assert source.name == "my_tickets"
    assert [placed.row for placed in source.rows] == [{"text": "größe, und\nmehr", "label": 1},
                                                      {"text": "007", "label": 2}]  # fmt: skip
    assert set(source.splits) == {WHOLE}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", CSV.replace(",", "\t")), ("a.jsonl", "\n".join(map(json.dumps, ROWS))), ("a.json", json.dumps(ROWS)),
    ],
)  # fmt: skip
def test_other_kinds_of_files_have_the_same_rows(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [placed.row for placed in read_source(str(tmp_path / name)).rows] == ROWS


def test_a_csv_of_semicolons_is_read_by_these(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text;label\na, b;x\nc;y\n", encoding="utf-8")
    source = read_source(str(tmp_path / "a.csv"))
    assert [placed.row for placed in source.rows] == [{"text": "a, b", "label": "x"}, {"text": "c", "label": "y"}]
    assert source.notes == ("its cells are separated by semicolons",)


def test_a_folder_has_a_file_for_each_split(tmp_path: Path) -> None:
    for name in ("train-00000.csv", "dev.csv", "test.csv", "readme.csv"):
        (tmp_path / name).write_text(CSV, encoding="utf-8")
    assert {split: len(rows) for split, rows in read_source(str(tmp_path)).splits.items()} == {
        VALIDATION: 12, TEST: 12, TRAIN: 12,
    }  # fmt: skip
    (tmp_path / "train.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(SuiteError, match="several files of 'train'"):
        read_source(str(tmp_path))


def test_a_column_of_splits_is_one(tmp_path: Path) -> None:
    rows = [{**row, "split": "train" if number < 9 else "test"} for number, row in enumerate(ROWS)]
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    source = read_source(str(tmp_path / "a.json"))
    assert {split: len(rows) for split, rows in source.splits.items()} == {TRAIN: 9, TEST: 3}
    assert source.columns == ("text", "label")
    (tmp_path / "a.json").write_text(json.dumps([{**row, "split": "banana"} for row in ROWS]), encoding="utf-8")
    assert read_source(str(tmp_path / "a.json")).columns == ("text", "label", "split")


def test_a_saved_data_set_has_the_names_of_its_classes(tmp_path: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    whole = datasets.Dataset.from_list(ROWS, features=features)
    whole.save_to_disk(str(tmp_path / "one"))
    source = read_source(str(tmp_path / "one"))
    assert [placed.row["label"] for placed in source.splits[WHOLE][:2]] == ["no", "yes"]
    assert source.notes == ("'label' holds the names of its classes: no, yes",)
    parts = {"train": whole, "validation": whole.select(range(3))}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "two"))
    assert {split: len(rows) for split, rows in read_source(str(tmp_path / "two")).splits.items()} == {
        TRAIN: 12, VALIDATION: 3,
    }  # fmt: skip
    datasets.DatasetDict({"train": whole}).save_to_disk(str(tmp_path / "three"))
    assert set(read_source(str(tmp_path / "three")).splits) == {WHOLE}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing.csv", "there is no such file"), ("org/name", "cannot be had from the hub"),
        ("empty.csv", "has no rows"),
        ("windows.csv", "is not UTF-8 text; save the file as UTF-8"), ("a.xlsx", "no kind of data file"),
        ("none", "has no file for training; it has other.csv"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").write_text("text,label\n", encoding="utf-8")
    Path("windows.csv").write_bytes("text,label\ngröße,1\n".encode("cp1252"))
    Path("a.xlsx").write_bytes(b"PK")
    Path("none").mkdir()
    Path("none/other.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(SuiteError, match=says.replace("(", r"\(")) as error:
        read_source(name)
    assert len(error.value.problems) == 1
