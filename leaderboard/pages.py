"""Which files the site has, one after the other, so that a large store never has to be held at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard import downloads
from leaderboard.chunks import File, script
from leaderboard.claims import claim_groups
from leaderboard.experiment import experiment_view
from leaderboard.history import History
from leaderboard.methods import method_names, method_page
from leaderboard.overview import card
from leaderboard.places import Place, places, query
from leaderboard.rest import rest_of
from leaderboard.scores import Passing, row_files
from leaderboard.tasks import task_page
from leaderboard.told import Told
from leaderboard.versus import compared, versus_files
from leaderboard.views import section
from suite.board import Row, boards
from suite.store import Store


@dataclass(frozen=True)
class Page:
    """A file made from a template."""

    path: str
    template: str
    values: Mapping[str, Any]


def site(store: Store, told: Told) -> Iterator[Page | File]:
    """Every file but the static ones, in a fixed order."""
    found = places(boards(store))
    cards = [card(place) for place in found]
    yield Page("index.html", "index.html.j2", {"cards": cards})
    yield Page("about.html", "about.html.j2", {"places": found})
    yield Page("answers.html", "answers.html.j2", {})
    yield Page("compare.html", "compare.html.j2", {})
    if told.claims or told.unread:
        yield Page("claims.html", "claims.html.j2", {"groups": claim_groups(found, told.claims), "unread": told.unread})
    yield script("rows.js", {"tracks": [_listed(place) for place in found]})
    passing = Passing()
    for place in found:
        yield from _track_pages(store, place, passing, told)
    yield from _method_pages(found, told)


def _listed(place: Place) -> dict[str, Any]:
    """A track's rows, to choose two of."""
    rows = [[place.key(row), row.name, ", ".join(row.targets), list(row.seeds)] for row in place.board.rows]
    named = {"title": place.board.title, "track": place.board.track}
    return {**named, "compared": compared(place), "rows": rows}


def _track_pages(store: Store, place: Place, passing: Passing, told: Told) -> Iterator[Page | File]:
    board = place.board
    part = section(place)
    yield Page(place.page, "track.html.j2", {"section": part, "board": board, "place": place})
    rest = rest_of(part)
    if rest is not None:
        yield script(f"{place.data}-rest.js", rest)
    yield File(f"{place.data}.csv", downloads.as_csv(board))
    yield File(f"{place.data}.json", downloads.as_json(board))
    yield script(f"{place.data}.js", downloads.as_lines(board))
    records = {record.id: record for record in store.experiments(board.track)}
    for row in board.rows:
        yield from _row_pages(store, place, row, History.of(store, row, records), passing)
    yield from versus_files(store, place, records)
    for role in place.tasks:
        page = task_page(store, place, role, tuple(records.values()), passing, told.templates)
        if page.lines:
            yield Page(place.task(role), "task.html.j2", {"view": page, "board": board, "place": place})


def _row_pages(store: Store, place: Place, row: Row, history: History, passing: Passing) -> Iterator[Page | File]:
    view = experiment_view(place, row, history)
    values = {"row": row, "board": place.board, "place": place, "view": view, "compared": query(a=place.key(row))}
    yield Page(place.row(row), "experiment.html.j2", values)
    yield from row_files(store, place, row, history, passing)


def _method_pages(found: Sequence[Place], told: Told) -> Iterator[Page]:
    names = method_names(found)
    views = [method_page(name, found, told.methods.get(name, "")) for name in names]
    links = {view.name: f"methods/{found[0].methods[view.name]}.html" for view in views}
    yield Page("methods.html", "methods.html.j2", {"views": views, "links": links})
    for view in views:
        yield Page(links[view.name], "method.html.j2", {"view": view})
