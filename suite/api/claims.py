"""Judges claims from stored results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from suite.analysis.board import BASELINE
from suite.analysis.claims import Claims, Judged, Verdict, judge, judge_further
from suite.api.paths import File
from suite.api.shipped import remark, shipped_rows
from suite.api.verdicts import CachedVerdicts
from suite.core.errors import SuiteError, did_you_mean
from suite.results.store import ResultsReader
from suite.specs.claims import claim_files, read_claims, unknown_names, unknown_track
from suite.specs.workspace import shown


def check(store: ResultsReader, *claims: File, track: str | None = None) -> tuple[Judged, ...]:
    """The verdicts of files of claims, each on its own track and on further ones that have rows, or on `track`.

    Without files, judges all claims that are found (shipped, and in the working directory) on tracks that have rows.
    Raises SuiteError for names of specs, rows or tracks that do not exist.
    """
    return judged(store, chosen(store, [Path(file) for file in claims], track))


@dataclass(frozen=True)
class Chosen:
    """The claims to judge, and the tracks on which they are judged."""

    read: Mapping[Path, Claims]
    pairs: tuple[tuple[Path, str], ...]
    """(file, track)."""
    track_requested: bool
    """Whether the caller named the track."""

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks, by name."""
        return tuple(sorted({track for _, track in self.pairs}))


def chosen(store: ResultsReader, files: Sequence[Path], track: str | None) -> Chosen:
    """The claims to judge. Raises SuiteError for names of specs, rows or tracks that do not exist."""
    read = {file: read_claims(file) for file in (files or claim_files())}
    tracks = store.tracks()
    if track is not None and track not in tracks:
        hint = "; ".join([did_you_mean(track, tracks), *remark(store, track)])
        raise SuiteError(f"the store has no results on the track '{track}'", where="--track", fix=hint)
    pairs = _chosen(read, tracks, track, named=bool(files))
    _check_names(store, read, pairs, track)
    return Chosen(read, tuple(pairs), track_requested=track is not None)


def judged(store: ResultsReader, selection: Chosen) -> tuple[Judged, ...]:
    """The verdicts: one `Judged` for each file and track."""
    return tuple(
        _judge(store, file, selection.read[file], track, selection.pairs, requested=selection.track_requested)
        for file, track in selection.pairs
    )


def _chosen(
    read: Mapping[Path, Claims], stored_tracks: Collection[str], track: str | None, *, named: bool
) -> list[tuple[Path, str]]:
    """(file, track) of each judgement: a file's own track and further ones that have rows, or the requested track."""
    if track is not None and named:
        return [(file, track) for file in read]
    available = {track} if track else set(stored_tracks)
    pairs: list[tuple[Path, str]] = []
    for file, claims in read.items():
        tracks = [name for name in dict.fromkeys((claims.track, *claims.also)) if name in available]
        pairs += [(file, name) for name in tracks or ([claims.track] if named else [])]
    if not pairs:
        judged_tracks = ", ".join(sorted({claims.track for claims in read.values()})) or "nothing"
        what = f"there are no claims about {track or 'what is in the store'}"
        fix = (
            f"name a file and a track: `suite check specs/claims/promot.yaml --track micro` (shipped: {judged_tracks})"
        )
        raise SuiteError(what, fix=fix)
    return pairs


def _check_names(
    store: ResultsReader, read: Mapping[Path, Claims], chosen: Sequence[tuple[Path, str]], track: str | None
) -> None:
    """Raises SuiteError with all unknown names of rows, specs or tracks: their claims could never be decided."""
    records = store.experiments()
    rows = {*(record.name for record in records), *shipped_rows(), BASELINE}
    roles = {role for record in records for role in record.spec["roles"]}
    problems = (
        [] if track else [problem for file in read for problem in unknown_track(file, read[file], store.tracks())]
    )
    for file in dict.fromkeys(file for file, _ in chosen):
        problems += unknown_names(file, read[file], rows, roles)
    if problems:
        raise SuiteError.of(problems)


def _judge(
    store: ResultsReader, file: Path, claims: Claims, track: str, chosen: Sequence[tuple[Path, str]], *, requested: bool
) -> Judged:
    """The verdicts of a file on a track. On its own track and on a requested one, all claims are judged."""
    alone = [other_track for other, other_track in chosen if other == file] == [track]
    own = track == claims.track
    verdicts = judge(store, claims, track) if own or requested else judge_further(store, claims, track)
    return Judged(shown(file), track, verdicts, own=own or alone, left_out=len(claims.claims) - len(verdicts))


@dataclass(frozen=True)
class StoredClaims:
    """The claims about the results in a store."""

    verdicts: tuple[Verdict, ...]
    unread: tuple[str, ...]
    """Messages about files that could not be read. A site shows them instead of failing."""


def judge_stored(store: ResultsReader) -> StoredClaims:
    """Judge the claims that are found by default, on those of their tracks that have rows in the store."""
    tracks, known = store.tracks(), CachedVerdicts(store)
    verdicts: list[Verdict] = []
    unread: list[str] = []
    for file in claim_files() if tracks else ():
        try:
            claims = read_claims(file)
        except SuiteError as error:
            unread.append(str(error))
            continue
        if claims.track in tracks:
            verdicts += known.of(file, claims.track, partial(judge, store, claims), "judge")
        for track in dict.fromkeys(claims.also):
            if track in tracks:
                verdicts += known.of(file, track, partial(judge_further, store, claims, track), "judge further")
    return StoredClaims(tuple(verdicts), tuple(unread))
