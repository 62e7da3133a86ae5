"""Which row to take for each target of a track: the advice of `suite recommend`, and the rows that it compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leaderboard.view import cells, numbers
from leaderboard.view.badges import clipped
from leaderboard.view.cells import CellView
from leaderboard.view.urls import TrackUrls
from suite.analysis.advice import Advice, Candidate
from suite.analysis.board import Row

MOST = 6
"""The most rows of a table; those beyond it are only counted."""
NAMED = 3
"""The most names in a list."""
FRONTS = ("on the front", "tied", "dominated")
UNKNOWN = "not known"


@dataclass(frozen=True)
class AdviceLine:
    """A row that was compared."""

    name: str
    href: str
    advised: bool
    position: str
    """`on the front`, `tied`, or `dominated by` others."""
    cells: tuple[CellView, ...]
    """Score, gain, held-out change, share kept, training time, memory, artifact."""


@dataclass(frozen=True)
class TargetAdvice:
    """The advice for a target."""

    target: str
    because: str
    """As `suite recommend` words it."""
    lines: tuple[AdviceLine, ...]
    """The advised row, then by place on the Pareto front, then by score; none if there is nothing to compare."""
    omitted: int
    """Number of rows that the table leaves out."""
    excluded: tuple[str, ...]
    """Rows that are no choice, each with the reason."""
    unknown: tuple[str, ...]
    """What the results do not tell."""


def target_advice(urls: TrackUrls, advice: Sequence[Advice]) -> tuple[TargetAdvice, ...]:
    """The advice for each target that has a row with a score."""
    rows = {row.variant: row for row in urls.board.rows}
    return tuple(_of_target(urls, of_target, rows) for of_target in advice if of_target.candidates)


def _of_target(urls: TrackUrls, advice: Advice, rows: dict[str, Row]) -> TargetAdvice:
    fitting = [candidate for candidate in advice.candidates if candidate.front]
    fitting = sorted(
        fitting, key=lambda candidate: (candidate.variant != advice.choice_variant, FRONTS.index(_front(candidate)))
    )
    compared = fitting if len(fitting) > 1 else []
    return TargetAdvice(
        target=advice.target,
        because=advice.because,
        lines=tuple(_line(urls, advice, candidate, rows[candidate.variant]) for candidate in compared[:MOST]),
        omitted=len(compared[MOST:]),
        excluded=tuple(_excluded(advice.candidates)),
        unknown=advice.unknown,
    )


def _line(urls: TrackUrls, advice: Advice, candidate: Candidate, row: Row) -> AdviceLine:
    gain = candidate.gain.estimate if candidate.gain else None
    change = candidate.retention.estimate if candidate.retention else None
    share, seeds = candidate.retained_share, len(row.seeds)
    columns = (
        cells.estimate(candidate.score, UNKNOWN, seeds=seeds),
        cells.estimate(gain, UNKNOWN, signed=True, seeds=seeds),
        cells.estimate(change, UNKNOWN, signed=True, seeds=seeds),
        cells.missing(UNKNOWN) if share is None else CellView(f"{share:.1%}", numbers.raw(share)),
        *cells.costs(row)[1:],
    )
    return AdviceLine(row.name, urls.row(row), row.variant == advice.choice_variant, _position(candidate), columns)


def _front(candidate: Candidate) -> str:
    return candidate.front or FRONTS[-1]


def _position(candidate: Candidate) -> str:
    return f"dominated by {_listed(candidate.better)}" if candidate.better else _front(candidate)


def _excluded(candidates: Sequence[Candidate]) -> Iterator[str]:
    excluded = [candidate for candidate in candidates if candidate.excluded]
    for candidate in excluded[:NAMED]:
        yield f"{clipped(candidate.name)}: {clipped('; '.join(candidate.excluded))}"
    if len(excluded) > NAMED:
        yield f"{len(excluded) - NAMED} more"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
