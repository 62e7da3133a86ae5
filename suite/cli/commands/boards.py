"""Print boards and comparisons as text or JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from suite.analysis.board import BASELINE, Board, Row
from suite.analysis.board.compare import Comparison, TaskDifference
from suite.api.results import comparisons, stored_boards
from suite.api.shipped import remark
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.results import DASH, INTERVAL, shown
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import fitted, room, wrapped
from suite.core.run_dir import RunDir
from suite.stats import Contrast, lead_by_chance, p_text

LONGEST_HEAD = 32


def print_boards(home: RunDir, track: str | None, *, as_json: bool, wide: bool = False) -> None:
    """Print the boards with rank intervals, tests and minimum detectable effects."""
    with reading(home) as store:
        boards = stored_boards(store, track)
        more = remark(store, track)
    if as_json:
        print(as_text([plain(_without_control(board)) for board in boards]))
        return
    width = room(wide=wide)
    print("\n".join([*(_board(board, width) for board in boards), *wrapped(more, width)]))


def print_comparison(
    home: RunDir, first: str, second: str, track: str | None, *, as_json: bool, wide: bool = False
) -> None:
    """Print the differences of two experiments on each track that has both."""
    with reading(home) as store:
        differences = comparisons(store, first, second, track)
        more = remark(store, track, (first, second))
    if as_json:
        print(as_text([plain(comparison) for comparison in differences]))
        return
    width = room(wide=wide)
    print("\n".join([*(_comparison(comparison, width) for comparison in differences), *wrapped(more, width)]))


def _without_control(board: Board) -> Board:
    """The board without the pretrained model's change, because it would be compared with itself."""
    rows = tuple(
        dataclasses.replace(row, against=dict.fromkeys(row.against)) if row.method == BASELINE else row
        for row in board.rows
    )
    return dataclasses.replace(board, rows=rows)


def _board(board: Board, width: int | None) -> str:
    shots = board.shots
    head = ["rank", "experiment", "seeds", "target"]
    for count in shots:
        head += [f"held-out average {count}-shot", "change", "p", "MDE", "variance components"]
    lines = [head, *(_line(row, shots) for row in board.rows)]
    table = fitted(lines, width, _expendable(len(shots)), name=1)
    return "\n".join([*wrapped([board.title], width), *table, *wrapped(_notes(board), width), ""])


def _expendable(shots: int) -> Iterator[list[int]]:
    """Groups of column indices to leave out, the least important first. The last shot count decides the rank."""
    seeds, target, first, per_shot = 2, 3, 4, 5
    for column in (4, 3):
        yield [first + per_shot * index + column for index in range(shots)]
    yield [seeds]
    yield [first + per_shot * index + 2 for index in range(shots)]
    yield [target]
    for index in range(shots - 1):
        yield [first + per_shot * index + column for column in (0, 1)]
    yield [first + per_shot * (shots - 1) + 1]


def _line(row: Row, shots: Sequence[int]) -> list[str]:
    targets = " ".join(f"{cell.role} {shown(cell.score)}" for cell in row.target_scores)
    line = [_rank(row), row.name + ("*" if row.changes else ""), str(len(row.seeds)), targets or DASH]
    for count in shots:
        against = None if row.method == BASELINE else row.against.get(count)
        line += [shown(row.norm_avg.get(count)), *(_tested(against, row.corrected.get(count))), _components(row, count)]
    return line


def _rank(row: Row) -> str:
    if row.rank is None:
        return DASH
    rank = row.rank
    interval = str(rank.place) if rank.low == rank.high else f"{rank.place} ({rank.low}–{rank.high})"
    return interval if rank.below_best or row.contenders < 2 else f"{interval} ="


def _tested(contrast: Contrast | None, corrected: float | None) -> list[str]:
    """The texts of a difference, its p, and its minimum detectable effect."""
    if contrast is None:
        return [DASH] * 3
    p = "by construction" if not contrast.spread.stderr else DASH if corrected is None else p_text(corrected)
    # no difference on a scale of 0 to 100 exceeds 100, so these documents cannot reach the power
    mde = DASH if not contrast.resolvable else "none" if contrast.resolvable > 100 else f"{contrast.resolvable:.1f}"
    return [shown(contrast.estimate, sign=True), p, mde]


def _components(row: Row, count: int) -> str:
    variation = row.variation.get(count)
    if variation is None:
        return DASH
    named = {"documents": variation.documents, "seeds": variation.seeds, "draws": variation.draws}
    return ", ".join(f"{name} {value:.1f}" for name, value in named.items() if value is not None)


def _notes(board: Board) -> Iterator[str]:
    ranked = max((row.contenders for row in board.rows), default=0)
    yield "rank (95% interval), among rows of the same targets; = tied with the best"
    yield f"{INTERVAL}, over documents and seeds; change: against the pretrained model; p is Holm's"
    yield "MDE: minimum detectable effect, 80% power (none: no change is large enough)"
    yield "variance components: the standard error of each"
    if ranked > 1:
        lead = lead_by_chance(ranked)
        yield f"of {ranked} equal rows the best leads their mean by {lead:.1f} standard errors by chance"
    for row in board.rows:
        if row.changes:
            yield f"* {row.name} is not on the track's terms: {', '.join(row.changes)}"
        if row.tries:
            yield f"{row.name} is the best of {row.tries} tries, chosen on the selection rows"
        if row.missing:
            yield f"! {row.name} has no rank: it misses {', '.join(row.missing[:3])}" + (" …" * (len(row.missing) > 3))


def _comparison(comparison: Comparison, width: int | None) -> str:
    names = f"{comparison.first} − {comparison.second}"
    long = width is not None and len(names) > LONGEST_HEAD
    head = "difference" if long else names
    lines = [["task", "shots", head, "p", "MDE", "won", "lost", "documents", "seeds"]]
    lines += [_task_line(task) for task in comparison.tasks]
    for shots, average in comparison.averages.items():
        # a single pre-stated number: not corrected for the tasks that it averages
        tested = _tested(average, average.p)
        lines.append(["held-out average", str(shots), *tested, "", "", str(average.documents), str(average.seeds)])
    notes = [
        f"{INTERVAL}, over the documents and seeds in common; p of tasks is Holm's; won and lost: documents on which",
        "one is better (by its mean over seeds); equal documents are one;",
        "MDE: minimum detectable effect, 80% power (none: no difference is large enough)",
        *(f"! {task.why}" for task in comparison.tasks if task.why),
    ]
    table = fitted(lines, width, [[4], [8], [7], [5, 6], [3]], name=0)
    title = f"{comparison.track}: {names}" if long else comparison.track
    return "\n".join([*wrapped([title], width), *table, *wrapped(notes, width), ""])


def _task_line(task: TaskDifference) -> list[str]:
    counts = [DASH if number is None else str(number) for number in (task.won, task.lost)]
    sizes = [str(task.difference.documents), str(task.difference.seeds)] if task.difference else [DASH, DASH]
    return [task.role, str(task.shots), *_tested(task.difference, task.corrected), *counts, *sizes]
