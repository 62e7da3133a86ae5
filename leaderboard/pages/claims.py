"""What the page of claims shows: each claim with its verdict, the numbers behind it, and the rows that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.view import numbers
from leaderboard.view.urls import Place, slugs
from suite.claims import Verdict
from suite.claims.verdict import tally


@dataclass(frozen=True)
class Line:
    """A claim."""

    anchor: str
    verdict: Verdict
    found: str
    """The estimate with its interval; a dash where there is none."""
    p: str
    judged_on: str
    could_see: str
    rows: tuple[tuple[str, str], ...]
    """The experiments that it is about, and their pages; empty for one that was not run."""


@dataclass(frozen=True)
class Group:
    """The claims about a track."""

    title: str
    href: str
    """The track's page; empty where it has none."""
    tally: str
    lines: tuple[Line, ...]


def claim_groups(found: Sequence[Place], verdicts: Sequence[Verdict]) -> tuple[Group, ...]:
    """The claims by track, each in the order of its file."""
    tracks = {place.board.track: place for place in found}
    pages = {id_: place.row(row) for place in found for row in place.board.rows for id_ in row.experiments}
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.track, []).append(verdict)
    return tuple(_group(track, tracks.get(track), those, pages) for track, those in sorted(groups.items()))


def _group(track: str, place: Place | None, verdicts: Sequence[Verdict], pages: Mapping[str, str]) -> Group:
    title, href = (place.board.title, place.page) if place else (track, "")
    anchors = slugs(f"{track} {verdict.id} {at}" for at, verdict in enumerate(verdicts))
    lines = zip(anchors.values(), verdicts, strict=True)  # files of several folders may name a claim alike
    return Group(title, href, tally(verdicts), tuple(_line(anchor, verdict, pages) for anchor, verdict in lines))


def _line(anchor: str, verdict: Verdict, pages: Mapping[str, str]) -> Line:
    told = [f"{numbers.grouped(verdict.documents)} documents"] if verdict.documents else []
    told += ["1 seed" if verdict.seeds == 1 else f"{verdict.seeds} seeds"] if verdict.seeds else []
    return Line(
        anchor=anchor,
        verdict=verdict,
        found=verdict.found.replace("-", "−"),
        p="" if verdict.p is None else numbers.probability(verdict.p),
        judged_on=", ".join(told),
        could_see="" if verdict.could_see is None else f"{verdict.could_see:.1f}",
        rows=tuple((name, pages.get(id_ or "", "")) for name, id_ in verdict.experiments.items()),
    )
