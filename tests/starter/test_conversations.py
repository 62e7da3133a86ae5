"""Rows of messages as a question and its answer."""

from __future__ import annotations

from typing import Any

from suite.starter.conversations import unpacked
from suite.starter.sources import WHOLE, DataSource
from suite.tasks.files import Placed


def source(*messages: Any, column: str = "messages") -> DataSource:
    rows = tuple(Placed(f"f: row {number}", {column: each, "id": number}) for number, each in enumerate(messages, 1))
    return DataSource("chat", "f", {WHOLE: rows})


def said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


def test_a_question_and_an_answer_are_two_columns() -> None:
    found = unpacked(source(said(("user", "hello "), ("assistant", "hi")), said(("user", "a"), ("assistant", "b"))))
    assert [placed.row for placed in found.rows] == [
        {"question": "hello", "answer": "hi", "id": 1}, {"question": "a", "answer": "b", "id": 2},
    ]  # fmt: skip
    assert "'messages' holds conversations" in found.notes[0]


def test_earlier_turns_are_part_of_what_is_asked_and_later_ones_are_left() -> None:
    turns = [
        ("system", "be short"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
        ("assistant", "d"),
        ("user", "e"),
    ]
    (placed,) = unpacked(source(said(*turns))).rows
    assert placed.row["question"] == "System: be short\nUser: a\nAssistant: b\nUser: c"
    assert placed.row["answer"] == "d"


def test_other_names_of_messages_are_known() -> None:
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    (placed,) = unpacked(source(turns, column="conversations")).rows
    assert (placed.row["question"], placed.row["answer"]) == ("a", "b")


def test_what_is_no_conversation_stays() -> None:
    for cell in ("text", [1, 2], said(("user", "a")), said(("assistant", "a")), [{"role": "bot", "content": "x"}]):
        found = source(cell)
        assert unpacked(found) is found
