"""A track's page: one table for each set of targets, with its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.charts.grid import Grid, grid
from leaderboard.charts.ranking import RankChart, rank_chart
from leaderboard.charts.tradeoff import Tradeoff, TradeoffPoint, tradeoff
from leaderboard.pages.advice import TargetAdvice, target_advice
from leaderboard.pages.columns import ColumnGroup, column_groups, task_label
from leaderboard.pages.formats import format_grid, why_none
from leaderboard.view import cells, numbers
from leaderboard.view.badges import (
    RankCell,
    chance_lead,
    clipped,
    devices,
    in_common,
    marks,
    on_front,
    rank_cell,
    target_groups,
    tied_with_best,
    unlearned,
)
from leaderboard.view.cells import CellView, Note
from leaderboard.view.legend import LegendItem, legend
from leaderboard.view.unwritable import UnwritableTask, unwritable_tasks
from leaderboard.view.urls import TrackUrls
from suite.analysis.advice import Advice
from suite.analysis.board import BASELINE, Board, Row
from suite.stats import Estimate

NO_CHANGE = Estimate(0.0, None, None, "documents")
"""The pretrained model's place in a chart of changes."""
MOST, LEAST = 50, 8
"""The most rows of a page over all its tables, and the least for each table."""


@dataclass(frozen=True)
class TableLine:
    """A row of a table."""

    row: Row
    index: int
    """The row's index on the board, by which scripts know it."""
    href: str
    method: str
    """The method's page."""
    subtitle: str
    """Its family and number of seeds."""
    unlearned: bool
    """Whether it learned too little to be ranked."""
    on_front: bool
    """Whether it is on the front of gained and kept, instead of a rank."""
    gain: str
    """The mean gain on its targets, by which a script orders rows; empty if it is not known, and for a row that is
    incomplete or not on the track's terms."""
    kept: str
    """The change of the held-out average at the most shots; empty as above."""
    rank: RankCell
    marks: tuple[Note, ...]
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class TargetTable:
    """The rows that share their targets, with the pretrained model as the control."""

    id: str
    targets: tuple[str, ...]
    bands: tuple[ColumnGroup, ...]
    lines: tuple[TableLine, ...]
    rest: tuple[TableLine, ...]
    """Lines that the page leaves out, to stay small."""
    tradeoff: Tradeoff | None
    plain: int
    """Number of columns that are not scores of single tasks; these are drawn with whiskers."""
    omitted: tuple[str, ...]
    """Rows that the chart cannot show."""
    rank_chart: RankChart | None
    chance_lead: str
    """How far the best of several equal rows leads by chance, as a sentence."""
    common: tuple[Note, ...]
    """Marks that all rows share; they are shown once."""
    legend: tuple[LegendItem, ...]
    """The marks in the table."""


@dataclass(frozen=True)
class TrackPage:
    """A track's page."""

    urls: TrackUrls
    board: Board
    tables: tuple[TargetTable, ...]
    families: tuple[str, ...]
    grid: Grid | None
    formats: Grid | None
    """Format ratios by task."""
    unwritable: tuple[UnwritableTask, ...]
    """Targets and held-out tasks with right answers that the model cannot write."""
    advice: tuple[TargetAdvice, ...]
    """Which row to take, for each target."""

    @property
    def charted(self) -> bool:
        """Whether the page has a chart."""
        return any(table.tradeoff or table.rank_chart for table in self.tables)

    @property
    def omitted(self) -> int:
        """The number of rows that a script adds on request."""
        return sum(len(table.rest) for table in self.tables)


def track_page(urls: TrackUrls, advice: Sequence[Advice] = ()) -> TrackPage:
    """A track's page. `advice`: which row to take, by target."""
    board = urls.board
    groups = target_groups(board)
    few = len(board.rows) <= MOST  # then no table is cut, however the rows are distributed
    most = len(board.rows) if few else max(MOST // max(len(groups), 1), LEAST)
    tables = tuple(_table(urls, targets, f"{urls.slug}-{number}", most) for number, targets in enumerate(groups, 1))
    families = tuple(sorted({row.family for row in board.rows if row.method != BASELINE}))
    unwritable = unwritable_tasks(cell for row in board.rows for cell in (*row.target_scores, *row.held_out))
    return TrackPage(
        urls=urls,
        board=board,
        tables=tables,
        families=families,
        grid=grid(urls, board.rows),
        formats=format_grid(urls, board.rows),
        unwritable=unwritable,
        advice=target_advice(urls, advice),
    )


def _table(urls: TrackUrls, targets: tuple[str, ...], name: str, most: int) -> TargetTable:
    board = urls.board
    rows = [row for row in board.rows if row.targets == targets or row.method == BASELINE]
    reach = max((_reach(row, count) for row in rows for count in board.shots), default=0.0) or 1.0
    gain = max((change.estimate.reach for row in rows for change in row.gained.values() if change), default=0.0) or 1.0
    indices = {row.experiments: number for number, row in enumerate(board.rows)}
    lines = tuple(_line(urls, row, indices[row.experiments], targets, gain, reach) for row in rows)
    common = in_common([line.marks for line in lines])
    lines = tuple(replace(line, marks=tuple(mark for mark in line.marks if mark not in common)) for line in lines)
    points, omitted = _tradeoff_points(urls, rows, indices, targets)
    shots = numbers.shots(board.shots[-1]) if board.shots else ""
    bands = column_groups(urls, rows, targets)
    return TargetTable(
        id=name,
        targets=targets,
        bands=bands,
        lines=lines[:most],
        rest=lines[most:],
        tradeoff=tradeoff(
            points,
            f"Gained: {', '.join(task_label(rows, role) for role in targets[:1])}",
            f"Kept: change of the held-out average, {shots}",
        ),
        plain=sum(len(band.columns) for band in bands if not band.extra),
        omitted=omitted,
        rank_chart=rank_chart([(line.row, line.href, line.index) for line in lines[:most]]),
        chance_lead=chance_lead(rows),
        common=common,
        legend=legend(
            (cell for line in lines for cell in line.cells), (*common, *(mark for line in lines for mark in line.marks))
        ),
    )


def _line(urls: TrackUrls, row: Row, index: int, targets: tuple[str, ...], gain: float, reach: float) -> TableLine:
    board = urls.board
    held_out = {(cell.role, cell.shots): cell for cell in row.held_out}
    target = {cell.role: cell for cell in row.target_scores}
    seeds = len(row.seeds)
    lack = clipped("; ".join(row.missing)) or "a held-out task was not evaluated"
    shown: list[CellView] = [
        cells.gained(target.get(role), row, f"{row.name} was not evaluated on {role}", (-gain, gain))
        for role in targets
    ]
    why = f"cannot be compared with the pretrained model on every held-out task: {lack}"
    shown += [cells.kept(row, n, why, (-reach, reach)) for n in board.shots]
    shown += [_ratio(row), *cells.costs(row)]
    for role in board.roles:
        if role not in targets:
            why = f"not measured: {role}"
            shown += [cells.task(held_out.get((role, n)), row, f"{why}, {numbers.shots(n)}") for n in board.shots]
    family = f" · {row.family}" if row.family and row.family != "none" else ""
    subtitle = f"{family} · {seeds} seed{'s' if seeds != 1 else ''}"
    rank, notes = rank_cell(row, board.shots), (*tied_with_best(row), *marks(row, urls.shipped), *devices(row, board))
    pages = urls.row(row), urls.method(row.method)
    comparable = not row.missing and not row.changes
    change = row.change.get(board.shots[-1]) if board.shots and comparable else None
    learning = row.learning if comparable else None
    values = numbers.raw(learning.gain if learning else None), numbers.raw(change.value if change else None)
    return TableLine(row, index, *pages, subtitle, unlearned(row), on_front(row), *values, rank, notes, tuple(shown))


def _ratio(row: Row) -> CellView:
    base = row.base_format_ratio
    notes: tuple[Note, ...] = ()
    if base is not None and row.method != BASELINE:
        title = f"the pretrained model's, as a control: {cells.interval(base, 1, 0)}"
        notes = (Note(f"pretrained {numbers.score(base.value)}", title),)
    return cells.estimate(row.format_ratio, why_none(row), notes=notes, seeds=len(row.seeds))


def _tradeoff_points(
    urls: TrackUrls, rows: Sequence[Row], indices: Mapping[tuple[str, ...], int], targets: tuple[str, ...]
) -> tuple[list[TradeoffPoint], tuple[str, ...]]:
    """The points of the chart, and the names of rows that it cannot show.

    With several targets, x is the gain on the first: a mean over different metrics would mean little.
    """
    board = urls.board
    points: list[TradeoffPoint] = []
    omitted: list[str] = []
    for row in rows:
        gain = next((row.gained.get(target) for target in targets[:1]), None)
        kept = row.against.get(board.shots[-1]) if board.shots else None
        base, number = row.method == BASELINE, indices[row.experiments]
        if base:
            points.append(TradeoffPoint(row.name, urls.row(row), NO_CHANGE, NO_CHANGE, True, None, number))
        elif gain is None or kept is None:
            omitted.append(row.name)
        else:
            learned, seconds = not unlearned(row), row.costs.seconds
            x, y = gain.estimate, kept.estimate
            points.append(TradeoffPoint(row.name, urls.row(row), x, y, False, seconds, number, learned))
    return points, tuple(omitted)


def _reach(row: Row, shots: int) -> float:
    change = row.change.get(shots)
    return change.reach if change else 0.0
