"""The page of claims: each claim with its verdict, the numbers behind it, and the rows that it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.view import numbers
from leaderboard.view.urls import TrackUrls, slugs
from suite.analysis.claims import Verdict
from suite.analysis.claims.verdict import decided_first, tally


@dataclass(frozen=True)
class ClaimLine:
    """A claim."""

    anchor: str
    verdict: Verdict
    estimate: str
    """The estimate with its interval; a dash without one."""
    p: str
    judged_on: str
    minimum_detectable_effect: str
    rows: tuple[tuple[str, str], ...]
    """(experiment, its page) of each experiment in the claim; the page is empty if it was not run."""


@dataclass(frozen=True)
class ClaimGroup:
    """The claims about a track."""

    title: str
    href: str
    """The track's page; empty if the site has no such track."""
    tally: str
    lines: tuple[ClaimLine, ...]


def claim_groups(track_urls: Sequence[TrackUrls], verdicts: Sequence[Verdict]) -> tuple[ClaimGroup, ...]:
    """The claims grouped by track, tracks in the site's order; in each group decided claims come first."""
    tracks = {urls.board.track: urls for urls in track_urls}
    pages = {id_: urls.row(row) for urls in track_urls for row in urls.board.rows for id_ in row.experiments}
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.track, []).append(verdict)
    return tuple(
        _group(track, tracks.get(track), decided_first(groups[track]), pages)
        for track in (*(name for name in tracks if name in groups), *sorted(groups.keys() - tracks.keys()))
    )


def _group(track: str, urls: TrackUrls | None, verdicts: Sequence[Verdict], pages: Mapping[str, str]) -> ClaimGroup:
    title, href = (urls.board.title, urls.page) if urls else (track, "")
    anchors = slugs(f"{track} {verdict.id} {index}" for index, verdict in enumerate(verdicts))
    lines = zip(anchors.values(), verdicts, strict=True)  # files in different folders may use the same claim id
    return ClaimGroup(title, href, tally(verdicts), tuple(_line(anchor, verdict, pages) for anchor, verdict in lines))


def _line(anchor: str, verdict: Verdict, pages: Mapping[str, str]) -> ClaimLine:
    judged_on = [f"{numbers.grouped(verdict.documents)} documents"] if verdict.documents else []
    judged_on += ["1 seed" if verdict.seeds == 1 else f"{verdict.seeds} seeds"] if verdict.seeds else []
    return ClaimLine(
        anchor=anchor,
        verdict=verdict,
        estimate=verdict.value_text,
        p="" if verdict.p is None else numbers.probability(verdict.p),
        judged_on=", ".join(judged_on),
        minimum_detectable_effect="" if verdict.could_see is None else f"{verdict.could_see:.1f}",
        rows=tuple((name, pages.get(id_ or "", "")) for name, id_ in verdict.experiments.items()),
    )
