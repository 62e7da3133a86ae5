"""What is read of a board and its URLs is noted by itself, and has a version that changes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from leaderboard.data.recorded_board import recorded_urls
from leaderboard.data.recorder import Reads, Recorder
from leaderboard.view.urls import TrackUrls, track_urls
from suite.analysis.board import Board, Row, boards
from tests.leaderboard.filled import Rendered

Read = Callable[[TrackUrls], object]


@pytest.fixture(scope="module")
def urls(rendered: Rendered) -> TrackUrls:
    (micro,) = track_urls(boards(rendered.store))
    return micro


def reads_of(urls: TrackUrls, read: Read) -> tuple[Reads, object]:
    """What is noted, and its versions."""
    recorder = Recorder({})
    recorded = recorded_urls(urls, recorder)
    with recorder.recording() as reads:
        read(recorded)
    versions = recorder.versions_of(reads)
    assert versions
    return reads, versions


def with_row(urls: TrackUrls, index: int, **values: object) -> TrackUrls:
    rows = list(urls.board.rows)
    rows[index] = replace(rows[index], **values)
    return replace(urls, board=replace(urls.board, rows=tuple(rows)))


@pytest.mark.parametrize("name", [field.name for field in fields(Row) if field.name != "experiments"])
def test_each_field_of_a_row_is_a_read_whose_version_changes_with_it_alone(urls: TrackUrls, name: str) -> None:
    row = urls.files[urls.board.rows[1].experiments]
    read: Read = lambda recorded: getattr(recorded.board.rows[1], name)  # noqa: E731
    reads, versions = reads_of(urls, read)
    assert reads == {"track:board": {"rows"}, f"track:board/rows/{row}": {name}}
    assert reads_of(with_row(urls, 1, **{name: "other"}), read)[1] != versions
    assert reads_of(with_row(urls, 2, **{name: "other"}), read)[1] == versions


@pytest.mark.parametrize("name", [field.name for field in fields(Board) if field.name != "rows"])
def test_each_field_of_the_board_is_a_read_whose_version_changes_with_it(urls: TrackUrls, name: str) -> None:
    read: Read = lambda recorded: getattr(recorded.board, name)  # noqa: E731
    reads, versions = reads_of(urls, read)
    assert reads == {"track:board": {name}}
    assert reads_of(replace(urls, board=replace(urls.board, **{name: "other"})), read)[1] != versions


def test_to_list_the_rows_is_a_read_of_which_there_are(urls: TrackUrls) -> None:
    read: Read = lambda recorded: recorded.board.rows  # noqa: E731
    fewer = replace(urls, board=replace(urls.board, rows=urls.board.rows[1:]))
    assert reads_of(urls, read)[1] == reads_of(with_row(urls, 1, source="other"), read)[1]
    assert reads_of(urls, read)[1] != reads_of(fewer, read)[1]


def test_a_selection_is_a_read_of_the_rows_that_it_has_and_of_no_others(urls: TrackUrls) -> None:
    read: Read = lambda recorded: recorded.board.rows_where(method="lora", targets=("rte",))  # noqa: E731
    plain = urls.board.rows_where(method="lora", targets=("rte",))
    assert [
        row.name for row in recorded_urls(urls, Recorder({})).board.rows_where(method="lora", targets=("rte",))
    ] == [row.name for row in plain]
    assert 1 < len(plain) < len(urls.board.rows)
    other = next(index for index, row in enumerate(urls.board.rows) if row not in plain)
    own = urls.board.rows.index(plain[0])
    _, versions = reads_of(urls, read)
    assert reads_of(with_row(urls, other, method="another"), read)[1] == versions
    assert reads_of(with_row(urls, other, method="lora"), read)[1] != versions
    assert reads_of(with_row(urls, own, method="another"), read)[1] != versions


@pytest.mark.parametrize(
    ("read", "other"),
    [
        (lambda recorded: recorded.task("cb"), {"tasks": {"cb": "other"}}),
        (lambda recorded: list(recorded.tasks), {"tasks": {"cb": "cb"}}),
        (lambda recorded: recorded.method("lora"), {"methods": {"lora": "other"}}),
        (lambda recorded: recorded.page, {"slug": "other"}),
        (lambda recorded: recorded.shipped, {"shipped": frozenset("x")}),
    ],
)
def test_each_url_is_a_read_whose_version_changes_with_it(
    urls: TrackUrls, read: Read, other: dict[str, object]
) -> None:
    assert reads_of(urls, read)[1] != reads_of(replace(urls, **other), read)[1]


def test_a_url_of_one_method_is_no_read_of_another(urls: TrackUrls) -> None:
    read: Read = lambda recorded: recorded.method("lora")  # noqa: E731
    more = replace(urls, methods={**urls.methods, "new": "new"})
    assert reads_of(urls, read)[1] == reads_of(more, read)[1]


def test_what_is_gone_has_no_version(urls: TrackUrls) -> None:
    recorder = Recorder({})
    recorded_urls(urls, recorder)
    for name, part in (
        ("track:board", "no such field"), ("track:board/rows/gone", "name"), ("track:urls/methods", "'gone'"),
        ("track:board/rows_where", "no such field=['x']"),
    ):  # fmt: skip
        assert recorder.versions_of({name: [part]}) is None
