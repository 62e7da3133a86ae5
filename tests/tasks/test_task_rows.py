"""Rows: where they are looked for, what a missing split says, how they are cut and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.tasks.contamination import check_leaks, overlap
from suite.tasks.data import DataLocations, rows
from suite.tasks.definition import read_task
from suite.tasks.splits import draw_exemplars, exemplar_rows, reported_rows, training_rows

Write = Callable[..., Path]
Data = Callable[..., DataLocations]


def row(number: int, **more: object) -> dict[str, object]:
    """A row that differs from every other one."""
    return {"question": f"colour {number} ?", "answers": [f"red {number}", "blue"], **more}


def test_the_data_folder_comes_before_the_bundled_rows(write: Write, data: Data) -> None:
    task = read_task("colours", [write(**{"folder: colours": "folder: micro_rte"})])
    assert len(training_rows(task, DataLocations()).docs) == 2000
    assert training_rows(task, data("micro_rte", train=[row(1)])).docs == (row(1),)


def test_a_split_that_is_not_there_names_those_that_are(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    with pytest.raises(SuiteError) as caught:
        training_rows(task, data(test=[row(1)], trian=[row(2)]))
    assert "needs the split 'train' of 'colours', and " in str(caught.value)
    assert "has no train.jsonl; there are test.jsonl, trian.jsonl; did you mean 'trian'? add train" in str(caught.value)


def test_the_file_that_is_missing_is_of_the_kind_of_the_others(write: Write, tmp_path: Path) -> None:
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "train.csv").write_text("text,label\na,b\n")
    with pytest.raises(
        SuiteError, match=r"colours\.yaml:1: .* has no test\.csv; there are train\.csv; add test\.csv, or"
    ):
        reported_rows(read_task("colours", [write()]), DataLocations((tmp_path,)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"question": 1}\n{"question": \n', r"test.jsonl:2: not a JSON object \(Expecting value, column 14\)"),
        ('{"question": 1}\n7\n{"question": 2}\n', "test.jsonl:2: not a JSON object"),
        ("[1]\n", "test.jsonl: row 1: not a JSON object"),
        ("", "there are no rows in colours/test.jsonl"),
        ('{"a": 1}\n{"a": "\xff"}\n', "test.jsonl:2: is not UTF-8 text"),
    ],
)
def test_a_malformed_line_is_named(write: Write, data: Data, tmp_path: Path, text: str, said: str) -> None:
    locations = data(test=[row(1)])
    (tmp_path / "data" / "colours" / "test.jsonl").write_bytes(text.encode("latin-1"))
    with pytest.raises(SuiteError, match=said):
        reported_rows(read_task("colours", [write()]), locations)


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ("{lable: -1}", "colours.yaml: metadata.drop: no row has the field 'lable'; did you mean 'label'?"),
        (
            '{label: "-1"}',
            "metadata.drop: drops \"-1\", and 'label' is -1 (FILE:2); write `drop: {label: -1}`",
        ),
        ("{code: 7}", 'metadata.drop: drops 7, and \'code\' is "7" (FILE:1); write `drop: {code: "7"}`'),
        ("{label: true}", "metadata.drop: drops true, and 'label' is 1 (FILE:1); write `drop: {label: 1}`"),
        ("{sure: 'True'}", "metadata.drop: drops \"True\", and 'sure' is true (FILE:1); write `drop: {sure: true}`"),
    ],
)
def test_a_drop_that_would_drop_nothing_is_refused(
    write: Write, data: Data, tmp_path: Path, drop: str, said: str
) -> None:
    locations = data(test=[row(1, label=1, code="7", sure=True), row(2, label=-1, code="8", sure=False)])
    with pytest.raises(SuiteError) as caught:
        reported_rows(read_task("colours", [write(**{"kind: qa": f"kind: qa, drop: {drop}"})]), locations)
    assert said.replace("FILE", str(tmp_path / "data" / "colours" / "test.jsonl")) in str(caught.value)


@pytest.mark.parametrize("drop", ["{label: -1}", "{code: '8'}", "{sure: false}", "{label: -1, note: none}"])
def test_rows_are_dropped_by_a_value_of_their_type(write: Write, data: Data, drop: str) -> None:
    first = row(1, label=1, code="7", sure=True, note=None)
    locations = data(test=[first, row(2, label=-1.0, code="8", sure=False)])
    task = read_task("colours", [write(**{"kind: qa": f"kind: qa, drop: {drop}"})])
    assert reported_rows(task, locations).docs == (first,)


def test_a_changed_file_is_read_again(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    before = reported_rows(task, data(test=[row(1)])).content_hash
    assert reported_rows(task, data(test=[row(1), row(2)])).content_hash != before


def test_an_absent_data_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="there is no data folder"):
        DataLocations.of(tmp_path / "nowhere")


def test_without_folder_and_hub_name_the_error_says_what_to_do(write: Write, tmp_path: Path) -> None:
    task = read_task("colours", [write()])
    with pytest.raises(
        SuiteError, match="'colours', and no --data says where it is; pass the folder that holds colours/"
    ):
        reported_rows(task, DataLocations())
    with pytest.raises(SuiteError, match=f"'colours', and there is none in {tmp_path}; pass the folder"):
        reported_rows(task, DataLocations((tmp_path,)))


def test_rows_come_from_the_hub_last_and_bounded_cuts_are_streamed(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    asked: list[tuple[Any, ...]] = []

    def load(path: str, name: str | None, *, split: str, streaming: bool, **more: Any) -> Iterator[dict[str, object]]:
        asked.append((path, name, split, streaming, more))
        return iter([row(number, label=number) for number in range(5)])

    monkeypatch.setattr(datasets, "load_dataset", load)
    where = "task: colours\ndataset_path: some/hues\ndataset_name: en\n"
    where += "dataset_kwargs: {revision: abc, trust_remote_code: true}"
    cut = 'kind: qa, drop: {label: 1}, splits: {train: "train[1:3]"}'
    task = read_task("colours", [write(**{"task: colours": where, "kind: qa": cut, "folder: colours, ": ""})])
    found = training_rows(task, DataLocations())
    assert [doc["label"] for doc in found.docs] == [2, 3]
    assert found.source == "some/hues en train[1:3]"
    assert len(reported_rows(task, DataLocations()).docs) == 4
    assert asked == [
        ("some/hues", "en", "train", True, {"revision": "abc"}),
        ("some/hues", "en", "test", False, {"revision": "abc"}),
    ]


def test_a_hub_that_cannot_be_reached_says_what_to_do(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load(*_: Any, **__: Any) -> None:
        raise ConnectionError("Couldn't reach the hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", load)
    task = read_task("colours", [write(**{"task: colours": "task: colours\ndataset_path: some/greens"})])
    with pytest.raises(SuiteError) as caught:
        reported_rows(task, DataLocations())
    assert str(caught.value) == (
        "cannot get 'some/greens test' from the hub "
        "(ConnectionError: Couldn't reach the hub; offline: HF_HUB_OFFLINE is set); "
        "put colours/test.jsonl into a folder and pass the folder with --data (or SUITE_DATA), or connect"
    )


def test_splits_are_cut_anew_without_overlap(write: Write, data: Data) -> None:
    cut = 'kind: qa, splits: {test: "test[2:]", exemplars: "test[:2]"}'
    task = read_task("colours", [write(**{"kind: qa": cut})])
    locations = data(test=[row(number) for number in range(5)])
    assert reported_rows(task, locations).docs == tuple(row(number) for number in range(2, 5))
    assert exemplar_rows(task, locations).docs == (row(0), row(1))
    assert rows(task, "test", locations).source == "colours/test.jsonl[2:]"


def test_exemplars_are_the_same_for_all_and_never_reported(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    locations = data(train=[row(number, idx=9) for number in range(10)], test=[row(number) for number in range(6)])
    drawn = draw_exemplars(task, locations, 4, 0)
    assert drawn == draw_exemplars(task, locations, 4, 0)
    assert sorted(str(one["question"]) for one in drawn) == [f"colour {number} ?" for number in range(6, 10)]
    assert any(draw_exemplars(task, locations, 4, other) != drawn for other in (1, 2, 3))
    with pytest.raises(SuiteError, match="has 4 rows for exemplars, fewer than 5 shots"):
        draw_exemplars(task, locations, 5, 0)


def test_the_exemplars_of_a_shipped_task_stay_what_they_are() -> None:
    shipped = Path(__file__).parents[2] / "specs" / "tasks"
    task = read_task("micro_triviaqa", [shipped])
    drawn = draw_exemplars(task, DataLocations(), 1, 0)
    assert len(drawn) == 1
    assert drawn == draw_exemplars(task, DataLocations(), 1, 0)


def test_a_task_without_rows_to_spare_has_no_exemplars(write: Write, data: Data) -> None:
    task = read_task("colours", [write(**{"training_split: train\n": ""})])
    with pytest.raises(SuiteError, match="has no rows for exemplars beside the reported ones"):
        exemplar_rows(task, data(test=[row(1)]))
    with pytest.raises(SuiteError, match="has no training split"):
        training_rows(task, data(test=[row(1)]))


def test_rows_that_are_trained_on_and_reported_are_an_error_unless_listed(write: Write, data: Data) -> None:
    locations = data(train=[row(number) for number in range(4)], test=[row(number, id=7) for number in range(3, 9)])
    task = read_task("colours", [write()])
    train, test = training_rows(task, locations), reported_rows(task, locations)
    assert list(overlap(task, test, task, train).same.values()) == [(0, 3)]
    with pytest.raises(SuiteError, match=r"'colours' reports 1 row of .* that 'hues' trains on"):
        check_leaks(task, {"hues": (task, train)}, None, test)
    listed = 'kind: qa, known_overlap: {count: 1, reason: "the official split has it"}'
    task = read_task("colours", [write(**{"kind: qa": listed})])
    notes = check_leaks(task, {"hues": (task, train)}, train, test)
    assert notes == [
        "colours: reports 1 row that hues trains on: the official split has it",
        "colours: leaves 1 row out of the exemplars, as they are reported",
    ]
    assert check_leaks(task, {}, None, test) == []
