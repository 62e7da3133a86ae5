"""Rows that hold a conversation: its last answer is what to learn, and all before it is what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from suite.starter.sources import DataSource
from suite.tasks.files import Placed, Row

COLUMNS: Final = ("messages", "conversations", "conversation")
SPEAKERS: Final[Mapping[str, str]] = {
    "system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant",
    "model": "assistant",
}  # fmt: skip
"""What a message calls who speaks -> who that is."""
QUESTION, ANSWER = "question", "answer"


def unpacked(source: DataSource) -> DataSource:
    """The rows with the columns `question` and `answer` in the place of a conversation; others as they are.

    Where the model is told something first, or several questions precede the last answer, each turn is a line with the
    name of its speaker.
    """
    column = next((name for name in COLUMNS if name in source.columns), None)
    if column is None or {QUESTION, ANSWER} & set(source.columns):
        return source
    if not all(_is_conversation(placed.row.get(column)) for placed in source.rows):
        return source
    splits = {split: tuple(_row(placed, column) for placed in rows) for split, rows in source.splits.items()}
    note = f"'{column}' holds conversations: the last answer is the target, what precedes it is the input"
    return replace(source, splits=splits, notes=(*source.notes, note))


def _row(placed: Placed, column: str) -> Placed:
    question, answer = _parts(placed.row[column])
    rest: Row = {name: value for name, value in placed.row.items() if name != column}
    return Placed(placed.place, {QUESTION: question, ANSWER: answer, **rest})


def _parts(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What is asked and the last answer, each as a text."""
    turns = [_turn(message) for message in messages]
    last = max(index for index, (speaker, _) in enumerate(turns) if speaker == "assistant")
    before = turns[:last]
    if len(before) == 1:
        return before[0][1], turns[last][1]
    return "\n".join(f"{speaker.capitalize()}: {text}" for speaker, text in before), turns[last][1]


def _turn(message: Mapping[str, Any]) -> tuple[str, str]:
    speaker = message.get("role", message.get("from"))
    text = message.get("content", message.get("value"))
    return SPEAKERS[str(speaker).lower()], str(text).strip()


def _is_conversation(value: Any) -> bool:
    """Whether a cell is a list of messages of known speakers, with an answer after a question."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(message, Mapping) for message in value):
        return False
    speakers = [str(message.get("role", message.get("from"))).lower() for message in value]
    texts = [message.get("content", message.get("value")) for message in value]
    known = all(speaker in SPEAKERS for speaker in speakers) and all(isinstance(text, str) for text in texts)
    return known and any(SPEAKERS[speaker] == "assistant" for speaker in speakers[1:])
