"""Cells of a table: a number with its interval, its whisker and its notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from leaderboard.view import numbers
from leaderboard.view.whiskers import Whisker, whisker
from suite.analysis.board import BASELINE, Cell, Row
from suite.stats import ALPHA, Contrast, Estimate

VERDICTS = {
    "▲": "shown to be more than the pretrained model’s",
    "▼": "shown to be less than the pretrained model’s",
    "≈": "not shown to differ from the pretrained model’s",
    "=": "no answer can differ from the pretrained model’s, so nothing was tested",
}
"""What the test of a change says, after Holm's correction for all such changes in the table."""


@dataclass(frozen=True)
class Note:
    """A short remark in a cell."""

    text: str
    title: str
    """Its explanation; empty if it needs none."""
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
    verdict: str = ""
    """Of a change: what its corrected test says (`VERDICTS`)."""


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


def change(value: Contrast | None, p: float | None, why: str, *, span: tuple[float, float], seeds: int) -> CellView:
    """A change from the pretrained model with the verdict of its test. `p`: corrected for the other changes."""
    cell = estimate(value.estimate if value else None, why, span=span, signed=True, seeds=seeds)
    if value is None:
        return cell
    details = [cell.title]
    if value.spread.stderr:
        details += [f"{numbers.probability(p)}, Holm-corrected"] if p is not None else []
        # a scale of 0 to 100 has no larger change
        effect = "none within the scale" if value.resolvable > 100 else f"{value.resolvable:.1f}"
        details.append(f"minimum detectable effect: {effect}")
    return replace(cell, verdict=verdict(value, p), title="; ".join(details))


def verdict(value: Contrast, p: float | None) -> str:
    """The sign of a change (`VERDICTS`). `p`: corrected."""
    if not value.spread.stderr:
        return "="
    if p is None or p > ALPHA:
        return "≈"
    return "▲" if value.value > 0 else "▼"


def interval(value: Estimate, seeds: int, documents: int) -> str:
    """The value and its interval in words, with what the interval is over."""
    number = {"seeds": seeds, "documents": documents}.get(value.over)
    over = f"{number} {value.over}" if number else value.over
    if value.low is None or value.high is None:
        return f"{numbers.plain(value.value)}; no interval could be estimated over {over}"
    return f"{value.value:.2f}, 95\u00a0% interval {value.low:.2f} to {value.high:.2f} over {over}".replace("-", "−")


GUESSED = ("below chance", "≤ chance", "≤ majority")
"""Notes of a score that guessing explains."""


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


def gained(cell: Cell | None, row: Row, why: str, span: tuple[float, float] = (-100.0, 100.0)) -> CellView:
    """A target's change from the pretrained model, with the score beside it."""
    if cell is None or cell.score is None:
        return missing(why)
    score = task(cell, row, why)
    # whether a row is above guessing is said by its rank or its mark, from a test of its own
    notes = tuple(note for note in score.notes if row.learning is None or note.text not in GUESSED)
    beside = (_beside("score", score, row), *notes)
    if row.method == BASELINE:
        return replace(missing("the pretrained model: the other rows’ gains are against its score"), notes=beside)
    unknown = "not known: the pretrained model was not asked the same"
    p, seeds = row.corrected_gains.get(cell.role), len(row.seeds)
    return replace(change(row.gained.get(cell.role), p, unknown, span=span, seeds=seeds), notes=beside)


def kept(row: Row, shots: int, why: str, span: tuple[float, float] = (-100.0, 100.0)) -> CellView:
    """The held-out average's change from the pretrained model, with the average beside it."""
    average = estimate(row.norm_avg.get(shots), why, seeds=len(row.seeds))
    beside = (_beside("average", average, row),) if average.sort else ()
    if row.method == BASELINE:
        return replace(missing("the pretrained model: what rows keep is against its average"), notes=beside)
    view = change(row.against.get(shots), row.corrected.get(shots), why, span=span, seeds=len(row.seeds))
    return replace(view, notes=beside)


def _beside(what: str, score: CellView, row: Row) -> Note:
    """A score in a note; the pretrained model's, which has no change, with its interval."""
    margin = f" {score.margin}" if score.margin and row.method == BASELINE else ""
    return Note(f"{what} {score.text}{margin}", "")


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
