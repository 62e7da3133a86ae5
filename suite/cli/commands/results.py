"""Print results as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.analysis.board import BASELINE, Board, Cell, Row, boards
from suite.api.results import stored_boards
from suite.api.shipped import remark
from suite.cli.commands.artifacts import artifact_lines, stored_artifacts
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import fitted, room, wrapped
from suite.core.errors import StoreAway, SuiteError, did_you_mean
from suite.core.quantities import clock
from suite.core.run_dir import RunDir
from suite.planning import Plan
from suite.results.store import ResultsReader
from suite.stats import Estimate, estimate_text

if TYPE_CHECKING:
    from suite.execution.outcome import Outcome

DASH = "–"
MOST_CLASSES = 20
"""Maximum number of classes of a task in a terminal."""
INTERVAL = "± is half of a 95% interval, [low, high] one whose sides differ"


def report(plan: Plan, home: RunDir, outcome: Outcome) -> None:
    """After a run: print failures, the run's rows, and the page to open."""
    from suite.cli.commands.sharing import render_site

    page: Path | None = None
    unrendered: SuiteError | OSError | None = None
    if not outcome.interrupted:
        try:
            page = render_site(home, None, None)  # before anything is printed, which a console may end
        except (SuiteError, OSError) as error:
            unrendered = error
    print()
    if outcome.interrupted:
        why = str(outcome.interrupted)
        print(f"{why[0].upper()}{why[1:]}. What was finished is kept; the same command goes on from there.")
    if outcome.left:
        print(f"The time limit was reached with {outcome.left} steps left. The same command goes on from there.")
    for title, reason in outcome.failed.items():
        print(f"failed: {title}: {reason}")
    if outcome.blocked:
        print(f"not run, as they need a failed step: {outcome.blocked}")
    planned = {(experiment.experiment.track.name, experiment.experiment.name) for experiment in plan.experiments}
    hurried = outcome.interrupted or isinstance(unrendered, StoreAway)
    try:
        with reading(home, patient=not hurried) as store:
            for board in boards(store):
                rows = [row for row in board.rows if (board.track, row.name) in planned]
                if rows:
                    print("\n".join(table(board, rows, room())))
    except StoreAway:
        if not hurried:  # an interrupted run should not wait for its table, and no run should wait twice
            raise
    if outcome.log is not None:
        print(f"log {outcome.log}")
    undone = f", {len(outcome.failed)} failed, {outcome.blocked} not run" if outcome.failed else ""
    print(f"{outcome.done} steps done, {outcome.reused} reused{undone}, in {clock(outcome.seconds)}")
    if page is not None:
        print(f"open {page}")
    if unrendered is not None:
        raise unrendered


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
    for board, rows, wrong, artifacts in chosen:
        failed_lines = [*wrapped(map(str, wrong), width), ""] if wrong else []
        print("\n".join([*table(board, rows, width), *failed_lines]))
        for row in rows if name else ():
            own = [artifact for artifact in artifacts if artifact.variant == row.variant]
            print("\n".join([*details(row, width), *wrapped(artifact_lines(own), width), ""]))
    for line in wrapped(more, width):
        print(line)


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


def table(board: Board, rows: Sequence[Row], width: int | None = None) -> Iterator[str]:
    """A board's main columns, or those that fit into the width."""
    shots = board.shots
    head = ["experiment", "seeds", "target"]
    head += [f"held-out average {count}-shot" for count in shots] + [f"change {count}-shot" for count in shots]
    head += ["format ratio", "trained", "time"]
    lines = [head]
    for row in rows:
        lines.append(
            [
                row.name + ("*" if row.changes else ""),
                str(len(row.seeds)),
                " ".join(f"{cell.role} {shown(cell.score)}" for cell in row.target_scores) or DASH,
                *(shown(row.norm_avg.get(count)) for count in shots),
                *(DASH if row.method == BASELINE else shown(row.change.get(count), sign=True) for count in shots),
                _ratio(row),
                f"{row.costs.trained_parameters:,}" if row.costs.trained_parameters else DASH,
                clock(row.costs.seconds) if row.costs.seconds else DASH,
            ]
        )
    yield from wrapped([board.title], width)
    seeds, target, first = 1, 2, 3
    ratio, trained, time = (first + 2 * len(shots) + index for index in range(3))
    earlier = [[first + index, first + len(shots) + index] for index in range(len(shots) - 1)]
    yield from fitted(lines, width, [[seeds], [trained], [ratio], [target], *earlier, [time], [ratio - 1]], name=0)
    yield from wrapped(_table_notes(rows), width)
    yield ""


def _table_notes(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.changes:
            yield f"* {row.name} is not on the track's terms: {', '.join(row.changes)}"
        if row.tries:
            yield f"{row.name} is the best of {row.tries} tries on the selection rows; its time is that of all"
        if row.missing:
            yield f"! {row.name} misses {', '.join(row.missing[:3])}" + (" …" if len(row.missing) > 3 else "")
    yield f"{INTERVAL}, over {' or '.join(_over(rows)) or 'documents'}; {DASH} is not measured"


def _chance(cell: Cell) -> str:
    """The score of guessing, and where a score stands that is not shown to be above it."""
    if cell.chance is None:
        return DASH
    return f"{cell.chance:g}" + (" (below chance)" if cell.below_chance else " (at chance)" if cell.at_chance else "")


def details(row: Row, width: int | None = None) -> Iterator[str]:
    """Every score of a row."""
    shown_cells = (*row.target_scores, *row.held_out)
    lenient = ["lenient", "format"] if any(cell.lenient for cell in shown_cells) else []
    lines = [
        ["task", "shots", "metric", "score", *lenient, "documents", "unparsable", "chance", "majority", "macro-F1"]
    ]
    for cell in shown_cells:
        lines.append(
            [
                cell.role,
                str(cell.shots),
                cell.metric,
                shown(cell.score),
                *(_lenient(cell) if lenient else ()),
                str(cell.documents) + (f" ({cell.distinct} distinct)" if 0 < cell.distinct < cell.documents else ""),
                str(cell.unparsable),
                _chance(cell),
                _majority(cell),
                shown(cell.classes.macro_f1 if cell.classes else None),
            ]
        )
    more = len(lenient)
    yield from fitted(lines, width, [[5 + more], [4 + more], [2], [6 + more], [7 + more], [8 + more]], name=0)
    yield from wrapped(_lenient_notes(shown_cells), width)
    yield from _by_class(row, width)
    yield f"run with --seeds {','.join(map(str, row.seeds))}"
    yield ""


def _lenient(cell: Cell) -> tuple[str, str]:
    """The lenient score, and the points of the change that are format."""
    lenient = cell.lenient
    return (shown(lenient.score), shown(lenient.format_gain, sign=True)) if lenient else (DASH, DASH)


def _lenient_notes(cells: Sequence[Cell]) -> Iterator[str]:
    counted: dict[str, list[str]] = {}
    for cell in cells:
        if cell.lenient and cell.role not in counted.setdefault(cell.lenient.reading, []):
            counted[cell.lenient.reading].append(cell.role)
    for what, roles in counted.items():
        yield f"lenient: {what} also counts as the answer to {', '.join(roles)}"
    if counted:
        yield "format: points of the change from the pretrained model that disappear when answers are read leniently"


def _majority(cell: Cell) -> str:
    if cell.classes is None:
        return DASH
    return f"{cell.classes.majority_share:.1f}" + (" (at majority)" if cell.at_majority else "")


def _by_class(row: Row, width: int | None) -> Iterator[str]:
    """The classes of the row's tasks with labels; of many classes, those with the most documents."""
    lines = [["task", "shots", "class", "documents", "answered", "precision", "recall", "F1"]]
    left_out = 0
    for cell in (*row.target_scores, *row.held_out):
        classes = cell.classes.classes if cell.classes else ()
        most = {
            class_scores.label
            for class_scores in sorted(classes, key=lambda class_scores: -class_scores.support)[:MOST_CLASSES]
        }
        left_out += len(classes) - len(most)
        for class_scores in classes:
            if class_scores.label in most:
                shares = (class_scores.precision, class_scores.recall, class_scores.f1)
                counts = [str(class_scores.support), str(class_scores.answered)]
                lines.append(
                    [cell.role, str(cell.shots), class_scores.label, *counts, *(f"{share:.1f}" for share in shares)]
                )
    if len(lines) > 1:
        yield ""
        yield from fitted(lines, width, [[4], [5], [3]], name=2)
        if left_out:
            yield f"{left_out} classes of fewer documents are left out; --json has them, and all confusion matrices"


def shown(estimate: Estimate | None, sign: bool = False) -> str:
    """Format an estimate: ``81.3 ± 2.1``, ``99.6 [97.8, 100.0]`` for an asymmetric interval, or a dash."""
    return DASH if estimate is None else estimate_text(estimate, sign=sign)


def _ratio(row: Row) -> str:
    if row.format_ratio is None:
        return DASH
    control = "" if row.base_format_ratio is None else f" (base {row.base_format_ratio.value:.1f})"
    return f"{shown(row.format_ratio)}{control}"


def _over(rows: Iterable[Row]) -> list[str]:
    cells: list[Cell] = [cell for row in rows for cell in (*row.target_scores, *row.held_out)]
    return sorted({cell.score.over for cell in cells if cell.score and cell.score.low is not None})
