"""A track's page: one table for each set of targets, with its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.charts.grid import Grid, grid
from leaderboard.charts.ranking import RankChart, rank_chart
from leaderboard.charts.tradeoff import Tradeoff, TradeoffPoint, tradeoff
from leaderboard.pages.formats import format_grid, why_none
from leaderboard.view import cells, numbers
from leaderboard.view.badges import (
    RankCell,
    chance_lead,
    clipped,
    in_common,
    marks,
    rank_cell,
    target_groups,
    tied_with_best,
)
from leaderboard.view.cells import CellView, Note
from leaderboard.view.legend import LegendItem, legend
from leaderboard.view.unwritable import UnwritableTask, unwritable_tasks
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Board, Cell, Row

MOST, LEAST = 50, 8
"""The most rows of a page over all its tables, and the least for each table."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table; tables can be sorted by it."""

    label: str
    title: str
    kind: str
    """`text` or `number`."""
    key: str
    """The column's name in the page's address; equal columns of a page's tables share it."""


@dataclass(frozen=True)
class ColumnGroup:
    """Columns under one heading."""

    label: str
    title: str
    columns: tuple[TableColumn, ...]
    key: str
    """The group's name in the page's address."""
    href: str = ""
    """Link to a page about it."""
    extra: bool = False
    """Whether the group starts collapsed."""


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

    @property
    def charted(self) -> bool:
        """Whether the page has a chart."""
        return any(table.tradeoff or table.rank_chart for table in self.tables)

    @property
    def omitted(self) -> int:
        """The number of rows that a script adds on request."""
        return sum(len(table.rest) for table in self.tables)


def track_page(urls: TrackUrls) -> TrackPage:
    """A track's page."""
    board = urls.board
    groups = target_groups(board)
    few = len(board.rows) <= MOST  # then no table is cut, however the rows are distributed
    most = len(board.rows) if few else max(MOST // max(len(groups), 1), LEAST)
    tables = tuple(_table(urls, targets, f"{urls.slug}-{number}", most) for number, targets in enumerate(groups, 1))
    families = tuple(sorted({row.family for row in board.rows if row.method != BASELINE}))
    unwritable = unwritable_tasks(cell for row in board.rows for cell in (*row.target_scores, *row.held_out))
    return TrackPage(urls, board, tables, families, grid(urls, board.rows), format_grid(urls, board.rows), unwritable)


def _table(urls: TrackUrls, targets: tuple[str, ...], name: str, most: int) -> TargetTable:
    board = urls.board
    rows = [row for row in board.rows if row.targets == targets or row.method == BASELINE]
    reach = max((_reach(row, count) for row in rows for count in board.shots), default=0.0) or 1.0
    indices = {row.experiments: number for number, row in enumerate(board.rows)}
    lines = tuple(_line(urls, row, indices[row.experiments], targets, reach) for row in rows)
    common = in_common([line.marks for line in lines])
    lines = tuple(replace(line, marks=tuple(mark for mark in line.marks if mark not in common)) for line in lines)
    points, omitted = _tradeoff_points(urls, rows, indices, targets)
    shots = numbers.shots(board.shots[-1]) if board.shots else ""
    bands = _bands(urls, rows, targets)
    return TargetTable(
        id=name,
        targets=targets,
        bands=bands,
        lines=lines[:most],
        rest=lines[most:],
        tradeoff=tradeoff(
            points,
            f"target score: {', '.join(_task_label(rows, role) for role in targets[:1])}",
            f"Held-out average, {shots}",
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


def _bands(urls: TrackUrls, rows: Sequence[Row], targets: tuple[str, ...]) -> tuple[ColumnGroup, ...]:
    board, over = urls.board, "with its 95\u00a0% interval"
    target = [
        TableColumn(
            _task_label(rows, role),
            f"score on {role}, the task that was trained for, {over}, and its change from the pretrained model",
            "number",
            f"target.{role}",
        )
        for role in targets
    ]
    kept = [
        TableColumn(
            numbers.shots(n), f"mean over the held-out tasks, {numbers.shots(n)}, {over}", "number", f"kept.{n}"
        )
        for n in board.shots
    ]
    change = [
        TableColumn(numbers.shots(n), "the held-out average minus the pretrained model's", "number", f"change.{n}")
        for n in board.shots
    ]
    ratio = TableColumn(
        "Format ratio",
        "% of held-out answers that have the target’s format: its labels, or its language",
        "number",
        "format",
    )
    costs = (
        TableColumn("Parameters", "parameters that were trained", "number", "parameters"),
        TableColumn("Time", "of training, with prerequisites and all tries; mean over seeds", "number", "time"),
        TableColumn("Memory", "peak memory of training", "number", "memory"),
        TableColumn("Artifact", "size of what training saves", "number", "artifact"),
    )
    tasks = tuple(
        ColumnGroup(
            _task_label(rows, role),
            f"held-out task {role}",
            tuple(
                TableColumn(numbers.shots(n), f"{role}, {numbers.shots(n)}", "number", f"task.{role}.{n}")
                for n in board.shots
            ),
            f"task.{role}",
            urls.task(role),
            extra=True,
        )
        for role in board.roles
        if board.shots and role not in targets
    )
    return (
        ColumnGroup("Gained: score (change)", "on the task that was trained for", tuple(target), "target"),
        *(
            [ColumnGroup("Kept: held-out average", "mean score over the held-out tasks", tuple(kept), "kept")]
            if kept
            else []
        ),
        *([ColumnGroup("Change against pretrained", "", tuple(change), "change")] if change else []),
        ColumnGroup("Format", "how often the model answers other tasks in the target’s format", (ratio,), "format"),
        ColumnGroup("Cost of training", "", costs, "cost"),
        *tasks,
    )


def _line(urls: TrackUrls, row: Row, index: int, targets: tuple[str, ...], reach: float) -> TableLine:
    board = urls.board
    held_out = {(cell.role, cell.shots): cell for cell in row.held_out}
    target = {cell.role: cell for cell in row.target_scores}
    seeds = len(row.seeds)
    lack = clipped("; ".join(row.missing)) or "a held-out task was not evaluated"
    shown: list[CellView] = [
        cells.gained(target.get(role), row, f"{row.name} was not evaluated on {role}") for role in targets
    ]
    for n in board.shots:
        shown.append(
            cells.estimate(row.norm_avg.get(n), f"no held-out average without every held-out task: {lack}", seeds=seeds)
        )
    for n in board.shots:
        why = f"cannot be compared with the pretrained model on every held-out task: {lack}"
        control = CellView(numbers.MISSING, title="this is the control")
        change = cells.tested(row, n, (-reach, reach), why)
        shown.append(control if row.method == BASELINE else change)
    shown += [_ratio(row), *cells.costs(row)]
    for role in board.roles:
        if role not in targets:
            why = f"not measured: {role}"
            shown += [cells.task(held_out.get((role, n)), row, f"{why}, {numbers.shots(n)}") for n in board.shots]
    family = f" · {row.family}" if row.family and row.family != "none" else ""
    subtitle = f"{family} · {seeds} seed{'s' if seeds != 1 else ''}"
    rank, notes = rank_cell(row, board.shots), (*tied_with_best(row), *marks(row, urls.shipped))
    return TableLine(row, index, urls.row(row), urls.method(row.method), subtitle, rank, notes, tuple(shown))


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

    With several targets, x is the score on the first: a mean of different metrics would mean nothing.
    """
    board = urls.board
    points: list[TradeoffPoint] = []
    omitted: list[str] = []
    for row in rows:
        target = next((cell.score for cell in row.target_scores if cell.role in targets[:1]), None)
        kept = row.norm_avg.get(board.shots[-1]) if board.shots else None
        if target is None or kept is None:
            omitted.append(row.name)
        else:
            base, number = row.method == BASELINE, indices[row.experiments]
            points.append(TradeoffPoint(row.name, urls.row(row), target, kept, base, row.costs.seconds, number))
    return points, tuple(omitted)


def _reach(row: Row, shots: int) -> float:
    change = row.change.get(shots)
    return change.reach if change else 0.0


def _task_label(rows: Sequence[Row], role: str) -> str:
    cells_of: list[Cell] = [cell for row in rows for cell in (*row.target_scores, *row.held_out) if cell.role == role]
    metric = next((cell.metric for cell in cells_of if cell.metric), "")
    return f"{role} ({metric})" if metric else role
