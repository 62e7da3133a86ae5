"""Print results as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from suite.analysis.board import BASELINE, Board, Row
from suite.analysis.board import Cell as TaskScore
from suite.analysis.board.standings import unlearned_reasons
from suite.api.results import stored_boards
from suite.api.shipped import remark
from suite.cli.commands.artifacts import artifact_lines, stored_artifacts
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
from suite.cli.commands.tables import Fitted, TerminalColumn, fitted, room, with_legends, wrapped
from suite.core.errors import SuiteError, did_you_mean
from suite.core.run_dir import RunDir
from suite.results.store import ResultsReader

if TYPE_CHECKING:
    pass

EARLIER, AVERAGE, TARGET, LENIENT = 4, 6, 9, 7
"""When columns leave a narrow terminal (`TerminalColumn.leaves`)."""
MOST_CLASSES = 20
"""Maximum number of classes of a task in a terminal."""


def show_results(
    home: RunDir, name: str | None, track: str | None, *, as_json: bool = False, wide: bool = False
) -> None:
    """Print the boards, or one experiment's rows with every score."""
    with reading(home) as store:
        stored = stored_boards(store, track)
        names = {row.name for board in stored for row in board.rows}
        if name is not None and name not in names:
            hint = "; ".join([did_you_mean(name, names), *remark(store, track, (name,))])
            raise SuiteError(f"there is no experiment '{name}' in the store", fix=hint)
        more = remark(store, track, (name,) if name else ())
        rows_of = [(board, [row for row in board.rows if name in (None, row.name)]) for board in stored]
        chosen = [
            (board, rows, failures(store, rows), stored_artifacts(store, home, rows)) for board, rows in rows_of if rows
        ]
    if as_json:
        shown_boards = [
            {"track": board.track, "rows": plain(rows), "failed": plain(wrong), "artifacts": plain(artifacts)}
            for board, rows, wrong, artifacts in chosen
        ]
        print(as_text(shown_boards))
        return
    width = room(wide=wide)
    tables: list[Fitted] = []
    for board, rows, wrong, artifacts in chosen:
        made = table(board, rows, width)
        lines = [*made.lines, *([*wrapped(map(str, wrong), width), ""] if wrong else [])]
        for row in rows if name else ():
            own = [artifact for artifact in artifacts if artifact.variant == row.variant]
            lines += [*details(row, width), *wrapped(artifact_lines(own), width), ""]
        tables.append(replace(made, lines=tuple(lines)))
    print("\n".join([*with_legends(tables, width), *wrapped(more, width)]))


@dataclass(frozen=True)
class Failure:
    """A step that was tried and failed."""

    step: str
    title: str
    status: str
    reason: str

    def __str__(self) -> str:
        reason = " ".join("".join(sign if sign.isprintable() else " " for sign in self.reason).split())
        return f"{self.status}: {self.title}: {reason or 'no reason was given'}"


def failures(store: ResultsReader, rows: Sequence[Row]) -> list[Failure]:
    """Failed or cancelled steps of some rows, each once, with the reason."""
    links = store.links_of([experiment for row in rows for experiment in row.experiments])
    ids = list(dict.fromkeys(link.step_id for of_experiment in links.values() for link in of_experiment))
    steps = store.steps(ids)
    failed = [steps[step] for step in ids if steps[step].status in ("failed", "cancelled")]
    return [Failure(step.id, step.title, step.status, step.reason or "") for step in failed]


RATIO = "format ratio: the share of held-out answers in the target's format; base: of the pretrained model's"


def table(board: Board, rows: Sequence[Row], width: int | None = None, notes: Sequence[str] = ()) -> Fitted:
    """A board's main columns, or those that fit into the width, and notes below them."""
    last = board.shots[-1:]
    kept, changes = list[TerminalColumn](), list[TerminalColumn]()
    for count in board.shots:
        leaves = None if [count] == [*last] else EARLIER
        changed = [DASH if row.method == BASELINE else shown(row.change.get(count), sign=True) for row in rows]
        averages = [shown(row.norm_avg.get(count)) for row in rows]
        kept.append(TerminalColumn(f"held-out average {count}-shot", averages, AVERAGE if leaves is None else leaves))
        changes.append(TerminalColumn(f"change {count}-shot", changed, leaves, CHANGE))
    columns = [
        TerminalColumn("experiment", [row.name + ("*" if row.changes else "") for row in rows], cut=True),
        TerminalColumn("seeds", [str(len(row.seeds)) for row in rows], 1),
        TerminalColumn("target", target_cells(rows), TARGET),
        *kept,
        *changes,
        TerminalColumn("format ratio", [_ratio(row) for row in rows], 3, RATIO),
        trained_column(rows, 2),
        time_column(rows, 5),
    ]
    made = fitted(columns, width)
    lines = [*wrapped([board.title], width), *made.lines, *wrapped([*_table_notes(rows), *notes], width), ""]
    return replace(made, lines=tuple(lines))


def _table_notes(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.changes:
            yield f"* {row.name} is not on the track's terms: {', '.join(row.changes)}"
        yield from (f"! {row.name} did not learn: {reason}" for reason in unlearned_reasons(row))
        if row.tries:
            yield f"{row.name} is the best of {row.tries} tries on the selection rows; its time is that of all"
        if row.missing:
            yield f"! {row.name} misses {', '.join(row.missing[:3])}" + (" …" if len(row.missing) > 3 else "")
    yield from unwritable_notes(rows)


def details(row: Row, width: int | None = None) -> Iterator[str]:
    """Every score of a row."""
    cells = (*row.target_scores, *row.held_out)
    columns = [
        TerminalColumn("task", [cell.role for cell in cells], cut=True),
        TerminalColumn("shots", [str(cell.shots) for cell in cells]),
        TerminalColumn("metric", [cell.metric for cell in cells], 3),
        TerminalColumn("score", [shown(cell.score) for cell in cells]),
        *_lenient_columns(cells),
        TerminalColumn("documents", [_documents(cell) for cell in cells], 2),
        TerminalColumn("unparsable", [str(cell.unparsable) for cell in cells], 1),
        TerminalColumn("chance", [_chance(cell) for cell in cells], 4),
        TerminalColumn("majority", [_majority(cell) for cell in cells], 5),
        TerminalColumn("macro-F1", [shown(cell.classes.macro_f1 if cell.classes else None) for cell in cells], 6),
    ]
    yield from fitted(columns, width).lines
    yield from wrapped(_lenient_notes(cells), width)
    yield from _by_class(row, width)
    yield f"run with --seeds {','.join(map(str, row.seeds))}"
    yield ""


def _documents(cell: TaskScore) -> str:
    return str(cell.documents) + (f" ({cell.distinct} distinct)" if 0 < cell.distinct < cell.documents else "")


def _chance(cell: TaskScore) -> str:
    """The score of guessing, and where a score stands that is not shown to be above it."""
    if cell.chance is None:
        return DASH
    return f"{cell.chance:g}" + (" (below chance)" if cell.below_chance else " (at chance)" if cell.at_chance else "")


def _lenient_columns(cells: Sequence[TaskScore]) -> list[TerminalColumn]:
    """The lenient scores, and the points of the changes that are format; none where no task has a lenient reading."""
    lenient = [cell.lenient for cell in cells]
    if not any(lenient):
        return []
    return [
        TerminalColumn("lenient", [shown(each.score) if each else DASH for each in lenient], LENIENT),
        TerminalColumn("format", [shown(each.format_gain, sign=True) if each else DASH for each in lenient], LENIENT),
    ]


def _lenient_notes(cells: Sequence[TaskScore]) -> Iterator[str]:
    counted: dict[str, list[str]] = {}
    for cell in cells:
        if cell.lenient and cell.role not in counted.setdefault(cell.lenient.reading, []):
            counted[cell.lenient.reading].append(cell.role)
    for what, roles in counted.items():
        yield f"lenient: {what} also counts as the answer to {', '.join(roles)}"
    if counted:
        yield "format: points of the change from the pretrained model that disappear when answers are read leniently"


def _majority(cell: TaskScore) -> str:
    if cell.classes is None:
        return DASH
    return f"{cell.classes.majority_share:.1f}" + (" (at majority)" if cell.at_majority else "")


def _by_class(row: Row, width: int | None) -> Iterator[str]:
    """The classes of the row's tasks with labels; of many classes, those with the most documents."""
    lines: list[tuple[str, ...]] = []
    left_out = 0
    for cell in (*row.target_scores, *row.held_out):
        classes = cell.classes.classes if cell.classes else ()
        by_support = sorted(classes, key=lambda of_class: -of_class.support)
        most = {of_class.label for of_class in by_support[:MOST_CLASSES]}
        left_out += len(classes) - len(most)
        for each in (of_class for of_class in classes if of_class.label in most):
            shares = (f"{share:.1f}" for share in (each.precision, each.recall, each.f1))
            lines.append((cell.role, str(cell.shots), each.label, str(each.support), str(each.answered), *shares))
    if lines:
        task, shots, label, documents, answered, *shares_by_class = map(list, zip(*lines, strict=True))
        heads = ("precision", "recall", "F1")
        yield ""
        yield from fitted(
            [
                TerminalColumn("task", task),
                TerminalColumn("shots", shots),
                TerminalColumn("class", label, cut=True),
                TerminalColumn("documents", documents, 3),
                TerminalColumn("answered", answered, 1),
                *(TerminalColumn(head, shares, 2 if head == "precision" else None)
                  for head, shares in zip(heads, shares_by_class, strict=True)),
            ],
            width,
        ).lines  # fmt: skip
        if left_out:
            yield f"{left_out} classes of fewer documents are left out; --json has them, and all confusion matrices"


def _ratio(row: Row) -> str:
    if row.format_ratio is None:
        return DASH
    control = "" if row.base_format_ratio is None else f" (base {row.base_format_ratio.value:.1f})"
    return f"{shown(row.format_ratio)}{control}"
