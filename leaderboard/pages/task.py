"""A task's page: its questions, every row's score, and the documents that most rows fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.data.difficulty import AnswerPass, DocumentDifficulty
from leaderboard.pages.classes import ClassGrid, class_grids, majority_of
from leaderboard.pages.lenient import LenientLine, lenient_rows
from leaderboard.view import cells, numbers
from leaderboard.view.badges import origin
from leaderboard.view.cells import CellView, Note
from leaderboard.view.legend import LegendItem, legend
from leaderboard.view.text import LONG
from leaderboard.view.unwritable import UnwritableTask, unwritable_tasks
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Cell, Row
from suite.core.diagnostics import Gold, JudgedWeaker, read
from suite.results.store import ExperimentRecord, ResultsReader

HARDEST = 12


@dataclass(frozen=True)
class HardDocument:
    """A document with its mean score over all rows."""

    number: int
    question: str
    target: str
    mean: str
    answers: int


@dataclass(frozen=True)
class HardestDocuments:
    """The hardest documents at a shot count."""

    label: str
    documents: tuple[HardDocument, ...]
    all_wrong: int
    """Number of documents on which no row scored."""
    total: int


@dataclass(frozen=True)
class TaskLine:
    """A row's scores on the task."""

    row: Row
    href: str
    trained: bool
    marks: tuple[Note, ...]
    cells: tuple[tuple[CellView, str], ...]
    """For each shot count, the score and a link to its answers (empty if there are none)."""


@dataclass(frozen=True)
class TaskPage:
    """The page."""

    role: str
    facts: tuple[tuple[str, str], ...]
    unwritable: tuple[UnwritableTask, ...]
    """The task itself, if the model cannot write some of its right answers."""
    templates: tuple[str, ...]
    """The task file of each version that was run, if it is known."""
    prompt: str
    """A stored prompt without exemplars; empty if texts are not stored."""
    target: str
    shots: tuple[int, ...]
    lines: tuple[TaskLine, ...]
    legend: tuple[LegendItem, ...]
    """The marks in their table."""
    lenient: tuple[LenientLine, ...]
    """Score and lenient score of each row; empty for a task without a lenient reading."""
    classes: tuple[ClassGrid, ...]
    """Rows by classes, for each shot count; none for a task without labels."""
    hardest: tuple[HardestDocuments, ...]


def task_page(
    store: ResultsReader, urls: TrackUrls, role: str, records: Sequence[ExperimentRecord], answer_pass: AnswerPass,
    templates: Mapping[str, str],
) -> TaskPage:  # fmt: skip
    """A task of a track. `records` are the track's experiments; `answer_pass` must already have all their answers."""
    rows = [(row, {cell.shots: cell for cell in _cells(row) if cell.role == role}) for row in urls.board.rows]
    shots = tuple(sorted({count for _, cells_by_shots in rows for count in cells_by_shots}))
    lines = tuple(_line(urls, row, role, cells_by_shots, shots) for row, cells_by_shots in rows if cells_by_shots)
    groups = [
        (count, hard) for count in shots for hard in answer_pass.difficulty.get((urls.slug, role, count), {}).values()
    ]
    first = next((answer for _, hard in groups[:1] for answer in store.answers(hard.step)[:1]), None)
    return TaskPage(
        role=role,
        facts=(*_facts(role, records, lines), *_gold(store, [hard.step for _, hard in groups])),
        unwritable=unwritable_tasks(cell for row, _ in rows for cell in _cells(row) if cell.role == role),
        templates=_templates(store, groups, templates),
        prompt=first.question[:LONG] if first else "",
        target=first.target[:LONG] if first else "",
        shots=shots,
        lines=lines,
        legend=legend(
            (cell for line in lines for cell, _ in line.cells), (mark for line in lines for mark in line.marks)
        ),
        lenient=lenient_rows(urls, role, shots),
        classes=class_grids(urls, role, shots),
        hardest=tuple(_hardest(store, count, hard) for count, hard in groups if hard.sums),
    )


def _cells(row: Row) -> Sequence[Cell]:
    return (*row.target_scores, *row.held_out)


def _line(urls: TrackUrls, row: Row, role: str, cells_by_shots: Mapping[int, Cell], shots: Sequence[int]) -> TaskLine:
    shown_cells = []
    for shots_shown in shots:
        cell = cells_by_shots.get(shots_shown)
        why = f"{row.name} was not evaluated on {role}, {numbers.shots(shots_shown)}"
        href = urls.answers(row, role, shots_shown) if cell and cell.score else ""
        shown_cells.append((cells.task(cell, row, why), href))
    trained = role in row.targets and row.method != BASELINE
    return TaskLine(row, urls.row(row), trained, origin(row, urls.shipped), tuple(shown_cells))


def _facts(role: str, records: Sequence[ExperimentRecord], lines: Sequence[TaskLine]) -> tuple[tuple[str, str], ...]:
    blocks = [record.spec.get("roles", {}).get(role) for record in records]
    block = next((value for value in blocks if isinstance(value, Mapping)), {})
    counts = {(cell.documents, cell.distinct) for line in lines for cell in _cells(line.row) if cell.role == role}
    facts = {
        "Task": str(block.get("task") or ""),
        "Kind": str(block.get("kind") or ""),
        "Primary metric": str(block.get("primary") or ""),
        "Metrics from outside": _metrics(block),
        "Labels": ", ".join(map(str, block.get("labels") or ())),
        "Score of guessing": numbers.plain(block.get("chance")) if block.get("chance") is not None else "",
        "Majority class": majority_of([line.row for line in lines], role),
        "Documents": " or ".join(_counted(*count) for count in sorted(counts)),
    }
    return tuple((name, text) for name, text in facts.items() if text)


def _metrics(role: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """The task's metrics that come from outside suite, each with its source."""
    metrics = sorted((role.get("metrics") or {}).items())
    return "; ".join(f"{name} ({', '.join(map(' '.join, sorted(origin.items())))})" for name, origin in metrics)


def _counted(documents: int, distinct: int) -> str:
    """The number of documents, and the number of distinct ones if some are equal."""
    return f"{documents} ({distinct} distinct)" if 0 < distinct < documents else str(documents)


def _gold(store: ResultsReader, steps: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Problems with a task's right answers, as (label, counts).

    They cover right answers that miss full marks by the task's own filters and metrics. For programs, they count those
    that were not kept apart from their tests.
    """
    findings = [read(name, content) for by_name in store.findings(steps).values() for name, content in by_name.items()]
    misses = [miss for finding in findings if isinstance(finding, Gold) for miss in finding.misses]
    missed = dict.fromkeys(f"{len(miss.documents)} of {miss.tried} ({miss.metric})" for miss in misses)
    weaker = dict.fromkeys(
        f"{len(finding.documents)} of {finding.tried}" for finding in findings if isinstance(finding, JudgedWeaker)
    )
    facts = (
        ("Right answers that miss full marks", missed),
        ("Programs not kept apart from their tests", weaker),
    )
    return tuple((name, ", ".join(texts)) for name, texts in facts if texts)


def _templates(
    store: ResultsReader, groups: Sequence[tuple[int, DocumentDifficulty]], templates: Mapping[str, str]
) -> tuple[str, ...]:
    steps = store.steps([hard.step for _, hard in groups])
    keys = [str(step.config.get("task")) for step in steps.values()]
    return tuple(templates[key] for key in dict.fromkeys(keys) if key in templates)


def _hardest(store: ResultsReader, shots: int, hard: DocumentDifficulty) -> HardestDocuments:
    means = {number: total / hard.counts[number] for number, total in hard.sums.items()}
    chosen = sorted((number for number in means if means[number] < 100), key=lambda number: (means[number], number))[
        :HARDEST
    ]
    texts = {answer.doc_id: answer for answer in store.answers(hard.step)}
    documents = tuple(
        HardDocument(
            number, texts[number].question[:LONG], texts[number].target[:LONG],
            numbers.score(means[number]), hard.counts[number],
        )
        for number in chosen
    )  # fmt: skip
    wrong = sum(value == 0 for value in means.values())
    return HardestDocuments(numbers.shots(shots), documents, wrong, len(means))
