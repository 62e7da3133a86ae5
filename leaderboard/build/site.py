"""All files of the site, one after the other, so that a large store never has to be in memory at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from leaderboard.build.advice import track_advice
from leaderboard.build.board_cache import track_board
from leaderboard.build.cache import CacheEntry, PageCache, Unchanged, Written, cache_key
from leaderboard.build.context import SiteContext
from leaderboard.build.row_scores import row_files
from leaderboard.build.table_overflow import overflow_rows
from leaderboard.data import downloads
from leaderboard.data.answers import chunk_paths
from leaderboard.data.difficulty import AnswerPass, recall
from leaderboard.data.experiment_records import RowRecords
from leaderboard.data.js_data import File, script
from leaderboard.data.pairwise import compared, pairwise_files
from leaderboard.data.recorded_board import recorded_urls
from leaderboard.data.recorder import Reads, merged
from leaderboard.data.recording_reader import RecordingReader
from leaderboard.pages import classes
from leaderboard.pages.claims import claim_groups
from leaderboard.pages.examples import AnswerExamples
from leaderboard.pages.experiment import experiment_view
from leaderboard.pages.method import method_names, method_page
from leaderboard.pages.overview import card
from leaderboard.pages.task import task_page
from leaderboard.pages.track import track_page
from leaderboard.view.urls import TrackUrls, own_first, query, track_urls
from suite.analysis.board import Row
from suite.results.store import ResultsReader


@dataclass(frozen=True)
class Page:
    """A file that is rendered from a template."""

    path: str
    template: str
    values: Mapping[str, Any]


def site(
    store: ResultsReader, context: SiteContext, cache: PageCache
) -> Iterator[Page | File | Unchanged | CacheEntry]:
    """Yield every file except the static ones, in a fixed order; files that `cache` has up to date as `Unchanged`."""
    readers = {track: RecordingReader(store, store.experiments(track)) for track in store.tracks()}
    boards = {track: track_board(reader, track, cache) for track, reader in readers.items()}
    yield from (entry for _, entry in boards.values())
    tracks = own_first(track_urls([made for made, _ in boards.values()], context.shipped))
    cards = [card(urls) for urls in tracks]
    yield Page("index.html", "index.html.j2", {"cards": cards})
    yield Page("about.html", "about.html.j2", {"tracks": tracks, "database": context.database})
    yield Page("answers.html", "answers.html.j2", {})
    yield Page("compare.html", "compare.html.j2", {})
    if context.claims or context.unread:
        yield Page(
            "claims.html", "claims.html.j2", {"groups": claim_groups(tracks, context.claims), "unread": context.unread}
        )
    yield script("rows.js", {"tracks": [_listed(urls) for urls in tracks]})
    answer_pass = AnswerPass()
    for urls in tracks:
        yield from _track_pages(readers[urls.board.track], urls, answer_pass, context, cache)
    yield from _method_pages(tracks, context)


def _listed(urls: TrackUrls) -> dict[str, Any]:
    """A track's rows, as the page lists them that compares two of them."""
    rows = [[urls.key(row), row.name, ", ".join(row.targets), list(row.seeds)] for row in urls.board.rows]
    named = {"title": urls.board.title, "track": urls.board.track}
    return {**named, "compared": compared(urls), "rows": rows}


def _track_pages(
    reader: RecordingReader, urls: TrackUrls, answer_pass: AnswerPass, context: SiteContext, cache: PageCache
) -> Iterator[Page | File | Unchanged | CacheEntry]:
    board = urls.board
    recorded = recorded_urls(urls, reader)
    advice, entry = track_advice(reader, recorded, cache)
    yield entry
    part = track_page(urls, advice)
    yield Page(urls.page, "track.html.j2", {"page": part, "board": board, "urls": urls})
    rest = overflow_rows(part)
    if rest is not None:
        yield script(f"{urls.data}-rest.js", rest)
    yield File(f"{urls.data}.csv", downloads.as_csv(board))
    yield File(f"{urls.data}.json", downloads.as_json(board))
    yield script(f"{urls.data}.js", downloads.as_lines(board))
    urls = recorded
    examples = AnswerExamples(reader, urls)
    inputs = cache_key(context.on_every_page)
    rest_inputs = cache_key(context.on_every_page, context.templates)
    rest_same = cache.of(reader, urls.page, rest_inputs)
    answered: list[Mapping[str, Collection[str]]] = []
    for row in urls.board.rows:
        for item in _row_files(reader, urls, row, answer_pass, cache, inputs, rest_same is None, examples):
            if isinstance(item, CacheEntry) and item.name == urls.scores(row):
                answered.append(item.reads)
            yield item
    if rest_same is not None:
        yield Unchanged(rest_same.paths)
        yield rest_same
        return
    paths: list[str] = []
    made: Iterator[Page | File] = chain(
        pairwise_files(reader, urls, reader.records), _task_pages(reader, urls, answer_pass, context)
    )
    with reader.recording() as reads:
        for file in made:
            paths.append(file.path)
            yield file
    # the pages of tasks also depend on the answers of rows, which were read earlier
    yield CacheEntry.of(reader, urls.page, rest_inputs, merged(reads, *answered), Written(tuple(paths)))


def _task_pages(
    reader: RecordingReader, urls: TrackUrls, answer_pass: AnswerPass, context: SiteContext
) -> Iterator[Page]:
    for role in urls.tasks:
        page = task_page(reader, urls, role, tuple(reader.records.values()), answer_pass, context.templates)
        if page.lines:
            yield Page(urls.task(role), "task.html.j2", {"view": page, "board": urls.board, "urls": urls})


def _row_files(
    reader: RecordingReader, urls: TrackUrls, row: Row, answer_pass: AnswerPass, cache: PageCache,
    inputs: str, needed: bool, examples: AnswerExamples,
) -> Iterator[Page | File | Unchanged | CacheEntry]:  # fmt: skip
    """Yield a row's page, scores and chunks. `needed`: the pages of its tasks are rebuilt and use this row's scores."""
    cached_page, cached_scores = cache.of(reader, urls.row(row), inputs), cache.of(reader, urls.scores(row), inputs)
    if cached_page is None or cached_scores is None:
        with reader.recording() as reads:
            row_records = RowRecords.of(reader, row.experiments, reader.records)
    if cached_page is not None:
        yield Unchanged(cached_page.paths)
        yield cached_page
    else:
        yield from _row_page(reader, urls, row, row_records, reads, inputs, examples)
    if cached_scores is not None:
        yield from _same_scores(reader, urls, cached_scores, answer_pass, needed)
        return
    with reader.recording() as further:
        for item in row_files(reader, urls, row, row_records, answer_pass):
            if isinstance(item, Written):
                yield CacheEntry.of(reader, urls.scores(row), inputs, merged(reads, further), item)
            else:
                yield item


def _row_page(
    reader: RecordingReader, urls: TrackUrls, row: Row, row_records: RowRecords, reads: Reads, inputs: str,
    examples: AnswerExamples,
) -> Iterator[Page | File | CacheEntry]:  # fmt: skip
    """Yield a row's page. `reads`: the reads of its records."""
    page = urls.row(row)
    with reader.recording() as further:  # templates read, too, while a file is yielded
        view = experiment_view(urls, row, row_records, examples.of(row, row_records))
        values = {"row": row, "board": urls.board, "urls": urls, "view": view, "compared": query(a=urls.key(row))}
        yield Page(page, "experiment.html.j2", values)
        if view.classes:
            yield File(urls.classes(row), classes.as_csv(row))
    written = Written((page, urls.classes(row)) if view.classes else (page,))
    yield CacheEntry.of(reader, page, inputs, merged(reads, further), written)


def _same_scores(
    reader: RecordingReader, urls: TrackUrls, cached: CacheEntry, answer_pass: AnswerPass, needed: bool
) -> Iterator[Unchanged | CacheEntry]:
    """Yield a row's scores and chunks as the older site has them."""
    chunks, answered = cached.extra
    if needed:
        recall(reader, answer_pass, urls, answered)
    new = [path for name, count in chunks for path in chunk_paths(name, count) if name not in answer_pass.written]
    answer_pass.written.update(name for name, _ in chunks)
    yield Unchanged((cached.name, *new))
    yield cached


def _method_pages(tracks: Sequence[TrackUrls], context: SiteContext) -> Iterator[Page]:
    names = method_names(tracks)
    views = [method_page(name, tracks, context.methods.get(name, "")) for name in names]
    links = {view.name: f"methods/{tracks[0].methods[view.name]}.html" for view in views}
    yield Page("methods.html", "methods.html.j2", {"views": views, "links": links})
    for view in views:
        yield Page(links[view.name], "method.html.j2", {"view": view})
