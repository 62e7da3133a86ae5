"""Which files the site has, one after the other, so that a large store never has to be held at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leaderboard import downloads
from leaderboard.answers import answer_sheet
from leaderboard.experiment import experiment_view
from leaderboard.history import History
from leaderboard.paths import slugs
from leaderboard.views import Section, section
from suite.board import Board, Row, boards
from suite.store import Store


@dataclass(frozen=True)
class Page:
    """A file made from a template."""

    path: str
    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class File:
    """A file as it is."""

    path: str
    text: str


@dataclass(frozen=True)
class _Place:
    """A track's board and where its pages go."""

    board: Board
    slug: str
    files: Mapping[tuple[str, ...], str]
    """A row's experiments -> the name of its files."""

    def href(self, row: Row) -> str:
        return f"experiments/{self.slug}/{self.files[row.experiments]}.html"


def site(store: Store) -> Iterator[Page | File]:
    """Every file but the static ones, in a fixed order."""
    found = boards(store)
    tracks = slugs(board.track for board in found)
    places = [_place(board, tracks[board.track]) for board in found]
    sections = [section(place.board, place.slug, place.href) for place in places]
    yield Page("index.html", "index.html.j2", {"sections": sections})
    for place, part in zip(places, sections, strict=True):
        yield File(part.csv, downloads.as_csv(place.board))
        yield File(part.json, downloads.as_json(place.board))
        for row in place.board.rows:
            yield from _row_pages(store, place, part, row)


def _place(board: Board, slug: str) -> _Place:
    keys = {row.experiments: f"{row.slug}\n{'.'.join(row.experiments)}" for row in board.rows}
    plain = slugs(row.slug for row in board.rows)
    taken: dict[str, int] = {}
    for row in board.rows:
        taken[row.slug] = taken.get(row.slug, 0) + 1
    unique = slugs(keys.values())
    files = {key: plain[name.partition("\n")[0]] for key, name in keys.items()}
    files.update({row.experiments: unique[keys[row.experiments]] for row in board.rows if taken[row.slug] > 1})
    return _Place(board, slug, files)


def _row_pages(store: Store, place: _Place, part: Section, row: Row) -> Iterator[Page]:
    history = History.of(store, row)
    file = place.files[row.experiments]
    roles = slugs(role for role, _ in history.evaluations)
    view = experiment_view(place.board, row, history, f"answers/{place.slug}/{file}", roles)
    common = {"row": row, "board": place.board, "section": part}
    yield Page(place.href(row), "experiment.html.j2", {**common, "view": view})
    for task in view.tasks:
        if task.answers:
            sheet = answer_sheet(store, history, task)
            for page in sheet.pages:
                values = {**common, "task": task, "sheet": sheet, "page": page, "back": place.href(row)}
                yield Page(page.path, "answers.html.j2", values)
