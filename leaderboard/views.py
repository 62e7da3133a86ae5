"""From a board to what the index page shows of it: tables of one target each, with their scatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leaderboard import cells, numbers
from leaderboard.cells import Note, Shown
from leaderboard.charts import Dot, Scatter, scatter
from suite.board import BASELINE, Board, Cell, Row


@dataclass(frozen=True)
class Column:
    """A table column that can be sorted by."""

    label: str
    title: str
    kind: str
    """`text` or `number`."""
    extra: bool = False


@dataclass(frozen=True)
class Band:
    """Columns under one heading."""

    label: str
    title: str
    columns: tuple[Column, ...]
    extra: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a table."""

    row: Row
    href: str
    rank: int | None
    rank_title: str
    marks: tuple[Note, ...]
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Table:
    """The rows that share their targets, with the pretrained model as the control."""

    id: str
    targets: tuple[str, ...]
    bands: tuple[Band, ...]
    lines: tuple[Line, ...]
    scatter: Scatter | None
    x_label: str
    y_label: str
    left_out: tuple[str, ...]
    """Rows that the scatter cannot show."""


@dataclass(frozen=True)
class Section:
    """A track on the index page."""

    id: str
    board: Board
    tables: tuple[Table, ...]
    csv: str
    json: str


def section(board: Board, slug: str, href: Callable[[Row], str]) -> Section:
    """A track's part of the index page."""
    tables = tuple(
        _table(board, targets, f"{slug}-{place}", href) for place, targets in enumerate(target_groups(board), 1)
    )
    return Section(slug, board, tables, f"data/{slug}.csv", f"data/{slug}.json")


def target_groups(board: Board) -> tuple[tuple[str, ...], ...]:
    """The sets of targets that rows were trained for, in the board's order."""
    trained = [row.targets for row in board.rows if row.method != BASELINE]
    return tuple(dict.fromkeys(trained or [row.targets for row in board.rows]))


def ranks(board: Board) -> dict[tuple[str, ...], int]:
    """A row's experiments -> its rank among rows of its targets, if it is complete and on the track's terms."""
    found: dict[tuple[str, ...], int] = {}
    for targets in target_groups(board):
        rows = [row for row in board.rows if row.targets == targets and unranked(row, board.shots) is None]
        values = [_kept(row, board.shots) for row in rows]
        for row, value in zip(rows, values, strict=True):
            found[row.experiments] = 1 + sum(other > value for other in values)
    return found


def unranked(row: Row, shots: Sequence[int]) -> str | None:
    """Why a row has no rank."""
    if row.method == BASELINE:
        return "the control has no rank"
    if row.missing:
        return "no rank: something is missing"
    if row.changes:
        return "no rank: not on the track's terms"
    return None if shots and row.norm_avg.get(shots[-1]) else "no rank: no Norm. Avg."


def _kept(row: Row, shots: Sequence[int]) -> float:
    kept = row.norm_avg.get(shots[-1])
    return kept.value if kept else 0.0


def _table(board: Board, targets: tuple[str, ...], name: str, href: Callable[[Row], str]) -> Table:
    rows = [row for row in board.rows if row.targets == targets or row.method == BASELINE]
    ranked = ranks(board)
    reach = max((_reach(row, count) for row in rows for count in board.shots), default=0.0) or 1.0
    lines = tuple(_line(board, row, targets, ranked.get(row.experiments), reach, href) for row in rows)
    dots, left_out = _dots(board, rows, targets, href)
    most = numbers.shots(board.shots[-1]) if board.shots else ""
    return Table(
        id=name,
        targets=targets,
        bands=_bands(board, rows, targets),
        lines=lines,
        scatter=scatter(dots),
        x_label=f"target score: {', '.join(_task_label(rows, role) for role in targets)}",
        y_label=f"Norm. Avg. of held-out tasks, {most}",
        left_out=left_out,
    )


def _bands(board: Board, rows: Sequence[Row], targets: tuple[str, ...]) -> tuple[Band, ...]:
    over = "with its 95 % interval"
    target = [
        Column(_task_label(rows, role), f"score on {role}, the task that was trained for, {over}", "number")
        for role in targets
    ]
    kept = [
        Column(numbers.shots(n), f"mean over the held-out tasks, {numbers.shots(n)}, {over}", "number")
        for n in board.shots
    ]
    change = [Column(numbers.shots(n), "Norm. Avg. less the pretrained model's", "number") for n in board.shots]
    ratio = Column("Format ratio", "% of held-out answers that begin with a label of the target", "number")
    costs = (
        Column("Parameters", "parameters that were trained", "number"),
        Column("Time", "training, prerequisites and all tries included; mean over seeds", "number"),
        Column("Memory", "peak memory of training", "number"),
        Column("Artifact", "bytes that training leaves", "number"),
    )
    tasks = tuple(
        Band(
            _task_label(rows, role),
            f"held-out task {role}",
            tuple(Column(numbers.shots(n), f"{role}, {numbers.shots(n)}", "number", extra=True) for n in board.shots),
            extra=True,
        )
        for role in board.roles
        if board.shots and role not in targets
    )
    return (
        Band("Gained on target", "the score on the task that was trained for", tuple(target)),
        *([Band("Kept: Norm. Avg.", "mean score of the held-out tasks", tuple(kept))] if kept else []),
        *([Band("Change against pretrained", "", tuple(change))] if change else []),
        Band("Format", "does the model answer other tasks in the target's format?", (ratio,)),
        Band("Cost of training", "", costs),
        *tasks,
    )


def _line(
    board: Board, row: Row, targets: tuple[str, ...], rank: int | None, reach: float, href: Callable[[Row], str]
) -> Line:
    found = {(cell.role, cell.shots): cell for cell in row.held_out}
    target = {cell.role: cell for cell in row.target_scores}
    seeds = len(row.seeds)
    lack = _clipped("; ".join(row.missing)) or "a held-out task was not evaluated"
    shown: list[Shown] = [
        cells.task(target.get(role), row, f"{row.name} was not evaluated on {role}") for role in targets
    ]
    for n in board.shots:
        shown.append(
            cells.estimate(row.norm_avg.get(n), f"no Norm. Avg. without every held-out task: {lack}", seeds=seeds)
        )
    for n in board.shots:
        why = f"cannot be compared with the pretrained model on every held-out task: {lack}"
        control = Shown(numbers.MISSING, title="this is the control")
        change = cells.estimate(row.change.get(n), why, span=(-reach, reach), signed=True, seeds=seeds)
        shown.append(control if row.method == BASELINE else change)
    shown += [_ratio(row), *cells.costs(row)]
    for role in board.roles:
        if role not in targets:
            why = f"not measured: {role}"
            shown += [
                cells.task(found.get((role, n)), row, f"{why}, {numbers.shots(n)}", extra=True) for n in board.shots
            ]
    title = unranked(row, board.shots) or f"by Norm. Avg. at {numbers.shots(board.shots[-1])}"
    return Line(row, href(row), rank, title, marks(row), tuple(shown))


def _ratio(row: Row) -> Shown:
    base = row.base_format_ratio
    notes: tuple[Note, ...] = ()
    if base is not None and row.method != BASELINE:
        title = f"the pretrained model's, as a control: {cells.interval(base, 1, 0)}"
        notes = (Note(f"pretrained {numbers.score(base.value)}", title),)
    why = "needs one target with labels, and all answers to held-out tasks"
    return cells.estimate(row.format_ratio, why, notes=notes, seeds=len(row.seeds))


def marks(row: Row) -> tuple[Note, ...]:
    """What must be known of a row before its numbers are compared."""
    found: list[Note] = []
    if row.method == BASELINE:
        found.append(Note("control", "the model as it came: what the others are compared with"))
    if row.imported:
        found.append(Note("imported", "these results were made elsewhere and imported", warning=True))
    if row.tries:
        told = "settings chosen on rows held out of training, never on reported ones; the time is that of all tries"
        found.append(Note(f"best of {row.tries}", told))
    if row.changes:
        told = ", ".join(row.changes)
        found.append(
            Note(
                f"not on the track's terms: {_clipped(told)}",
                "it changed settings that the track holds equal",
                warning=True,
            )
        )
    if row.missing:
        told = "; ".join(row.missing)
        found.append(Note(f"incomplete: {len(row.missing)} missing", _clipped(f"missing: {told}"), warning=True))
    return tuple(found)


def _clipped(text: str, most: int = 600) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _dots(
    board: Board, rows: Sequence[Row], targets: tuple[str, ...], href: Callable[[Row], str]
) -> tuple[list[Dot], tuple[str, ...]]:
    """With several targets the first one is x: a mean of different metrics would say nothing."""
    dots: list[Dot] = []
    left_out: list[str] = []
    for row in rows:
        target = next((cell.score for cell in row.target_scores if cell.role in targets[:1]), None)
        kept = row.norm_avg.get(board.shots[-1]) if board.shots else None
        if target is None or kept is None:
            left_out.append(row.name)
        else:
            dots.append(Dot(row.name, href(row), target, kept, row.method == BASELINE))
    return dots, tuple(left_out)


def _reach(row: Row, shots: int) -> float:
    change = row.change.get(shots)
    return abs(change.value) + (change.half_width or 0.0) if change else 0.0


def _task_label(rows: Sequence[Row], role: str) -> str:
    cells_of: list[Cell] = [cell for row in rows for cell in (*row.target_scores, *row.held_out) if cell.role == role]
    metric = next((cell.metric for cell in cells_of if cell.metric), "")
    return f"{role} ({metric})" if metric else role
