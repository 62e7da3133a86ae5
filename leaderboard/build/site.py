"""Which files the site has, one after the other, so that a large store never has to be held at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from leaderboard.build.cache import CacheEntry, PageCache, Unchanged, cache_key
from leaderboard.build.context import SiteContext
from leaderboard.build.row_scores import row_files
from leaderboard.build.table_overflow import overflow_rows
from leaderboard.data import downloads
from leaderboard.data.answers import chunk_paths
from leaderboard.data.difficulty import AnswerPass, recall
from leaderboard.data.experiment_records import RowRecords
from leaderboard.data.js_data import File, script
from leaderboard.data.pairwise import compared, pairwise_files
from leaderboard.pages import classes
from leaderboard.pages.adaptation_shots import adaptation_shots
from leaderboard.pages.claims import claim_groups
from leaderboard.pages.examples import TWO_STAGE, AnswerExamples
from leaderboard.pages.experiment import experiment_view
from leaderboard.pages.method import method_names, method_page
from leaderboard.pages.overview import card
from leaderboard.pages.task import task_page
from leaderboard.pages.track import track_page
from leaderboard.view.urls import TrackUrls, query, track_urls
from suite.analysis.board import BASELINE, Row, boards
from suite.results.store import ExperimentRecord, ResultsReader


@dataclass(frozen=True)
class Page:
    """A file made from a template."""

    path: str
    template: str
    values: Mapping[str, Any]


def site(
    store: ResultsReader, context: SiteContext, cache: PageCache
) -> Iterator[Page | File | Unchanged | CacheEntry]:
    """Every file but the static ones, in a fixed order; of `cache` those that are the same."""
    found = track_urls(boards(store), context.shipped)
    cards = [card(urls) for urls in found]
    yield Page("index.html", "index.html.j2", {"cards": cards})
    yield Page("about.html", "about.html.j2", {"tracks": found, "database": context.database})
    yield Page("answers.html", "answers.html.j2", {})
    yield Page("compare.html", "compare.html.j2", {})
    if context.claims or context.unread:
        yield Page(
            "claims.html", "claims.html.j2", {"groups": claim_groups(found, context.claims), "unread": context.unread}
        )
    yield script("rows.js", {"tracks": [_listed(urls) for urls in found]})
    answer_pass = AnswerPass()
    for urls in found:
        yield from _track_pages(store, urls, answer_pass, context, cache)
    yield from _method_pages(found, context)


def _listed(urls: TrackUrls) -> dict[str, Any]:
    """A track's rows, to choose two of."""
    rows = [[urls.key(row), row.name, ", ".join(row.targets), list(row.seeds)] for row in urls.board.rows]
    named = {"title": urls.board.title, "track": urls.board.track}
    return {**named, "compared": compared(urls), "rows": rows}


def _track_pages(
    store: ResultsReader, urls: TrackUrls, answer_pass: AnswerPass, context: SiteContext, cache: PageCache
) -> Iterator[Page | File | Unchanged | CacheEntry]:
    board = urls.board
    part = track_page(urls)
    yield Page(urls.page, "track.html.j2", {"page": part, "board": board, "urls": urls})
    rest = overflow_rows(part)
    if rest is not None:
        yield script(f"{urls.data}-rest.js", rest)
    yield File(f"{urls.data}.csv", downloads.as_csv(board))
    yield File(f"{urls.data}.json", downloads.as_json(board))
    yield script(f"{urls.data}.js", downloads.as_lines(board))
    records = {record.id: record for record in store.experiments(board.track)}
    marks, examples = store.marks(list(records)), AnswerExamples(store, urls, records)
    keys = {row.experiments: _row_keys(urls, row, records, marks, context) for row in board.rows}
    rest_key = cache_key(list(keys.values()), sorted(urls.shipped), context.templates)
    rest_same = cache.of(urls.page, rest_key)
    for row in board.rows:
        yield from _row_files(
            store, urls, row, records, answer_pass, cache, keys[row.experiments], not rest_same, examples
        )
    if rest_same:
        yield rest_same
        yield CacheEntry(urls.page, rest_key, rest_same.paths)
        return
    paths: list[str] = []
    made: Iterator[Page | File] = chain(
        pairwise_files(store, urls, records), _task_pages(store, urls, records, answer_pass, context)
    )
    for item in made:
        paths.append(item.path)
        yield item
    yield CacheEntry(urls.page, rest_key, tuple(paths))


def _task_pages(
    store: ResultsReader,
    urls: TrackUrls,
    records: Mapping[str, ExperimentRecord],
    answer_pass: AnswerPass,
    context: SiteContext,
) -> Iterator[Page]:
    for role in urls.tasks:
        page = task_page(store, urls, role, tuple(records.values()), answer_pass, context.templates)
        if page.lines:
            yield Page(urls.task(role), "task.html.j2", {"view": page, "board": urls.board, "urls": urls})


def _row_keys(
    urls: TrackUrls, row: Row, records: Mapping[str, ExperimentRecord], marks: Mapping[str, str], context: SiteContext
) -> tuple[str, str]:
    """All that a row's page is made of, which depends on other rows, too; and all that its answers are made of."""
    board = urls.board
    where = (
        urls.slug,
        urls.key(row),
        dict(urls.tasks),
        urls.method(row.method),
        bool(context.claims or context.unread),
    )
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
    shipped = [name in urls.shipped for name in row.experiments]
    page_key = cache_key(row, own, where, head, adaptation_shots(board, row), beside, shipped)
    return page_key, cache_key(scores, own, where, head)


def _row_files(
    store: ResultsReader, urls: TrackUrls, row: Row, records: Mapping[str, ExperimentRecord], answer_pass: AnswerPass,
    cache: PageCache, keys: tuple[str, str], needed: bool, examples: AnswerExamples,
) -> Iterator[Page | File | Unchanged | CacheEntry]:  # fmt: skip
    """A row's page, scores and chunks. `needed`: what it answered counts for the pages of its tasks."""
    page, scores = urls.row(row), urls.scores(row)
    same, said = cache.of(page, keys[0]), cache.of(scores, keys[1])
    if not same or not said:
        row_records = RowRecords.of(store, row, records)
    if same:
        yield same
    else:
        view = experiment_view(urls, row, row_records, examples.of(row, row_records))
        values = {"row": row, "board": urls.board, "urls": urls, "view": view, "compared": query(a=urls.key(row))}
        yield Page(page, "experiment.html.j2", values)
        if view.classes:
            yield File(urls.classes(row), classes.as_csv(row))
    by_class = any(cell.classes for cell in (*row.target_scores, *row.held_out))
    yield CacheEntry(page, keys[0], (page, urls.classes(row)) if by_class else (page,))
    if not said:
        yield from row_files(store, urls, row, row_records, answer_pass, keys[1])
        return
    chunks, asked = cache.extra(scores)
    if needed:
        recall(store, answer_pass, urls, asked)
    new = [path for name, count in chunks for path in chunk_paths(name, count) if name not in answer_pass.written]
    answer_pass.written.update(name for name, _ in chunks)
    yield Unchanged((scores, *new))
    yield CacheEntry(scores, keys[1], said.paths, [chunks, asked])


def _method_pages(found: Sequence[TrackUrls], context: SiteContext) -> Iterator[Page]:
    names = method_names(found)
    views = [method_page(name, found, context.methods.get(name, "")) for name in names]
    links = {view.name: f"methods/{found[0].methods[view.name]}.html" for view in views}
    yield Page("methods.html", "methods.html.j2", {"views": views, "links": links})
    for view in views:
        yield Page(links[view.name], "method.html.j2", {"view": view})
