"""Claims judged, and told in whatever form is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.claims import Claims, Verdict, judge
from suite.claims.report import junit, markdown, text
from suite.commands.boards import as_text
from suite.commands.results import reading
from suite.commands.shipped import remark
from suite.errors import SuiteError, did_you_mean
from suite.home import Home
from suite.specs.claims import claim_files, read_claims
from suite.specs.workspace import shown
from suite.store import Store


@dataclass(frozen=True)
class Reports:
    """Where verdicts are written besides the terminal."""

    junit: Path | None = None
    markdown: Path | None = None
    as_json: bool = False


def check_claims(home: Home, files: Sequence[Path], track: str | None, reports: Reports) -> bool:
    """Judge and report claims. False if any fails, or compares what cannot be compared.

    Without files: all claims about tracks that are in the store.
    """
    read = {file: read_claims(file) for file in (files or claim_files())}
    with reading(home) as store:
        known = store.tracks()
        if track is not None and track not in known:
            hint = "; ".join([did_you_mean(track, known), *remark(store, track)])
            raise SuiteError(f"nothing was run on the track '{track}'", where="--track", fix=hint)
        chosen = read if files else _about(read, known, track)
        found = {shown(file): judge(store, claims, track if files else None) for file, claims in chosen.items()}
        about = {track or claims.track for claims in chosen.values()}
        more = [line for each in sorted(about) for line in remark(store, each)]
    _write(reports.junit, junit(found))
    _write(reports.markdown, markdown(found).encode())
    if reports.as_json:
        plain = {file: [each.plain() for each in verdicts] for file, verdicts in found.items()}
        print(as_text(plain))
    else:
        print("\n".join([*text(found), *more]))
    return not any(each.wrong for verdicts in found.values() for each in verdicts)


@dataclass(frozen=True)
class Judged:
    """The claims about what a store has."""

    verdicts: tuple[Verdict, ...]
    unread: tuple[str, ...]
    """Why files could not be read: a site is not to fail for one of them, but to say so."""


def judge_found(store: Store) -> Judged:
    """Judge the claims that are found without being named, of tracks that the store has something of."""
    known = store.tracks()
    verdicts: list[Verdict] = []
    unread: list[str] = []
    for file in claim_files() if known else ():
        try:
            claims = read_claims(file)
        except SuiteError as error:
            unread.append(str(error))
        else:
            verdicts += judge(store, claims) if claims.track in known else ()
    return Judged(tuple(verdicts), tuple(unread))


def _about(read: dict[Path, Claims], known: Sequence[str], track: str | None) -> dict[Path, Claims]:
    found = {file: claims for file, claims in read.items() if claims.track in ([track] if track else known)}
    if not found:
        about = ", ".join(sorted({claims.track for claims in read.values()})) or "nothing"
        what = f"there are no claims about {track or 'what is in the store'}"
        fix = f"name a file and a track: `suite check specs/claims/promot.yaml --track micro` (shipped: {about})"
        raise SuiteError(what, fix=fix)
    return found


def _write(file: Path | None, content: bytes) -> None:
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise SuiteError(f"cannot be written ({error.strerror})", where=str(file), fix="name another file") from None


__all__ = ["Reports", "Verdict", "check_claims"]
