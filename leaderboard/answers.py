"""A task's answers, document by document, the seeds side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard import numbers
from leaderboard.experiment import Task
from leaderboard.history import History
from suite.store import AnswerRecord, Store

PER_PAGE = 200
MOST_COLUMNS = 5
"""More seeds than this would make a table that nobody reads."""


@dataclass(frozen=True)
class Output:
    """One answer to a document."""

    text: str
    parsed: str
    """What was read from it, where that differs."""
    verdict: str
    right: bool | None
    unparsable: bool
    truncated: bool


@dataclass(frozen=True)
class Document:
    """A question, and what was answered (None: no answer)."""

    number: int
    question: str
    target: str
    outputs: tuple[Output | None, ...]


@dataclass(frozen=True)
class Leaf:
    """One page of answers."""

    path: str
    number: int
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Sheet:
    """All answers to a task."""

    columns: tuple[str, ...]
    shared: bool
    """Whether seeds share a step, and so its answers."""
    left_out: int
    """Seeds that are not shown."""
    total: int
    pages: tuple[Leaf, ...]


def answer_sheet(store: Store, history: History, task: Task) -> Sheet:
    """The answers to a task, 200 a page; seeds that share a step share a column."""
    steps: dict[str, list[int]] = {}
    for seed in history.seeds:
        link = seed.evaluation(task.role, task.shots)
        if link and seed.steps[link.step_id].status == "done":
            steps.setdefault(link.step_id, []).append(seed.record.seed)
    chosen = list(steps)[:MOST_COLUMNS]
    found = [{answer.doc_id: answer for answer in store.answers(step)} for step in chosen]
    numbered = sorted({number for answers in found for number in answers})
    chunks = [numbered[start : start + PER_PAGE] for start in range(0, len(numbered), PER_PAGE)] or [[]]
    pages = tuple(
        Leaf(f"{task.answers}{f'-p{place}' if place > 1 else ''}.html", place, _documents(found, chunk))
        for place, chunk in enumerate(chunks, 1)
    )
    return Sheet(
        columns=tuple(_label(steps[step]) for step in chosen),
        shared=any(len(seeds) > 1 for seeds in steps.values()),
        left_out=sum(len(seeds) for step, seeds in steps.items() if step not in chosen),
        total=len(numbered),
        pages=pages,
    )


def _label(seeds: Sequence[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, seeds))


def _documents(found: Sequence[Mapping[int, AnswerRecord]], chosen: Sequence[int]) -> tuple[Document, ...]:
    documents: list[Document] = []
    for number in chosen:
        answers = [answers.get(number) for answers in found]
        first = next(answer for answer in answers if answer is not None)
        outputs = tuple(None if answer is None else _output(answer) for answer in answers)
        documents.append(Document(number, first.question, first.target, outputs))
    return tuple(documents)


def _output(answer: AnswerRecord) -> Output:
    right = None if answer.value not in (0.0, 100.0) else answer.value == 100.0
    verdict = {True: "right", False: "wrong", None: numbers.plain(answer.value)}[right]
    parsed = answer.parsed if answer.parsed.strip() != answer.output.strip() else ""
    return Output(answer.output, parsed, verdict, right, answer.unparsable, answer.truncated)
