"""Answers as chunks of data: outputs with all seeds side by side, and a task's documents once for all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from leaderboard.chunks import File, script
from leaderboard.history import History
from leaderboard.text import LONG
from suite.store import AnswerRecord, Store

PER_CHUNK = 200
UNPARSABLE, TRUNCATED = 1, 2
"""What is marked beside an answer, as bits."""


@dataclass(frozen=True)
class Column:
    """What one step answered: that of a seed, or of several that share it."""

    step: str
    seeds: tuple[int, ...]
    documents: str
    """Name of the chunks with what was asked."""
    asked: str
    """The same for the same documents, whether or not their texts are stored."""
    answers: tuple[AnswerRecord, ...]

    @property
    def values(self) -> str | list[float | None] | None:
        """Each document's own score: a letter each where all are right (1) or wrong (0); None if none has one."""
        values = [answer.value for answer in self.answers]
        if all(value is None for value in values):
            return None
        if all(value in (0.0, 100.0, None) for value in values):
            return "".join("-" if value is None else "1" if value else "0" for value in values)
        return [None if value is None else round(value, 4) for value in values]


@dataclass(frozen=True)
class Sheet:
    """All that was answered to a task, seed by seed."""

    name: str
    """Of its chunks."""
    columns: tuple[Column, ...]


def sheet_of(store: Store, history: History, key: tuple[str, int]) -> Sheet:
    """What was answered to a task, by the steps that did so."""
    steps: dict[str, list[int]] = {}
    for seed in history.seeds:
        link = seed.evaluation(*key)
        if link and seed.steps[link.step_id].status == "done":
            steps.setdefault(link.step_id, []).append(seed.record.seed)
    said = store.answers_of(list(steps))
    columns = tuple(_column(step, seeds, said[step]) for step, seeds in steps.items() if said.get(step))
    name = sha256("\n".join(column.step for column in columns).encode("utf-8", "replace"))
    return Sheet(name.hexdigest()[:16], columns)


def _column(step: str, seeds: Sequence[int], answers: tuple[AnswerRecord, ...]) -> Column:
    asked = sha256("\n".join(f"{answer.doc_id} {answer.doc_hash}" for answer in answers).encode())
    texts = "\n".join(f"{answer.question}\0{answer.target}" for answer in answers)
    documents = sha256(asked.digest() + texts.encode("utf-8", "replace"))
    return Column(step, tuple(seeds), documents.hexdigest()[:16], asked.hexdigest()[:16], answers)


def chunks_of(sheet: Sheet, written: set[str]) -> Iterator[File]:
    """The chunks that are not written yet; adds their names to `written`."""
    if sheet.columns and sheet.name not in written:
        written.add(sheet.name)
        longest = max(len(column.answers) for column in sheet.columns)
        for number, start in enumerate(range(0, longest, PER_CHUNK)):
            parts = [_outputs(column.answers[start : start + PER_CHUNK]) for column in sheet.columns]
            yield script(chunk_path(sheet.name, number), parts)
    for column in sheet.columns:
        if column.documents not in written:
            written.add(column.documents)
            for number, start in enumerate(range(0, len(column.answers), PER_CHUNK)):
                part = _documents(column.answers[start : start + PER_CHUNK])
                yield script(chunk_path(column.documents, number), part)


def chunk_counts(sheet: Sheet) -> list[tuple[str, int]]:
    """All chunks that a sheet needs, whoever writes them: their names, and how many there are of each."""
    if not sheet.columns:
        return []
    counts = {column.documents: len(column.answers) for column in sheet.columns}
    counts = {sheet.name: max(counts.values()), **counts}
    return [(name, -(-count // PER_CHUNK)) for name, count in counts.items()]


def chunk_paths(name: str, count: int) -> list[str]:
    """The files of so many chunks."""
    return [chunk_path(name, number) for number in range(count)]


def chunk_path(name: str, number: int) -> str:
    """Where a chunk is: in one of 256 folders, as a folder of 100,000 files is slow to list."""
    return f"answers/{name[:2]}/{name}-{number}.js"


def _outputs(answers: Sequence[AnswerRecord]) -> dict[str, Any]:
    marks = {
        place: UNPARSABLE * answer.unparsable + TRUNCATED * answer.truncated
        for place, answer in enumerate(answers)
        if answer.unparsable or answer.truncated
    }
    parsed = {
        place: cut(answer.parsed)
        for place, answer in enumerate(answers)
        if answer.parsed != answer.output and answer.parsed.strip() != answer.output.strip()
    }
    return {"outputs": [cut(answer.output) for answer in answers], "parsed": parsed, "marks": marks}


def _documents(answers: Sequence[AnswerRecord]) -> dict[str, Any]:
    return {
        "ids": [answer.doc_id for answer in answers],
        "questions": [cut(answer.question) for answer in answers],
        "targets": [cut(answer.target) for answer in answers],
    }


def cut(text: str) -> str | list[Any]:
    """A text, or what is shown of a very long one and how many characters are left out."""
    return text if len(text) <= LONG else [text[:LONG], len(text) - LONG]
