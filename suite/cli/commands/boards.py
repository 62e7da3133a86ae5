"""Print boards and comparisons as text or JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from suite.analysis.board import BASELINE, Board, Row
from suite.analysis.board.compare import Comparison, TaskDifference
from suite.analysis.board.standings import standing_text, unlearned_reasons
from suite.api.results import comparisons, stored_boards, unwritable_on
from suite.api.shipped import remark
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.cells import (
    CHANGE,
    DASH,
    shown,
    target_cells,
    time_column,
    trained_column,
    unwritable_notes,
)
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import (
    INTERVAL,
    Cell,
    Fitted,
    TerminalColumn,
    fitted,
    markdown_lines,
    room,
    with_legends,
    wrapped,
)
from suite.core.errors import SuiteError
from suite.core.escape import markdown
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.stats import Contrast, lead_by_chance, p_text

RANK = (
    "rank: by the held-out average at the most shots, with its 95% interval, among rows of the same targets that "
    "learned them: with at least the track's share of the best gain (learned_share, 90% if it says none); =: tied with "
    "the best; on the front: less gain, but no row is ahead of it in gain and average and shown to be better in one; "
    "did not learn: no gain is shown, or no score above guessing"
)
GAINED = "gain: the target's score minus the pretrained model's"
P = "p: of the change, Holm-corrected for all changes of the table"
MDE = "MDE: minimum detectable effect: the smallest difference that is found with 80% power; none: even 100 is not"
COMPONENTS = (
    "variance components: standard errors by documents and by seeds, standard deviation between draws of exemplars"
)
DIFFERENT = "whose rounding, seconds and memory differ"
WON = "won, lost: documents on which the first, or the second, is better (means over seeds; equal documents count once)"


def print_boards(
    home: RunDir, track: str | None, *, as_json: bool = False, as_markdown: bool = False, wide: bool = False
) -> None:
    """Print the boards with rank intervals, tests and minimum detectable effects."""
    if as_json and as_markdown:
        raise SuiteError("takes one of --json and --markdown", where="suite board", fix="leave one out")
    with reading(home) as store:
        boards = stored_boards(store, track)
        more = remark(store, track)
    if as_json:
        print(as_text([plain(_without_control(board)) for board in boards]))
        return
    if as_markdown:
        print("\n".join(_in_markdown(boards)))
        return
    width = room(wide=wide)
    print("\n".join([*with_legends([_board(board, width) for board in boards], width), *wrapped(more, width)]))


def print_comparison(
    home: RunDir, first: str, second: str, track: str | None, *, as_json: bool, wide: bool = False
) -> None:
    """Print the differences of two experiments on each track that has both."""
    with reading(home) as store:
        differences = comparisons(store, first, second, track)
        lost = {each.track: unwritable_on(store, each.track, (first, second)) for each in differences}
        more = remark(store, track, (first, second))
    if as_json:
        print(as_text([plain(comparison) for comparison in differences]))
        return
    width = room(wide=wide)
    tables = [_comparison(each, lost[each.track], width) for each in differences]
    print("\n".join([*with_legends(tables, width), *wrapped(more, width)]))


def _without_control(board: Board) -> Board:
    """The board without the pretrained model's change, because it would be compared with itself."""
    rows = tuple(
        dataclasses.replace(row, against=dict.fromkeys(row.against)) if row.method == BASELINE else row
        for row in board.rows
    )
    return dataclasses.replace(board, rows=rows)


def _board(board: Board, width: int | None) -> Fitted:
    made = fitted(_columns(board), width)
    lines = [*wrapped([board.title], width), *made.lines, *wrapped(_notes(board), width), ""]
    return dataclasses.replace(made, lines=tuple(lines))


def _in_markdown(boards: Sequence[Board]) -> Iterator[str]:
    """All columns and notes of the boards, and at the end what the columns mean, folded."""
    legends: dict[str, None] = {}
    for board in boards:
        columns = _columns(board)
        legends |= dict.fromkeys(column.legend for column in columns if column.legend)
        yield from (f"### {markdown(board.title)}", "", *markdown_lines(columns), "")
        yield from (f"- {markdown(note)}" for note in _notes(board))
        yield ""
    yield from ("<details><summary>What the columns mean</summary>", "")
    yield from (f"- {markdown(legend)}" for legend in (*legends, INTERVAL))
    yield from ("", "</details>")


def _columns(board: Board) -> list[TerminalColumn]:
    rows, last = board.rows, max(board.shots, default=0)
    columns = [
        TerminalColumn("rank", [_rank(row) for row in rows], 12, RANK),
        TerminalColumn("experiment", [row.name + ("*" if row.changes else "") for row in rows], cut=True),
        TerminalColumn("seeds", [str(len(row.seeds)) for row in rows], 3),
        TerminalColumn("target", target_cells(rows), 14),
        TerminalColumn("gain", [_gained(row) for row in rows], 13, GAINED),
    ]
    for count in board.shots:
        columns += _of_shots(rows, count, earlier=count < last)
    columns += [
        trained_column(rows, 7),
        TerminalColumn("memory", [_bytes(row.costs.peak_memory) for row in rows], 4, "memory: the peak in training"),
        TerminalColumn(
            "size", [_bytes(row.costs.artifact_bytes) for row in rows], 6, "size: what training leaves, on disk"
        ),
        time_column(rows, 9),
    ]
    return columns


def _of_shots(rows: Sequence[Row], count: int, *, earlier: bool) -> Iterator[TerminalColumn]:
    """What is kept at a shot count. Those of the most shots, by which rows are ranked, are left out last."""
    contrasts = [None if row.method == BASELINE else row.against.get(count) for row in rows]
    tested = [_tested(contrast, row.corrected.get(count)) for contrast, row in zip(contrasts, rows, strict=True)]
    changes, ps, effects = zip(*tested, strict=True) if tested else ((), (), ())
    averages = [shown(row.norm_avg.get(count)) for row in rows]
    yield TerminalColumn(f"held-out average {count}-shot", averages, 8 if earlier else 11)
    yield TerminalColumn(f"change {count}-shot", changes, 8 if earlier else None, CHANGE)
    yield TerminalColumn(f"p {count}-shot", ps, 5 if earlier else 10, P)
    yield TerminalColumn(f"MDE {count}-shot", effects, 2, MDE)
    yield TerminalColumn(f"variance components {count}-shot", [_components(row, count) for row in rows], 1, COMPONENTS)


def _gained(row: Row) -> Cell:
    """The change of each target."""
    if row.method == BASELINE or not row.gained:
        return DASH
    return tuple(shown(None if contrast is None else contrast.estimate, sign=True) for contrast in row.gained.values())


def _bytes(count: int | None) -> str:
    return size(count) if count else DASH


def _rank(row: Row) -> str:
    if row.rank is None:
        complete = row.learning is not None and not row.missing and not row.changes
        return (standing_text(row.learning) if complete and row.learning else "") or DASH
    rank = row.rank
    interval = str(rank.place) if rank.low == rank.high else f"{rank.place} ({rank.low}–{rank.high})"
    return interval if rank.below_best or row.contenders < 2 else f"{interval} ="


def _tested(contrast: Contrast | None, corrected: float | None) -> tuple[str, str, str]:
    """The texts of a difference, its p, and its minimum detectable effect."""
    if contrast is None:
        return DASH, DASH, DASH
    p = "by construction" if not contrast.spread.stderr else DASH if corrected is None else p_text(corrected)
    # no difference on a scale of 0 to 100 exceeds 100, so these documents cannot reach the power
    mde = DASH if not contrast.resolvable else "none" if contrast.resolvable > 100 else f"{contrast.resolvable:.1f}"
    return shown(contrast.estimate, sign=True), p, mde


def _components(row: Row, count: int) -> Cell:
    variation = row.variation.get(count)
    if variation is None:
        return DASH
    named = {"documents": variation.documents, "seeds": variation.seeds, "draws": variation.draws}
    return tuple(f"{name} {value:.1f}" for name, value in named.items() if value is not None)


def _notes(board: Board) -> Iterator[str]:
    ranked = max((row.contenders for row in board.rows), default=0)
    if ranked > 1:
        lead = lead_by_chance(ranked)
        what = f"by chance alone, the first of {ranked} equal rows leads their mean by {lead:.1f} standard errors"
        yield f"{what}: a lead of that size means nothing"
    yield from unwritable_notes(board.rows)
    if board.mixed_devices:
        yield f"! rows are of several devices, {DIFFERENT}: {_by_device(board.rows)}"
    for row in board.rows:
        if row.changes:
            yield f"* {row.name} is not on the track's terms: {', '.join(row.changes)}"
        yield from (f"! {row.name} did not learn: {reason}" for reason in unlearned_reasons(row))
        if row.tries:
            yield f"{row.name} is the best of {row.tries} tries, chosen on the selection rows"
        if row.missing:
            yield f"! {row.name} has no rank: it misses {', '.join(row.missing[:3])}" + (" …" * (len(row.missing) > 3))


def _by_device(rows: Sequence[Row]) -> str:
    """The names of the rows on each set of device classes."""
    names: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        names.setdefault(row.devices, []).append(row.name)
    return "; ".join(f"{' and '.join(devices) or 'not known'}: {', '.join(each)}" for devices, each in names.items())


def _comparison(comparison: Comparison, unwritable: Sequence[str], width: int | None) -> Fitted:
    lines = [_task_line(task) for task in comparison.tasks]
    for shots, average in comparison.averages.items():
        # a single pre-stated number: not corrected for the tasks that it averages
        tested = _tested(average, average.p)
        lines.append(("held-out average", str(shots), *tested, "", "", str(average.documents), str(average.seeds)))
    task, shot_counts, differences, ps, effects, won, lost, documents, seeds = (
        [line[index] for line in lines] for index in range(9)
    )
    columns = [
        TerminalColumn("task", task, cut=True),
        TerminalColumn("shots", shot_counts),
        TerminalColumn("difference", differences),
        TerminalColumn("p", ps, 5, "p of tasks: Holm-corrected for all tasks of the table"),
        TerminalColumn("MDE", effects, 1, MDE),
        TerminalColumn("won", won, 4, WON),
        TerminalColumn("lost", lost, 4, WON),
        TerminalColumn("documents", documents, 3),
        TerminalColumn("seeds", seeds, 2),
    ]
    notes = [*(f"! {task.why}" for task in comparison.tasks if task.why), *unwritable]
    one, other = (" and ".join(devices) for devices in comparison.devices)
    if one and other and one != other:
        notes.append(f"! the rows are of several devices, {DIFFERENT}: {one}; {other}")
    title = f"{comparison.track}: {comparison.first} − {comparison.second}"
    made = fitted(columns, width)
    return dataclasses.replace(made, lines=(*wrapped([title], width), *made.lines, *wrapped(notes, width), ""))


def _task_line(task: TaskDifference) -> tuple[Cell, ...]:
    counts = [DASH if number is None else str(number) for number in (task.won, task.lost)]
    sizes = [str(task.difference.documents), str(task.difference.seeds)] if task.difference else [DASH, DASH]
    return (task.role, str(task.shots), *_tested(task.difference, task.corrected), *counts, *sizes)
