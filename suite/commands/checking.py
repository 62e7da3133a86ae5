"""Claims judged, and told in whatever form is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suite.analysis.board import BASELINE
from suite.claims import Claims, Judged, Verdict, judge, judge_further
from suite.claims.report import junit, markdown, plain, text
from suite.commands.boards import as_text
from suite.commands.results import reading
from suite.commands.shipped import remark, shipped_rows
from suite.errors import SuiteError, did_you_mean
from suite.home import Home
from suite.outputs import write_output
from suite.specs.claims import claim_files, read_claims, unknown_names, unknown_track
from suite.specs.workspace import published, shown
from suite.store import Store


@dataclass(frozen=True)
class Reports:
    """Where verdicts are written besides the terminal."""

    junit: Path | None = None
    markdown: Path | None = None
    as_json: bool = False


def check_claims(
    home: Home, files: Sequence[Path], track: str | None, reports: Reports, *, strict: bool = False
) -> bool:
    """Judge and report claims. False if any fails or compares what cannot be compared, or, if strict, is undecided.

    Without files: all claims about tracks that have rows. Where there is no store the records that come with suite are
    judged. Raises SuiteError for names that no spec, row or track has.
    """
    read = {file: read_claims(file) for file in (files or claim_files())}
    with _judged_from(home) as (store, source):
        known = store.tracks()
        if track is not None and track not in known:
            hint = "; ".join([did_you_mean(track, known), *remark(store, track)])
            raise SuiteError(f"nothing was run on the track '{track}'", where="--track", fix=hint)
        chosen = _chosen(read, known, track, named=bool(files))
        _check_names(store, read, chosen, track)
        if source and not {each for _, each in chosen} & set(known):
            about = ", ".join(sorted({each for _, each in chosen}))
            what = f"there is no store yet, and the records that come with suite have nothing about {about}"
            raise SuiteError(what, where=str(home.folder), fix="`suite run` makes one")
        found = [_judge(store, file, read[file], each, chosen, asked=track is not None) for file, each in chosen]
        about_tracks = dict.fromkeys(sorted(each for _, each in chosen))
        more = [source] if source else [line for each in about_tracks for line in remark(store, each)]
    _write(reports.junit, junit(found, strict=strict))
    _write(reports.markdown, markdown(found, strict=strict).encode())
    if reports.as_json:
        print(as_text(plain(found, strict=strict)))
    else:
        print("\n".join([*text(found), *more]))
    return all(each.passes(strict=strict) for judged in found for each in judged.verdicts)


@contextmanager
def _judged_from(home: Home) -> Iterator[tuple[Store, str]]:
    """The store, or the records that come with suite where there is none, and a line that says so."""
    folder = None if home.exists else published()
    if folder is None:
        with reading(home) as store:
            yield store, ""
        return
    from suite.records import read_records_into_memory

    with read_records_into_memory(folder) as store:
        place = "yet" if home.db else f"in {home.folder}"
        yield store, f"there is no store {place}: judged from the records that come with suite"


def _chosen(
    read: Mapping[Path, Claims], known: Collection[str], track: str | None, *, named: bool
) -> list[tuple[Path, str]]:
    """Which file is judged on which track: on its own and further ones that have rows, or on the one asked for."""
    if track is not None and named:
        return [(file, track) for file in read]
    there = {track} if track else set(known)
    found: list[tuple[Path, str]] = []
    for file, claims in read.items():
        tracks = [each for each in dict.fromkeys((claims.track, *claims.also)) if each in there]
        found += [(file, each) for each in tracks or ([claims.track] if named else [])]
    if not found:
        about = ", ".join(sorted({claims.track for claims in read.values()})) or "nothing"
        what = f"there are no claims about {track or 'what is in the store'}"
        fix = f"name a file and a track: `suite check specs/claims/promot.yaml --track micro` (shipped: {about})"
        raise SuiteError(what, fix=fix)
    return found


def _check_names(
    store: Store, read: Mapping[Path, Claims], chosen: Sequence[tuple[Path, str]], track: str | None
) -> None:
    """Raises SuiteError with every name that no row, spec or track has: nothing would ever be found of it."""
    records = store.experiments()
    rows = {*(record.name for record in records), *shipped_rows(), BASELINE}
    roles = {role for record in records for role in record.spec["roles"]}
    problems = [] if track else [each for file in read for each in unknown_track(file, read[file], store.tracks())]
    for file in dict.fromkeys(file for file, _ in chosen):
        problems += unknown_names(file, read[file], rows, roles)
    if problems:
        raise SuiteError.of(problems)


def _judge(
    store: Store, file: Path, claims: Claims, track: str, chosen: Sequence[tuple[Path, str]], *, asked: bool
) -> Judged:
    """The verdicts of a file on a track: of all its claims on its own and on one that was asked for."""
    alone = [each for other, each in chosen if other == file] == [track]
    own = track == claims.track
    verdicts = judge(store, claims, track) if own or asked else judge_further(store, claims, track)
    return Judged(shown(file), track, verdicts, own=own or alone, left_out=len(claims.claims) - len(verdicts))


@dataclass(frozen=True)
class Found:
    """The claims about what a store has."""

    verdicts: tuple[Verdict, ...]
    unread: tuple[str, ...]
    """Why files could not be read: a site is not to fail for one of them, but to say so."""


def judge_found(store: Store) -> Found:
    """Judge the claims that are found without being named, on those of their tracks that the store has rows of."""
    known = store.tracks()
    verdicts: list[Verdict] = []
    unread: list[str] = []
    for file in claim_files() if known else ():
        try:
            claims = read_claims(file)
        except SuiteError as error:
            unread.append(str(error))
            continue
        verdicts += judge(store, claims) if claims.track in known else ()
        for track in dict.fromkeys(claims.also):
            verdicts += judge_further(store, claims, track) if track in known else ()
    return Found(tuple(verdicts), tuple(unread))


def _write(file: Path | None, content: bytes) -> None:
    if file is None:
        return
    write_output(file, content, "name another file")


__all__ = ["Reports", "Verdict", "check_claims"]
