"""Which files the site has, one after the other, so that a large store never has to be held at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from leaderboard.build.cache import Kept, Made, Same, key_of
from leaderboard.build.context import Told
from leaderboard.build.row_scores import row_files
from leaderboard.build.table_overflow import rest_of
from leaderboard.data import downloads
from leaderboard.data.answers import chunk_paths
from leaderboard.data.difficulty import Passing, recall
from leaderboard.data.experiment_records import History
from leaderboard.data.js_data import File, script
from leaderboard.data.pairwise import compared, versus_files
from leaderboard.pages import classes
from leaderboard.pages.adaptation_shots import by_shots
from leaderboard.pages.claims import claim_groups
from leaderboard.pages.examples import TWO_STAGE, Examples
from leaderboard.pages.experiment import experiment_view
from leaderboard.pages.method import method_names, method_page
from leaderboard.pages.overview import card
from leaderboard.pages.task import task_page
from leaderboard.pages.track import section
from leaderboard.view.urls import Place, places, query
from suite.analysis.board import BASELINE, Row, boards
from suite.store import ExperimentRecord, Store


@dataclass(frozen=True)
class Page:
    """A file made from a template."""

    path: str
    template: str
    values: Mapping[str, Any]


def site(store: Store, told: Told, kept: Kept) -> Iterator[Page | File | Same | Made]:
    """Every file but the static ones, in a fixed order; of `kept` those that are the same."""
    found = places(boards(store), told.shipped)
    cards = [card(place) for place in found]
    yield Page("index.html", "index.html.j2", {"cards": cards})
    yield Page("about.html", "about.html.j2", {"places": found, "database": told.database})
    yield Page("answers.html", "answers.html.j2", {})
    yield Page("compare.html", "compare.html.j2", {})
    if told.claims or told.unread:
        yield Page("claims.html", "claims.html.j2", {"groups": claim_groups(found, told.claims), "unread": told.unread})
    yield script("rows.js", {"tracks": [_listed(place) for place in found]})
    passing = Passing()
    for place in found:
        yield from _track_pages(store, place, passing, told, kept)
    yield from _method_pages(found, told)


def _listed(place: Place) -> dict[str, Any]:
    """A track's rows, to choose two of."""
    rows = [[place.key(row), row.name, ", ".join(row.targets), list(row.seeds)] for row in place.board.rows]
    named = {"title": place.board.title, "track": place.board.track}
    return {**named, "compared": compared(place), "rows": rows}


def _track_pages(
    store: Store, place: Place, passing: Passing, told: Told, kept: Kept
) -> Iterator[Page | File | Same | Made]:
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
    marks, examples = store.marks(list(records)), Examples(store, place, records)
    keys = {row.experiments: _row_keys(place, row, records, marks, told) for row in board.rows}
    rest_key = key_of(list(keys.values()), sorted(place.shipped), told.templates)
    rest_same = kept.of(place.page, rest_key)
    for row in board.rows:
        yield from _row_files(store, place, row, records, passing, kept, keys[row.experiments], not rest_same, examples)
    if rest_same:
        yield rest_same
        yield Made(place.page, rest_key, rest_same.paths)
        return
    paths: list[str] = []
    made: Iterator[Page | File] = chain(
        versus_files(store, place, records), _task_pages(store, place, records, passing, told)
    )
    for item in made:
        paths.append(item.path)
        yield item
    yield Made(place.page, rest_key, tuple(paths))


def _task_pages(
    store: Store, place: Place, records: Mapping[str, ExperimentRecord], passing: Passing, told: Told
) -> Iterator[Page]:
    for role in place.tasks:
        page = task_page(store, place, role, tuple(records.values()), passing, told.templates)
        if page.lines:
            yield Page(place.task(role), "task.html.j2", {"view": page, "board": place.board, "place": place})


def _row_keys(
    place: Place, row: Row, records: Mapping[str, ExperimentRecord], marks: Mapping[str, str], told: Told
) -> tuple[str, str]:
    """All that a row's page is made of, which depends on other rows, too; and all that its answers are made of."""
    board = place.board
    where = (place.slug, place.key(row), dict(place.tasks), place.method(row.method), bool(told.claims or told.unread))
    own = [(records[name], marks[name]) for name in row.experiments]
    head = (board.track, board.title, board.about, board.shots, board.roles, board.targets)
    scores = (row.norm_avg, row.target_scores, row.held_out)
    # its examples are answers of these rows, too
    beside = [
        marks[name]
        for other in board.rows
        if other.method == BASELINE or other.family == TWO_STAGE
        for name in other.experiments
    ]
    shipped = [name in place.shipped for name in row.experiments]
    return key_of(row, own, where, head, by_shots(board, row), beside, shipped), key_of(scores, own, where, head)


def _row_files(
    store: Store, place: Place, row: Row, records: Mapping[str, ExperimentRecord], passing: Passing, kept: Kept,
    keys: tuple[str, str], needed: bool, examples: Examples,
) -> Iterator[Page | File | Same | Made]:  # fmt: skip
    """A row's page, scores and chunks. `needed`: what it answered counts for the pages of its tasks."""
    page, scores = place.row(row), place.scores(row)
    same, said = kept.of(page, keys[0]), kept.of(scores, keys[1])
    if not same or not said:
        history = History.of(store, row, records)
    if same:
        yield same
    else:
        view = experiment_view(place, row, history, examples.of(row, history))
        values = {"row": row, "board": place.board, "place": place, "view": view, "compared": query(a=place.key(row))}
        yield Page(page, "experiment.html.j2", values)
        if view.classes:
            yield File(place.classes(row), classes.as_csv(row))
    by_class = any(cell.classes for cell in (*row.target_scores, *row.held_out))
    yield Made(page, keys[0], (page, place.classes(row)) if by_class else (page,))
    if not said:
        yield from row_files(store, place, row, history, passing, keys[1])
        return
    chunks, asked = kept.told(scores)
    if needed:
        recall(store, passing, place, asked)
    new = [path for name, count in chunks for path in chunk_paths(name, count) if name not in passing.written]
    passing.written.update(name for name, _ in chunks)
    yield Same((scores, *new))
    yield Made(scores, keys[1], said.paths, [chunks, asked])


def _method_pages(found: Sequence[Place], told: Told) -> Iterator[Page]:
    names = method_names(found)
    views = [method_page(name, found, told.methods.get(name, "")) for name in names]
    links = {view.name: f"methods/{found[0].methods[view.name]}.html" for view in views}
    yield Page("methods.html", "methods.html.j2", {"views": views, "links": links})
    for view in views:
        yield Page(links[view.name], "method.html.j2", {"view": view})
