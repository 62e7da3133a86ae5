"""Data files as users have them: every usual coding, form and place is read; the rest is named in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations, rows
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.files import read_file

Write = Callable[..., Path]
ROWS = [{"question": "wie grün 🐶 ?", "answers": ["red", "blue"]}, {"question": "b ?", "answers": ["a"]}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def read(file: Path, content: bytes | str, **options: Any) -> list[dict[str, Any]]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [each.row for each in read_file(file, **options)]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_coding_with_a_mark_is_read(tmp_path: Path, coding: str) -> None:
    assert read(tmp_path / "test.jsonl", LINES.encode(coding)) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        LINES.rstrip("\n"),
        LINES.replace("\n", "\r\n"),
        LINES.replace("\n", "\r"),
        LINES.replace("\n", "\n\n  \n"),
        json.dumps(ROWS),
        "\n" + json.dumps(ROWS, indent=2) + "\n",
        "\n".join(json.dumps(row) for row in ROWS),  # an emoji as two escapes is one character
    ],
)
def test_lines_and_arrays_are_the_same_rows(tmp_path: Path, text: str) -> None:
    assert read(tmp_path / "test.jsonl", text) == ROWS


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    assert read(tmp_path / "test.jsonl", '{"a": NaN, "b": [NaN, 1]}') == [{"a": None, "b": [None, 1]}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a": "\xff"}\n', "test.jsonl:2: is not UTF-8 text; save the file as UTF-8"),
        ('{"a": 1}\n{"a": 2}\n'.encode("utf-16-le"), "test.jsonl:1: holds NUL bytes; save the file as UTF-8 text"),
        (b"\xff\xfe{", "test.jsonl:1: is not UTF-16 text; save the file as UTF-8"),
        ('{"a": 1}\n{"a": "x\0"}', "test.jsonl:2: holds NUL bytes; save the file as UTF-8 text"),
        ('{"a": 1}\n{"a": 1, "b": 2, "a": 3}', "test.jsonl:2: has the key 'a' twice; keep one"),
        ('{"a": Infinity}', "test.jsonl:1: holds Infinity, which is no JSON; write null, a number or a text"),
        ('{"a": 1}\n' + '{"a":' * 90 + "1" + "}" * 90, "test.jsonl:2: is nested more than 64 levels deep"),
        ('{"a":' * 9000 + "1" + "}" * 9000, "test.jsonl:1: is nested more than 64 levels deep; write flat rows"),
        ('{"a": ' + "9" * 5000 + "}", "test.jsonl:1: holds a number of thousands of digits; write it as a text"),
        ('[{"a": 1}, 3]', "test.jsonl: row 2: not a JSON object; an array holds objects"),
        ('{"a": 1}{"a": 2}', "test.jsonl:1: not a JSON object (Extra data, column 9); write one object a line"),
        ('{"a": "b\\ud83d"}', "test.jsonl:1: 'a' holds half a surrogate pair (\\ud83d), which is no character"),
        ('{"a": 1}\n{"b": [{"c\\udc00": 1}]}', "test.jsonl:2: 'b' holds half a surrogate pair (\\udc00)"),
    ],
)
def test_what_is_no_row_is_named_in_one_line(write: Write, tmp_path: Path, content: bytes | str, said: str) -> None:
    file = tmp_path / "data" / "colours" / "test.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SuiteError) as caught:
        rows(read_task("colours", [write()]), "test", DataLocations.of(tmp_path / "data"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


FILES = "dataset_path: json\ndataset_kwargs: {data_files:"
CSV = 'question,label,share\n"a, b",1,2.5\n"two\nlines",0,\n'


def test_plain_csv_is_read_as_lm_eval_reads_it(tmp_path: Path) -> None:
    import datasets

    file = tmp_path / "test.csv"
    found = read(file, CSV)
    assert found == [
        {"question": "a, b", "label": 1, "share": 2.5},
        {"question": "two\nlines", "label": 0, "share": None},
    ]
    theirs = datasets.load_dataset("csv", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert found == list(theirs)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["007", "1.50"], ["007", "1.50"]),
        (["007"], ["007"]),
        (["2.00", "2.5"], ["2.00", "2.5"]),
        (["1e5"], ["1e5"]),
        (["+5", "-0"], ["+5", "-0"]),
        (["1", "2.5"], ["1", "2.5"]),
        (["1", "", "-3"], [1, None, -3]),
        (["0.5", "", "10.0"], [0.5, None, 10.0]),
        (["True", "False"], [True, False]),
        (["true", "FALSE"], ["true", "FALSE"]),
        (["NA", "None", "null", "nan", "inf", ""], ["NA", "None", "null", "nan", "inf", None]),
        (["nan"], ["nan"]),
        (["12345678901234567890123"], ["12345678901234567890123"]),
        (["0.1000000000000000055"], ["0.1000000000000000055"]),
        ([" 1", "1_0", "\u0661"], [" 1", "1_0", "\u0661"]),
        (["", ""], [None, None]),
    ],
)
@pytest.mark.parametrize("sep", [",", "\t"])
def test_a_cell_of_a_table_keeps_its_text(tmp_path: Path, cells: list[str], expected: list[object], sep: str) -> None:
    content = "".join(f"{first}{sep}{cell}\n" for first, cell in zip("ixyzabcd", ["value", *cells], strict=False))
    found = [row["value"] for row in read(tmp_path / "a.csv", content, sep=sep)]
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


def test_separators_and_marks_of_tables(tmp_path: Path) -> None:
    assert read(tmp_path / "a.tsv", "a\tb\n1\tx y\n") == [{"a": 1, "b": "x y"}]
    assert read(tmp_path / "a.csv", "\ufeffa;b\r\n1;x\r\n", sep=";") == [{"a": 1, "b": "x"}]
    assert read(tmp_path / "b.csv", "") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2,3\n1,2,3\n", "has rows of more fields than its header"),
        ("a,b\n1,2\n1,2,3\n", "is not a readable table (Expected 2 fields in line 3, saw 3)"),
        ('a,b\n1,"2\n', "is not a readable table (EOF inside string starting at row 1)"),
        ("a,a\n1,2\n", "has the column 'a' twice; keep one"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(SuiteError) as caught:
        read(tmp_path / "test.csv", content)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        '{"text": ["a", "b"], "label": ["A", "B"]}',
        '\n{"text": {"0": "a", "1": "b"}, "label": {"0": "A", "1": "B"}}\n',
    ],
)
def test_columns_are_not_taken_for_a_row(tmp_path: Path, content: str) -> None:
    with pytest.raises(SuiteError, match=r"test.json:\d: holds columns, not rows; write the rows: one object a line"):
        read(tmp_path / "test.json", content)


@pytest.mark.parametrize(
    "row", [{"text": "a", "answers": ["A", "B"]}, {"a": ["x"], "b": ["y"]}, {"a": [1, 2], "b": [3]}]
)
def test_one_row_with_lists_is_a_row(tmp_path: Path, row: dict[str, Any]) -> None:
    assert read(tmp_path / "test.json", json.dumps(row)) == [row]
    assert read(tmp_path / "test.jsonl", '{"words": ["a", "b"], "tags": ["N", "V"]}')


def test_parquet_is_read_and_damage_is_named(tmp_path: Path) -> None:
    file = tmp_path / "test.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), file)
    assert read(file, file.read_bytes()) == ROWS
    with pytest.raises(SuiteError, match=r"test.parquet: is not a readable Parquet file"):
        read(file, file.read_bytes()[:-20])


@pytest.mark.parametrize("name", ["test.csv", "test.parquet", "test.json"])
def test_a_data_folder_may_hold_other_kinds_of_files(write: Write, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data" / "colours"
    folder.mkdir(parents=True)
    table = pyarrow.Table.from_pylist([{"question": "q"}])
    pyarrow.parquet.write_table(table, folder / "test.parquet")
    (folder / "test.csv").write_text("question\nq\n")
    (folder / "test.json").write_text('[{"question": "q"}]')
    for other in folder.iterdir():
        if other.name != name:
            other.unlink()
    found = rows(read_task("colours", [write()]), "test", DataLocations.of(tmp_path / "data"))
    assert found.docs == ({"question": "q"},)
    assert found.source == f"colours/{name}"


def test_rows_know_their_places(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "colours"
    folder.mkdir(parents=True)
    (folder / "test.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n{"a": 3}\n')
    task = read_task("colours", [write(**{"kind: qa": 'kind: qa, drop: {a: 1}, splits: {test: "test[1:]"}'})])
    found = rows(task, "test", DataLocations.of(tmp_path / "data"))
    assert (len(found), found.place(0)) == (1, f"{folder / 'test.jsonl'}:4")


@pytest.fixture
def local(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], TaskFile]:
    """A task with these lines about its data, and files beside it; the working directory is elsewhere."""
    folder = tmp_path / "tasks" / "mine"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        text = "".join(json.dumps({"question": f"{split} {number}", "answers": ["x"]}) + "\n" for number in range(6))
        (folder / f"{split}.jsonl").write_text(text)
    (folder / "test.csv").write_text("question;label\nq;1\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return lambda lines: read_task("colours", [write(**{"task: colours\n": f"task: colours\n{lines}\n"})])


@pytest.mark.parametrize(
    ("lines", "split", "first"),
    [
        (
            "dataset_path: json\ndataset_kwargs: {data_files: {train: mine/train.jsonl, test: mine/test.jsonl}}",
            "test",
            "test 0",
        ),
        (
            "dataset_path: json\ndataset_kwargs: {data_files: {train: [mine/test.jsonl, mine/train.jsonl]}}",
            "train",
            "test 0",
        ),
        ("dataset_path: json\ndataset_kwargs: {data_files: mine/test.jsonl}", "train", "test 0"),
        ("dataset_path: json\ndataset_kwargs: {data_files: [mine/t*n.jsonl]}", "train", "train 0"),
        ("dataset_path: json\ndataset_kwargs: {data_dir: mine}", "test", "test 0"),
        ("dataset_path: json\ndataset_kwargs: {data_dir: mine, data_files: {test: test.jsonl}}", "test", "test 0"),
        ('dataset_path: csv\ndataset_kwargs: {data_files: {test: mine/test.csv}, delimiter: ";"}', "test", "q"),
        ("dataset_path: mine", "test", "test 0"),
        ("dataset_path: ./mine", "train", "train 0"),
    ],
)
def test_local_data_of_lm_eval_are_read_from_beside_the_task(
    local: Callable[[str], TaskFile], lines: str, split: str, first: str
) -> None:
    found = rows(local(lines), split, DataLocations())
    assert found.docs[0]["question"] == first


def test_text_files_and_other_options_are_read_as_datasets_reads_them(
    local: Callable[[str], TaskFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tasks" / "a.txt").write_text("one\n\ntwo\n")
    task = local("dataset_path: text\ndataset_kwargs: {data_files: {test: a.txt}}")
    theirs = datasets.load_dataset("text", data_files=str(tmp_path / "tasks" / "a.txt"), split="train")
    assert list(rows(task, "test", DataLocations()).docs) == list(theirs)
    skipped = local("dataset_path: csv\ndataset_kwargs: {data_files: {test: mine/test.csv}, sep: ';', names: [a, b]}")
    assert rows(skipped, "test", DataLocations()).docs[1] == {"a": "q", "b": "1"}


def test_a_path_of_an_included_file_is_relative_to_it(
    local: Callable[[str], TaskFile], write: Write, tmp_path: Path
) -> None:
    local("dataset_path: json\ndataset_kwargs: {data_files: {test: mine/test.jsonl}}")
    deeper = tmp_path / "tasks" / "deeper"
    deeper.mkdir()
    (deeper / "hues.yaml").write_text("include: ../colours.yaml\ntask: hues\nmetadata: {folder: hues}\n")
    assert len(rows(read_task("hues", [deeper]), "test", DataLocations()).docs) == 6


def test_content_not_place_makes_the_hash(local: Callable[[str], TaskFile], tmp_path: Path) -> None:
    here = rows(local("dataset_path: mine"), "test", DataLocations())
    (tmp_path / "tasks" / "mine").rename(tmp_path / "tasks" / "ours")
    assert rows(local("dataset_path: ours"), "test", DataLocations()).content_hash == here.content_hash


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "dataset_path: json",
            "reads json files and names none; name them: `dataset_kwargs: {data_files",
        ),
        (
            "dataset_path: json\ndataset_kwargs: {data_files: {train: mine/train.jsonl}}",
            "needs the split 'test', which its `data_files` lack; they have: train",
        ),
        ("dataset_path: json\ndataset_kwargs: {data_files: {test: mine/no.jsonl}}", "no.jsonl, which is not there"),
        ("dataset_path: json\ndataset_kwargs: {data_files: {test: 'mine/n*.jsonl'}}", "which is not there"),
        ("dataset_path: ./nowhere", "there is no folder"),
        ("dataset_path: mine/test.jsonl", "name a folder, or `dataset_path: json`"),
        ("dataset_path: json\ndataset_kwargs: {data_files: {test: 3}}", "dataset_kwargs.data_files: names no files"),
        ("dataset_path: json\ndataset_kwargs: [a]", "dataset_kwargs: is not a mapping"),
        ("dataset_path: [json]", "dataset_path: is not a name"),
    ],
)
def test_local_data_that_are_not_there_are_named(local: Callable[[str], TaskFile], lines: str, said: str) -> None:
    with pytest.raises(SuiteError) as caught:
        rows(local(lines), "test", DataLocations())
    assert said in str(caught.value)
