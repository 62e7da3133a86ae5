"""The rows of the basics: answers are right where a program can tell, and nothing stands twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from suite.basics import DATA
from suite.basics.arithmetic import files

SPLITS = ("train", "test")
TASKS = {
    "basics_facts": "question", "basics_reasoning": "question", "basics_arithmetic": "question",
    "basics_instructions": "instruction", "basics_reading": "question",
}  # fmt: skip
SPECS = Path(__file__).parents[2] / "specs" / "tasks"


def rows(task: str, *splits: str) -> list[dict[str, Any]]:
    texts = [(DATA / task / f"{split}.jsonl").read_text("utf-8") for split in splits or SPLITS]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_each_task_has_its_rows_and_each_folder_its_task() -> None:
    assert {folder.name for folder in DATA.iterdir()} == set(TASKS)
    assert {file.stem for file in SPECS.glob("basics_*.yaml")} == set(TASKS)
    for task in TASKS:
        assert [len(rows(task, split)) for split in SPLITS] == [8, 80]


@pytest.mark.parametrize("task", TASKS)
def test_no_question_stands_twice(task: str) -> None:
    asked = [(row.get("passage"), row[TASKS[task]]) for row in rows(task)]
    assert len(set(asked)) == len(asked)


def test_no_passage_is_an_exemplar_and_reported() -> None:
    train, test = ({row["passage"] for row in rows("basics_reading", split)} for split in SPLITS)
    assert not train & test


@pytest.mark.parametrize(("task", "choices"), [("basics_facts", 4), ("basics_reasoning", 3)])
def test_choices_differ_and_right_ones_are_at_every_place(task: str, choices: int) -> None:
    for row in rows(task):
        assert len(set(row["choices"])) == choices
    assert {row["answer"] for row in rows(task)} == set(range(choices))


def test_arithmetic_is_what_the_seed_gives_and_right() -> None:
    for name, text in files().items():
        assert (DATA / "basics_arithmetic" / name).read_text("utf-8") == text
    for row in rows("basics_arithmetic"):
        assert int(row["answer"]) == calculated(row["question"])


def calculated(question: str) -> int:
    numbers = [int(number) for number in re.findall(r"\d+", question)]
    if " - " in question:
        return numbers[0] - numbers[1]
    if "times" in question:
        return numbers[0] * numbers[1]
    if "divided" in question:
        assert numbers[0] % numbers[1] == 0
        return numbers[0] // numbers[1]
    return numbers[1] - numbers[0] if "must be added" in question else sum(numbers)


def test_an_answer_about_a_passage_stands_in_it() -> None:
    for row in rows("basics_reading"):
        passage = row["passage"].casefold()
        words = [re.sub(r"^(by|in|at|to|an?|the|because|for) ", "", answer.casefold()) for answer in row["answers"]]
        assert any(word in passage for word in words), row


def test_instructions_are_followed_by_their_answers() -> None:
    checked = 0
    for row in rows("basics_instructions"):
        right = followed(row["instruction"])
        if right is not None:
            checked += 1
            assert right in row["answers"], row
    assert checked > 50


def followed(instruction: str) -> str | None:
    """What following an instruction gives, for the kinds that a program can follow."""
    head, _, rest = instruction.partition(": ")
    items = rest.split(", ")
    quoted = re.findall(r'"([^"]+)"', instruction)
    sentence = rest.rstrip(".").split()
    if "in capital letters" in head or "in small letters" in head:
        return quoted[0].upper() if "capital" in head else quoted[0].lower()
    if "letter of the word" in head:
        return quoted[0][0 if "first" in head else -1]
    if head.startswith(("Repeat this word three", "Repeat this word twice")):
        return " ".join([rest] * (3 if "three" in head else 2))
    if head.startswith(("Repeat this", "Copy this")):
        return rest.rstrip(".")
    if "word of this sentence" in head:
        return sentence[{"first": 0, "second": 1, "last": -1}[head.split()[2]]]
    if "word of this list" in head:
        return (max if "longest" in head else min)(items, key=len)
    if "of these numbers" in head:
        return (max if "largest" in head else min)(items, key=int)
    if head.startswith("Put these"):
        return ", ".join(sorted(items, key=lambda item: (int(item), "") if item.isdigit() else (0, item)))
    if "in the opposite order" in head:
        return ", ".join(reversed(items))
    if head.startswith("How many words"):
        return str(len(sentence))
    if head.startswith("How many letters"):
        return str(len(quoted[0]))
    if head.startswith("Remove the number"):
        return " ".join(word for word in rest.split() if not word.isdigit())
    if head.startswith("Write only the number"):
        return next(word for word in rest.split() if word.isdigit())
    if head.startswith("Join these"):
        return "".join(items)
    if head.startswith("Spell the word"):
        return "-".join(quoted[0])
    if head.startswith("Write yes if"):
        numbers = [int(number) for number in re.findall(r"\d+", head)]
        if numbers:
            return "yes" if numbers[0] > numbers[1] else "no"
        letter = re.findall(r"begins with (\w)", head)[0]
        return "yes" if quoted[0].startswith(letter) else "no"
    return None
