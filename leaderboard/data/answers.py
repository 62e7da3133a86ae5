"""Answers as chunks of data: outputs with all seeds side by side, and each task's documents once for all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from leaderboard.data.experiment_records import RowRecords
from leaderboard.data.js_data import File, script
from leaderboard.view.text import LONG
from suite.results.store import AnswerColumns, ResultsReader, ScoreRecord

PER_CHUNK = 200
AT_ONCE = 2000
"""Answers that are read together. A row with few documents takes one query; a row with many takes little memory."""
UNPARSABLE, TRUNCATED = 1, 2
"""Marks beside an answer, as bits."""


@dataclass(frozen=True)
class StepAnswers:
    """The answers of one step, which belongs to one seed or is shared by several."""

    step: str
    seeds: tuple[int, ...]
    documents: str
    """Name of the chunks that hold the documents' texts."""
    document_set: str
    """Hash of the document ids and contents; equal for equal documents, whether or not their texts are stored."""
    answers: AnswerColumns

    @property
    def values(self) -> str | list[float | None] | None:
        """Each document's own score; None if no document has one. If all scores are 0 or 100, a string with one
        character per document: "1" right, "0" wrong, "-" without a score."""
        values = self.answers.value
        distinct = {*values}
        if distinct == {None}:
            return None
        if distinct <= {0.0, 100.0, None}:
            return "".join("-" if value is None else "1" if value else "0" for value in values)
        return [None if value is None else round(value, 4) for value in values]


@dataclass(frozen=True)
class TaskAnswers:
    """All answers to a task, seed by seed."""

    name: str
    """Name of its chunks."""
    columns: tuple[StepAnswers, ...]


def answers_by_task(store: ResultsReader, row_records: RowRecords) -> Iterator[tuple[tuple[str, int], TaskAnswers]]:
    """Yield (role, shots) and the answers to it, for each task of a row. Reads a few tasks at a time."""
    steps = {key: _answering(row_records, key) for key in row_records.evaluations}
    scores = {step: scores_of_step for seed in row_records.seeds for step, scores_of_step in seed.scores.items()}
    for keys in _portions({key: sum(_count(scores.get(step, ())) for step in steps[key]) for key in steps}):
        answers = store.answer_columns([step for key in keys for step in steps[key]])
        for key in keys:
            yield key, _sheet(steps[key], answers)


def _answering(row_records: RowRecords, key: tuple[str, int]) -> dict[str, list[int]]:
    """The finished steps that answered a task, each with its seeds."""
    steps: dict[str, list[int]] = {}
    for seed in row_records.seeds:
        link = seed.evaluation(*key)
        if link and seed.steps[link.step_id].status == "done":
            steps.setdefault(link.step_id, []).append(seed.record.seed)
    return steps


def _count(scores: Sequence[ScoreRecord]) -> int:
    """The number of answers of a step. AT_ONCE if it has no score: the step is then read alone."""
    return max((score.n for score in scores), default=AT_ONCE)


def _portions(counts: Mapping[tuple[str, int], int]) -> Iterator[list[tuple[str, int]]]:
    """Yield groups of tasks, in order. A group has at most AT_ONCE answers, or is a single task."""
    portion: list[tuple[str, int]] = []
    size = 0
    for key, count in counts.items():
        if portion and size + count > AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(key)
        size += count
    if portion:
        yield portion


def _sheet(steps: Mapping[str, Sequence[int]], answers: Mapping[str, AnswerColumns]) -> TaskAnswers:
    columns = tuple(_column(step, seeds, answers[step]) for step, seeds in steps.items() if answers.get(step))
    name = sha256("\n".join(column.step for column in columns).encode("utf-8", "replace"))
    return TaskAnswers(name.hexdigest()[:16], columns)


def _column(step: str, seeds: Sequence[int], answers: AnswerColumns) -> StepAnswers:
    document_set = sha256("\n".join(map("{} {}".format, answers.doc_id, answers.doc_hash)).encode())
    texts = "\n".join(map("{}\0{}".format, answers.question, answers.target))
    documents = sha256(document_set.digest() + texts.encode("utf-8", "replace"))
    return StepAnswers(step, tuple(seeds), documents.hexdigest()[:16], document_set.hexdigest()[:16], answers)


def answer_chunks(sheet: TaskAnswers, written: set[str]) -> Iterator[File]:
    """Yield the chunks that are not written yet, and add their names to `written`."""
    if sheet.columns and sheet.name not in written:
        written.add(sheet.name)
        longest = max(len(column.answers) for column in sheet.columns)
        for number, start in enumerate(range(0, longest, PER_CHUNK)):
            parts = [_outputs(column.answers, slice(start, start + PER_CHUNK)) for column in sheet.columns]
            yield script(chunk_path(sheet.name, number), parts)
    for column in sheet.columns:
        if column.documents not in written:
            written.add(column.documents)
            for number, start in enumerate(range(0, len(column.answers), PER_CHUNK)):
                part = _documents(column.answers, slice(start, start + PER_CHUNK))
                yield script(chunk_path(column.documents, number), part)


def chunk_counts(sheet: TaskAnswers) -> list[tuple[str, int]]:
    """(Name, number of chunks) of all chunks that a sheet needs, whoever writes them."""
    if not sheet.columns:
        return []
    counts = {column.documents: len(column.answers) for column in sheet.columns}
    counts = {sheet.name: max(counts.values()), **counts}
    return [(name, -(-count // PER_CHUNK)) for name, count in counts.items()]


def chunk_paths(name: str, count: int) -> list[str]:
    """The paths of a name's first `count` chunks."""
    return [chunk_path(name, number) for number in range(count)]


def chunk_path(name: str, number: int) -> str:
    """The path of a chunk, in one of 256 folders: a folder of 100,000 files is slow to list."""
    return f"answers/{name[:2]}/{name}-{number}.js"


def _outputs(answers: AnswerColumns, part: slice) -> dict[str, Any]:
    outputs = answers.output[part]
    marks = {
        index: UNPARSABLE * unparsable + TRUNCATED * truncated
        for index, (unparsable, truncated) in enumerate(
            zip(answers.unparsable[part], answers.truncated[part], strict=True)
        )
        if unparsable or truncated
    }
    parsed = {
        index: cut(parsed)
        for index, (parsed, output) in enumerate(zip(answers.parsed[part], outputs, strict=True))
        if parsed != output and parsed.strip() != output.strip()
    }
    return {"outputs": list(map(cut, outputs)), "parsed": parsed, "marks": marks}


def _documents(answers: AnswerColumns, part: slice) -> dict[str, Any]:
    return {
        "ids": answers.doc_id[part],
        "questions": list(map(cut, answers.question[part])),
        "targets": list(map(cut, answers.target[part])),
    }


def cut(text: str) -> str | list[Any]:
    """The text; for a text longer than LONG, its beginning and the number of characters left out."""
    return text if len(text) <= LONG else [text[:LONG], len(text) - LONG]
