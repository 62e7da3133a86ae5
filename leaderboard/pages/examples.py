"""Answers side by side where a row took its target's format; a fixed rule chooses them, never a person.

The rule applies to each held-out task that has another format, at the fewest shots. It takes the first document that
the pretrained model answers right and the row's first seed answers in a target's format.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.data.recording_reader import RecordingReader
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Row
from suite.core.corpus import is_one_of, references_of
from suite.core.formats import Format, foreign, takes
from suite.results.store import AnswerRecord, StepRecord

TWO_STAGE = "two-stage"
LINES, CHARACTERS = 4, 600
"""The end of a question that is shown: at most this many lines and characters."""


@dataclass(frozen=True)
class ExampleAnswer:
    """An answer as the model wrote it, with the row that gave it."""

    name: str
    href: str
    output: str


@dataclass(frozen=True)
class AnswerExample:
    """A document with its answers; without answers if no document meets the rule."""

    role: str
    href: str
    """The task's page."""
    shots: int
    document: int | None = None
    question: str = ""
    """The end of the question; empty if texts are not published."""
    target: str = ""
    answers: tuple[ExampleAnswer, ...] = ()
    """Answers of the pretrained model, of this row, and of a two-stage row with the same targets, if there is one."""


class AnswerExamples:
    """The examples of a track's rows. Records that several rows are compared with are read once."""

    def __init__(self, reader: RecordingReader, urls: TrackUrls) -> None:
        self.reader, self.urls = reader, urls
        self._seeds = reader.remembering(self._read, 16)
        self._answers = reader.remembering(reader.answers, 64)

    def of(self, row: Row, row_records: RowRecords) -> tuple[AnswerExample, ...]:
        """A row's examples, one for each held-out task with another format.

        Empty for a row without a format ratio, or if the pretrained model was not asked the same.
        """
        roles = row_records.seeds[0].record.spec["roles"]
        fewest: dict[str, int] = {}
        for task in row.format_by_task:
            if task.base is not None:
                fewest[task.role] = min(task.shots, fewest.get(task.role, task.shots))
        return tuple(
            self._example(row, row_records.seeds[0], role, shots, foreign(row.formats, roles[role]))
            for role, shots in fewest.items()
        )

    def _example(
        self, row: Row, seed: SeedRecords, role: str, shots: int, formats: tuple[Format, ...]
    ) -> AnswerExample:
        nothing = AnswerExample(role, self.urls.task(role), shots)
        own_step = _step(seed, role, shots)
        if own_step is None:
            return nothing
        ratio = next(task.ratio for task in row.format_by_task if (task.role, task.shots) == (role, shots))
        control = self._row_with_same_question(own_step, role, shots, method=BASELINE)
        if control is None or ratio is None or not ratio.value:
            return nothing
        pairs = _paired(self._answers(control[1].id), self.reader.answers(own_step.id))
        examples = (pair for pair in pairs if is_right(pair[0]) and takes(pair[1].output, formats))
        base_answer, own_answer = next(examples, (None, None))
        if base_answer is None or own_answer is None:
            return nothing
        answers = [(control[0], base_answer), (row, own_answer)]
        same = {"family": TWO_STAGE, "targets": row.targets}
        other = None if row.family == TWO_STAGE else self._row_with_same_question(own_step, role, shots, **same)
        if other is not None:
            other_answers = {answer.doc_id: answer for _, answer in _paired([own_answer], self._answers(other[1].id))}
            answers += [(other[0], other_answers[own_answer.doc_id])] if own_answer.doc_id in other_answers else []
        return AnswerExample(
            role, self.urls.task(role), shots, own_answer.doc_id, ending(own_answer.question), own_answer.target,
            tuple(ExampleAnswer(answerer.name, self.urls.row(answerer), answer.output) for answerer, answer in answers),
        )  # fmt: skip

    def _row_with_same_question(
        self, own_step: StepRecord, role: str, shots: int, **values: object
    ) -> tuple[Row, StepRecord] | None:
        """The first row with these field values whose first seed was asked the same, and its step; None without one."""
        for row in self.urls.board.rows_where(**values):
            step = _step(self._seeds(row.experiments), role, shots)
            if step is not None and step.status == "done" and _question(step) == _question(own_step):
                return row, step
        return None

    def _read(self, experiments: tuple[str, ...]) -> SeedRecords:
        return RowRecords.of(self.reader, experiments, self.reader.records).seeds[0]


def is_right(answer: AnswerRecord) -> bool:
    """Whether the answer has full marks; without a score per document, whether it matches a right answer.

    The match ignores case and spaces.
    """
    if answer.value is not None:
        return answer.value == 100.0
    return bool(answer.target.strip()) and is_one_of(answer.parsed, references_of(answer.target))


def ending(question: str) -> str:
    """The last lines of a question."""
    lines = question.strip().splitlines()
    last_lines = "\n".join(lines[-LINES:])
    shown = last_lines[-CHARACTERS:]
    return shown if (len(lines) <= LINES and shown == last_lines) else f"… {shown}"


def _step(seed: SeedRecords, role: str, shots: int) -> StepRecord | None:
    link = seed.evaluation(role, shots)
    return seed.steps[link.step_id] if link else None


def _question(step: StepRecord) -> dict[str, Any]:
    """The part of a step's configuration that defines the question, whichever model answers."""
    return {**step.config, "stack": None, "dispatch": None}


def _paired(first: Iterable[AnswerRecord], second: Iterable[AnswerRecord]) -> list[tuple[AnswerRecord, AnswerRecord]]:
    """Two rows' answers to the same documents, in order."""
    by_document = {(answer.doc_id, answer.doc_hash): answer for answer in second}
    return [(answer, by_document[key]) for answer in first if (key := (answer.doc_id, answer.doc_hash)) in by_document]
