"""Answers as chunks of data: outputs with all seeds side by side, and a task's documents once for all rows."""

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
"""Answers that are read together, so that a row of few documents takes one query, and one of many little memory."""
UNPARSABLE, TRUNCATED = 1, 2
"""What is marked beside an answer, as bits."""


@dataclass(frozen=True)
class StepAnswers:
    """What one step answered: that of a seed, or of several that share it."""

    step: str
    seeds: tuple[int, ...]
    documents: str
    """Name of the chunks with their texts."""
    document_set: str
    """The same for the same documents, whether or not their texts are stored."""
    answers: AnswerColumns

    @property
    def values(self) -> str | list[float | None] | None:
        """Each document's own score: a letter each where all are right (1) or wrong (0); None if none has one."""
        values = self.answers.value
        distinct = {*values}
        if distinct == {None}:
            return None
        if distinct <= {0.0, 100.0, None}:
            return "".join("-" if value is None else "1" if value else "0" for value in values)
        return [None if value is None else round(value, 4) for value in values]


@dataclass(frozen=True)
class TaskAnswers:
    """All that was answered to a task, seed by seed."""

    name: str
    """Of its chunks."""
    columns: tuple[StepAnswers, ...]


def answers_by_task(store: ResultsReader, row_records: RowRecords) -> Iterator[tuple[tuple[str, int], TaskAnswers]]:
    """What was answered to each task of a row, by the steps that did so; a few tasks are read at a time."""
    steps = {key: _answering(row_records, key) for key in row_records.evaluations}
    scores = {step: scores_of_step for seed in row_records.seeds for step, scores_of_step in seed.scores.items()}
    for keys in _portions({key: sum(_count(scores.get(step, ())) for step in steps[key]) for key in steps}):
        answers = store.answer_columns([step for key in keys for step in steps[key]])
        for key in keys:
            yield key, _sheet(steps[key], answers)


def _answering(row_records: RowRecords, key: tuple[str, int]) -> dict[str, list[int]]:
    """The steps that answered a task, each with its seeds."""
    steps: dict[str, list[int]] = {}
    for seed in row_records.seeds:
        link = seed.evaluation(*key)
        if link and seed.steps[link.step_id].status == "done":
            steps.setdefault(link.step_id, []).append(seed.record.seed)
    return steps


def _count(scores: Sequence[ScoreRecord]) -> int:
    """How many answers a step has; where no score tells, it is read by itself."""
    return max((score.n for score in scores), default=AT_ONCE)


def _portions(counts: Mapping[tuple[str, int], int]) -> Iterator[list[tuple[str, int]]]:
    """Tasks in order, as many together as have AT_ONCE answers at most; one at least."""
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
    """The chunks that are not written yet; adds their names to `written`."""
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
    """All chunks that a sheet needs, whoever writes them: their names, and how many there are of each."""
    if not sheet.columns:
        return []
    counts = {column.documents: len(column.answers) for column in sheet.columns}
    counts = {sheet.name: max(counts.values()), **counts}
    return [(name, -(-count // PER_CHUNK)) for name, count in counts.items()]


def chunk_paths(name: str, count: int) -> list[str]:
    """The files of this number of chunks."""
    return [chunk_path(name, number) for number in range(count)]


def chunk_path(name: str, number: int) -> str:
    """Where a chunk is: in one of 256 folders, as a folder of 100,000 files is slow to list."""
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
    """A text, or what is shown of a very long one and how many characters are left out."""
    return text if len(text) <= LONG else [text[:LONG], len(text) - LONG]
