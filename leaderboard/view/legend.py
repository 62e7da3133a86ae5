"""The meaning of the marks in a table's cells, for the line below the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.view import numbers
from leaderboard.view.cells import VERDICTS, CellView, Note

OVER = {
    "documents": "interval over documents, for one seed",
    "seeds": "interval over seeds, not over documents",
    "documents and seeds": "interval over documents and seeds",
}
MEANINGS = {
    "control": "the untrained model; the other rows are compared with it",
    "did not learn": "no gain on the target is shown, or no score above guessing; such a row has no rank",
    "of the best gain": "less than the track asks for; such a row has no rank",
    "on the front": "less gain than ranked rows, but no row is ahead in gained and kept and shown to be better in one",
    "tied with the best": "no row with the same targets is shown to be better",
    "best of": "the settings were chosen among several, on selection rows that are not reported",
    "shipped with suite": "a record that comes with suite; it was not run in this store",
    "cannot be written": "documents whose right answer the model cannot write",
    "below chance": "the interval lies below the score of guessing",
    "≤ chance": "not shown to be above the score of guessing",
    "≤ majority": "not shown to be above always answering the most frequent class",
    "unparsable": "answers that could not be read; they are scored as wrong",
    "repeated": "equal documents; in the interval they count as one",
}
"""A part of a note's text -> the meaning of such notes."""


@dataclass(frozen=True)
class LegendItem:
    """A mark and its meaning."""

    mark: str
    meaning: str
    raised: bool = False
    """Whether the mark is the raised letter after an interval."""


def legend(cells: Iterable[CellView], marks: Iterable[Note] = ()) -> tuple[LegendItem, ...]:
    """The marks that occur in these cells and beside these rows, each with its meaning."""
    shown = list(cells)
    texts = {note.text for cell in shown for note in cell.notes} | {mark.text for mark in marks}
    over = {cell.over for cell in shown if cell.over}
    verdicts = {cell.verdict for cell in shown}
    items = [LegendItem(sign, meaning) for sign, meaning in VERDICTS.items() if sign in verdicts]
    if over:
        items.append(LegendItem("± and [ ]", "95\u00a0% interval; ± is half of it, [ ] its ends if the sides differ"))
    items += [LegendItem(kind, meaning, raised=True) for kind, meaning in OVER.items() if kind in over]
    items += [LegendItem(part, meaning) for part, meaning in MEANINGS.items() if any(part in text for text in texts)]
    if any(cell.text == numbers.MISSING for cell in shown):
        items.append(LegendItem(numbers.MISSING, "not measured, or not defined"))
    return tuple(items)
