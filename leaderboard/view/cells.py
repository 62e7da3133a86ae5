"""Cells of a table: a number with its interval, its whisker and its notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from leaderboard.view import numbers
from leaderboard.view.whiskers import Whisker, whisker
from suite.analysis.board import BASELINE, Cell, Row
from suite.stats import Contrast, Estimate


@dataclass(frozen=True)
class Note:
    """A short remark in a cell."""

    text: str
    title: str
    warning: bool = False
    """Whether a reader who overlooks it would draw a wrong conclusion."""


@dataclass(frozen=True)
class CellView:
    """A table cell."""

    text: str
    sort: str = ""
    """The key that a script sorts by: the exact number; empty without one."""
    title: str = ""
    margin: str = ""
    """The interval: ``±2.1``, or its ends."""
    over: str = ""
    """`documents`, `seeds`, `documents and seeds`, or empty when there is no interval."""
    whisker: Whisker | None = None
    notes: tuple[Note, ...] = ()
    change: str = ""
    """The change from the pretrained model in parentheses, after the value."""


def missing(why: str) -> CellView:
    """A dash; its title is the reason."""
    return CellView(numbers.MISSING, title=why)


def estimate(
    value: Estimate | None,
    why: str,
    *,
    span: tuple[float, float] = (0.0, 100.0),
    signed: bool = False,
    notes: tuple[Note, ...] = (),
    seeds: int = 0,
    documents: int = 0,
) -> CellView:
    """A score with its interval, or a dash with the reason."""
    if value is None:
        return CellView(numbers.MISSING, title=why, notes=notes)
    return CellView(
        text=numbers.score(value.value, signed=signed),
        sort=numbers.raw(value.value),
        title=interval(value, seeds, documents),
        margin=numbers.margin(value, signed=signed),
        over="" if value.low is None else value.over,
        whisker=whisker(value, span),
        notes=notes,
    )


def change(row: Row, shots: int, span: tuple[float, float], why: str) -> CellView:
    """The held-out average's change from the pretrained model's, and its minimum detectable effect."""
    cell = estimate(row.change.get(shots), why, span=span, signed=True, seeds=len(row.seeds))
    against = row.against.get(shots)
    if against is None:
        return cell
    if not against.spread.stderr:
        return replace(cell, notes=(Note("by construction", "no answer can differ, so nothing was tested"),))
    # a scale of 0 to 100 has no larger change
    effect = "none within the scale" if against.resolvable > 100 else f"{against.resolvable:.1f}"
    return replace(cell, title=f"{cell.title}; minimum detectable effect (80\u00a0% power): {effect}")


def tested(row: Row, shots: int, span: tuple[float, float], why: str) -> CellView:
    """A change with its p-value, corrected for the other rows of its table."""
    cell, p = change(row, shots, span, why), row.corrected.get(shots)
    if p is None:
        return cell
    note = Note(f"{numbers.probability(p)}, corrected", "after Holm’s correction for all changes in the table")
    return replace(cell, notes=(note,))


def interval(value: Estimate, seeds: int, documents: int) -> str:
    """The value and its interval in words, with what the interval is over."""
    number = {"seeds": seeds, "documents": documents}.get(value.over)
    over = f"{number} {value.over}" if number else value.over
    if value.low is None or value.high is None:
        return f"{numbers.plain(value.value)}; no interval could be estimated over {over}"
    return f"{value.value:.2f}, 95\u00a0% interval {value.low:.2f} to {value.high:.2f} over {over}".replace("-", "−")


def task(cell: Cell | None, row: Row, why: str) -> CellView:
    """A task's score with its marks."""
    if cell is None:
        return missing(why)
    notes: list[Note] = []
    if cell.below_chance:
        notes.append(Note("below chance", f"below the score of guessing, {numbers.plain(cell.chance)}", warning=True))
    elif cell.at_chance:
        notes.append(
            Note("≤ chance", f"not shown to be above the score of guessing, {numbers.plain(cell.chance)}", warning=True)
        )
    elif cell.at_majority and cell.classes:
        always = f"answering ‘{cell.classes.majority}’ always, {numbers.plain(cell.classes.majority_share)}"
        notes.append(Note("≤ majority", f"not shown to be above {always}", warning=True))
    if 0 < cell.distinct < cell.documents:
        title = (
            f"{cell.documents} documents, {cell.distinct} of them different; in the interval, equal ones count as one"
        )
        notes.append(Note(f"{numbers.grouped(cell.documents - cell.distinct)} repeated", title))
    if cell.unwritable:
        title = f"the model cannot write the right answers to {cell.unwritable} of {cell.documents} documents"
        notes.append(Note(f"{numbers.grouped(cell.unwritable)} cannot be written", title, warning=True))
    if cell.unparsable:
        title = f"{cell.unparsable} answers could not be read, over all seeds; they are scored as wrong"
        notes.append(Note(f"{numbers.grouped(cell.unparsable)} unparsable", title))
    return estimate(
        cell.score,
        f"not measured for every seed: {cell.role}, {numbers.shots(cell.shots)}",
        notes=tuple(notes),
        seeds=len(row.seeds),
        documents=cell.documents,
    )


def gained(cell: Cell | None, row: Row, why: str) -> CellView:
    """A target's score with its change from the pretrained model; the pretrained model's own has no change."""
    return _with_change(task(cell, row, why), row, row.gained.get(cell.role) if cell else None)


def kept(row: Row, shots: int) -> CellView:
    """The held-out average with its change from the pretrained model; the pretrained model's own has no change."""
    view = estimate(row.norm_avg.get(shots), "not every held-out task was measured", seeds=len(row.seeds))
    return _with_change(view, row, row.against.get(shots))


def _with_change(view: CellView, row: Row, change: Contrast | None) -> CellView:
    if change is None or row.method == BASELINE:
        return view
    title = f"{view.title}; change from the pretrained model: {interval(change.estimate, len(row.seeds), 0)}"
    return replace(view, change=f"({numbers.score(change.value, signed=True)})", title=title)


def costs(row: Row) -> tuple[CellView, ...]:
    """Trained parameters, seconds, memory, artifact bytes."""
    cost = row.costs
    if cost.trained_parameters == 0 and not cost.seconds:
        return (CellView("0", "0", "nothing is trained"), *(CellView(numbers.MISSING, "0", "nothing is trained"),) * 3)
    why = "not measured: training is not finished"
    return (
        _cost(cost.trained_parameters, numbers.count, "parameters", why),
        _time(cost.seconds, why),
        _cost(cost.peak_memory, numbers.size, "bytes", why),
        _cost(cost.artifact_bytes, numbers.size, "bytes", why),
    )


def _time(value: float | None, why: str) -> CellView:
    return missing(why) if value is None else CellView(numbers.seconds(value), numbers.raw(value), f"{value:.1f} s")


def _cost(value: int | None, write: Callable[[int], str], unit: str, why: str) -> CellView:
    return missing(why) if value is None else CellView(write(value), str(value), f"{numbers.grouped(value)} {unit}")
