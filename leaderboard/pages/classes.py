"""Results by class: precision, recall and F1 of each class, the confusion matrix, and the majority class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leaderboard.charts.heatmap import LEVELS, HeatCell, HeatMap
from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Cell, Row
from suite.analysis.board.classification import Classification
from suite.core.escape import spreadsheet

MOST = 25
"""With more classes the matrix is only a download, and the page lists the most frequent mistakes."""
COLUMNS = 12
"""The most classes that are shown as columns on a task's page."""
OTHER = "none of these"
"""The column of answers that are not among the labels."""


@dataclass(frozen=True)
class ClassLine:
    """A class, with its numbers as text."""

    label: str
    support: int
    answered: int
    precision: str
    recall: str
    f1: str


@dataclass(frozen=True)
class Mistake:
    """Documents of one class that were answered with another class."""

    label: str
    answered: str
    documents: int


@dataclass(frozen=True)
class ClassTable:
    """A task's answers by class."""

    id: str
    label: str
    href: str
    """The task's page."""
    is_target: bool
    macro_f1: CellView
    accuracy: str
    majority: str
    majority_share: str
    at_majority: bool
    documents: int
    lines: tuple[ClassLine, ...]
    matrix: HeatMap | None
    """None for more than `MOST` classes."""
    mistakes: tuple[Mistake, ...]
    """The most frequent mistakes, if there is no matrix."""


@dataclass(frozen=True)
class ClassGrid:
    """Rows by classes, at a shot count."""

    id: str
    label: str
    classes: tuple[str, ...]
    """The classes that have a column; empty if there are many."""
    rows: tuple[tuple[str, str, CellView, tuple[HeatCell, ...]], ...]
    """(name, link to its matrix, macro-F1, F1 of each class)."""
    majority: tuple[str, str, tuple[str, ...]]
    """The majority class, and the macro-F1 and the F1 of each class that always answering it would score."""


def class_tables(urls: TrackUrls, row: Row) -> tuple[ClassTable, ...]:
    """A row's tables, one for each task with labels and shot count."""
    cells_with_classes = ((cell, cell.classes) for cell in (*row.target_scores, *row.held_out))
    return tuple(_table(urls, row, cell, classes) for cell, classes in cells_with_classes if classes)


def _table(urls: TrackUrls, row: Row, cell: Cell, classes: Classification) -> ClassTable:
    name, label = anchor(urls, cell.role, cell.shots), f"{cell.role}, {numbers.shots(cell.shots)}"
    small = len(classes.classes) <= MOST
    return ClassTable(
        id=name,
        label=label,
        href=urls.task(cell.role),
        is_target=cell.role in row.targets,
        macro_f1=_macro_f1(row, classes),
        accuracy=numbers.score(classes.accuracy),
        majority=classes.majority,
        majority_share=numbers.score(classes.majority_share),
        at_majority=cell.at_majority,
        documents=classes.documents,
        lines=tuple(
            ClassLine(
                line.label, line.support, line.answered, *map(numbers.score, (line.precision, line.recall, line.f1))
            )
            for line in classes.classes
        ),
        matrix=_matrix(f"{name}-m", f"Confusion matrix: {label}", classes) if small else None,
        mistakes=() if small else tuple(_mistakes(classes))[:MOST],
    )


def anchor(urls: TrackUrls, role: str, shots: int) -> str:
    """The anchor of a task's classes on an experiment's page."""
    return f"classes-{urls.tasks[role]}-{shots}"


def _macro_f1(row: Row, classes: Classification) -> CellView:
    return cells.estimate(classes.macro_f1, "", seeds=len(row.seeds), documents=classes.documents)


def _matrix(name: str, title: str, classes: Classification) -> HeatMap:
    description = (
        "Documents by their class (rows) and the answered class (columns), over all seeds, shaded by the share of the "
        "row."
    )
    labels = tuple(line.label for line in classes.classes)
    rows = tuple((label, _shaded(counts)) for label, counts in zip(labels, classes.confusion, strict=True))
    return HeatMap(name, title, description, "Right class", (*labels, OTHER), rows)


def _shaded(counts: Sequence[int]) -> tuple[HeatCell, ...]:
    total = sum(counts) or 1
    return tuple(
        HeatCell(str(count), round(LEVELS * count / total), f"{numbers.score(100 * count / total)} % of this class")
        for count in counts
    )


def _mistakes(classes: Classification) -> Iterator[Mistake]:
    """Mistakes, the most frequent first."""
    labels = [line.label for line in classes.classes]
    mistakes = [
        Mistake(label, answered, count)
        for row, label in enumerate(labels)
        for column, (answered, count) in enumerate(zip((*labels, OTHER), classes.confusion[row], strict=True))
        if count and column != row
    ]
    yield from sorted(mistakes, key=lambda mistake: -mistake.documents)


def class_grids(urls: TrackUrls, role: str, shots: Sequence[int]) -> tuple[ClassGrid, ...]:
    """A task's rows by class, for each shot count; empty for a task without labels."""
    grids = []
    for shots_shown in shots:
        rows = [(row, classes) for row in urls.board.rows if (classes := _classes_of(row, role, shots_shown))]
        if rows:
            grids.append(_grid(urls, role, shots_shown, rows))
    return tuple(grids)


def _classes_of(row: Row, role: str, shots: int) -> Classification | None:
    cells_of = (*row.target_scores, *row.held_out)
    return next((cell.classes for cell in cells_of if (cell.role, cell.shots) == (role, shots)), None)


def _grid(urls: TrackUrls, role: str, shots: int, rows: Sequence[tuple[Row, Classification]]) -> ClassGrid:
    name, first = anchor(urls, role, shots), rows[0][1]
    labels = tuple(line.label for line in first.classes)
    few_classes = len(labels) <= COLUMNS and all(_labels(classes) == labels for _, classes in rows)
    return ClassGrid(
        id=name,
        label=numbers.shots(shots),
        classes=labels if few_classes else (),
        rows=tuple(
            (row.name, f"{urls.row(row)}#{name}", _macro_f1(row, classes), _cells(classes) if few_classes else ())
            for row, classes in rows
        ),
        majority=_always(first, few_classes),
    )


def _labels(classes: Classification) -> tuple[str, ...]:
    return tuple(line.label for line in classes.classes)


def _cells(classes: Classification) -> tuple[HeatCell, ...]:
    return tuple(
        HeatCell(
            numbers.score(line.f1),
            round(LEVELS * line.f1 / 100),
            f"precision {numbers.score(line.precision)}, recall {numbers.score(line.recall)}",
        )
        for line in classes.classes
    )


def _always(classes: Classification, few_classes: bool) -> tuple[str, str, tuple[str, ...]]:
    """The scores of always answering the majority class, as a row."""
    share = classes.majority_share / 100
    f1 = {line.label: 200 * share / (1 + share) if line.label == classes.majority else 0.0 for line in classes.classes}
    counted = [f1[line.label] for line in classes.classes if line.support]
    macro = numbers.score(sum(counted) / len(counted))
    return classes.majority, macro, tuple(map(numbers.score, f1.values())) if few_classes else ()


def majority_of(rows: Sequence[Row], role: str) -> str:
    """The majority class and its share of documents, as text; empty for a task without labels."""
    classifications = [
        cell.classes for row in rows for cell in (*row.target_scores, *row.held_out) if cell.role == role
    ]
    texts = [
        f"{classes.majority} ({numbers.score(classes.majority_share)} %)" for classes in classifications if classes
    ]
    return " or ".join(dict.fromkeys(texts))


def as_csv(row: Row) -> str:
    """All confusion matrices of a row: one line for each pair of class and answered class with any document."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["task", "shots", "class", "answered", "documents"])
    for cell in (*row.target_scores, *row.held_out):
        if cell.classes:
            labels = _labels(cell.classes)
            for label, counts in zip(labels, cell.classes.confusion, strict=True):
                for answered, count in zip((*labels, ""), counts, strict=True):
                    if count:
                        texts = [spreadsheet(text) for text in (label, answered)]
                        writer.writerow([spreadsheet(cell.role), cell.shots, *texts, count])
    return stream.getvalue()
