"""Reads stored results: the store, boards, and comparisons of two experiments."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from suite.analysis.board import Board
from suite.analysis.board import board as board_of
from suite.analysis.board.compare import Comparison
from suite.analysis.board.compare import compare as compare_rows
from suite.analysis.board.named import NamedRows
from suite.analysis.board.unwritable import unwritable_answers, unwritable_lines
from suite.api.paths import File, home_of
from suite.api.shipped import remark
from suite.core.errors import SuiteError, did_you_mean
from suite.core.run_dir import RunDir
from suite.results.store import ResultsReader, Store


@contextmanager
def open_store(home: File | None = None, *, db: str | None = None) -> Iterator[Store]:
    """The store of a folder of runs, for a `with` statement.

    Raises SuiteError if there is no store or if it cannot be read. Warns at the end (`UserWarning`) if any data that
    was read had been changed after it was written.
    """
    with reading(home_of(home, db), warnings.warn) as store:
        yield store


def board(store: ResultsReader, track: str | None = None) -> Board:
    """A track's table: for each row its scores, changes and intervals, its rank and its costs.

    `track` may be omitted if the store has only one. Raises SuiteError for a track without results.
    """
    return board_of(store, _only(tracks_of(store, track)))


def compare(store: ResultsReader, first: str, second: str, track: str | None = None) -> Comparison:
    """The first experiment minus the second, task by task, paired over the documents and seeds that they share.

    `track` may be omitted if only one track has both. Raises SuiteError for an experiment that was not run.
    """
    return compare_rows(NamedRows(store, _only(common_tracks(store, first, second, track))), first, second)


@contextmanager
def reading(home: RunDir, warn: Callable[[str], object], *, patient: bool = True) -> Iterator[Store]:
    """The store of a home, which must exist. Calls `warn` if data that was read was changed after it was written."""
    with Store.open(home.url, create=False, patient=patient) as store:
        yield store
        changed = store.alteration()
    if changed is not None:
        warn(f"{store.where}: {changed}; `suite doctor --deep` says what differs")


def tracks_of(store: ResultsReader, track: str | None) -> tuple[str, ...]:
    """The requested track, or all tracks with rows. Raises SuiteError if there are none."""
    tracks = store.tracks()
    if not tracks:
        raise SuiteError("there is nothing to show yet", where=store.where, fix="`suite run SPEC` first")
    if track not in (None, *tracks):
        hint = "; ".join([did_you_mean(str(track), tracks), *remark(store, track)])
        raise SuiteError(f"nothing was run on the track '{track}'", where="--track", fix=hint)
    return tracks if track is None else (track,)


def stored_boards(store: ResultsReader, track: str | None) -> list[Board]:
    """The boards of a store, or of one track. Raises SuiteError if there are none."""
    return [board_of(store, name) for name in tracks_of(store, track)]


def comparisons(store: ResultsReader, first: str, second: str, track: str | None) -> list[Comparison]:
    """Comparisons of two experiments on each track that has both. Raises SuiteError if there is none."""
    tracks = common_tracks(store, first, second, track)
    return [compare_rows(NamedRows(store, name), first, second) for name in tracks]


def unwritable_on(store: ResultsReader, track: str, names: Collection[str] = ()) -> list[str]:
    """A line for each task of a track of whose right answers the model cannot write some; of named experiments only."""
    records = [record for record in store.experiments(track) if not names or record.name in names]
    of_experiments = store.links_of([record.id for record in records]).values()
    found = unwritable_answers(store, (link for links in of_experiments for link in links))
    return list(unwritable_lines((role, len(each.documents), each.tried) for (role, _), each in found.items()))


def common_tracks(store: ResultsReader, first: str, second: str, track: str | None) -> tuple[str, ...]:
    """The tracks that have both experiments. Raises SuiteError if there is none."""
    ran: dict[str, set[str]] = {}
    for record in store.experiments(track):
        ran.setdefault(record.name, set()).add(record.track)
    for name in (first, second):
        if name not in ran:
            where = f" on the track '{track}'" if track else ""
            hint = "; ".join([did_you_mean(name, ran), *remark(store, track, (name,))])
            raise SuiteError(f"there is no experiment '{name}' in the store{where}", fix=hint)
    tracks = ran[first] & ran[second]
    if not tracks:
        what = f"'{first}' and '{second}' have no track in common"
        raise SuiteError(what, fix=f"run one of them on {min(ran[first])} or {min(ran[second])}")
    return tuple(sorted(tracks))


def _only(tracks: Sequence[str]) -> str:
    """The only track. Raises SuiteError if there are several."""
    if len(tracks) > 1:
        raise SuiteError(f"there are {len(tracks)} tracks", where="track", fix=f"name one of {', '.join(tracks)}")
    return tracks[0]
