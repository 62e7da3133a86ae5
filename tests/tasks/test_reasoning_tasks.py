"""Transformer²'s tasks on rows as the hub has them: prompts, answers, and what counts as right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from suite.sandbox import bubblewrap
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import LoadedTask, load_task, question, target_text
from suite.tasks.text import UNPARSABLE


def loaded(folder: Path, name: str, row: Mapping[str, Any]) -> LoadedTask:
    """A shipped task over one row."""
    task = read_task(name, (shipped() / "tasks",))
    place = folder / task.folder
    place.mkdir()
    for split in ("train", "validation", "test"):
        rows = [row] * 300 if task.metadata.get("splits") else [row]  # its reported rows are not the first ones
        (place / f"{split}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return load_task(task, DataLocations.of(folder), limit=1)


def scored(task: LoadedTask, output: str) -> float:
    """The primary metric of an output for the only document."""
    (doc,) = task.eval_docs
    instance = Instance("generate_until", dict(doc), ("", {}), 0, ("task", 0, 1))
    instance.resps = [output]
    task._instances = [instance]
    task.apply_filters()
    (answer,) = instance.filtered_resps.values()
    return float(next(iter(task.process_results(doc, [answer]).values())))


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("9 * 200 = 1800\n#### 1,800", 1.0),
        (" #### $1800.", 1.0),
        (" #### 1800", 1.0),
        (" #### -1800", 0.0),
        (" #### 1800.5", 0.0),
        (" 1800", 0.0),
        ("", 0.0),
    ],
)
def test_a_number_counts_whatever_its_separators(output: str, value: float, tmp_path: Path) -> None:
    task = loaded(tmp_path, "gsm8k", {"question": "How much?", "answer": "9 * 200 = <<9*200=1800>>1800\n#### 1,800"})
    assert question(task, next(iter(task.eval_docs))) == "Question: How much?\nAnswer:"
    assert scored(task, output) == value


def test_a_boxed_answer_counts_however_it_is_written(tmp_path: Path) -> None:
    row = {"problem": "How much?", "solution": r"It is $\boxed{\frac{1}{2}}.$", "answer": r"\frac{1}{2}"}
    task = loaded(tmp_path, "math500", row)
    assert (
        question(task, next(iter(task.eval_docs)))
        == "Problem: How much?\nGive the final answer as \\boxed{ }.\nSolution:"
    )
    outputs = (r"So \boxed{0.50}.", "The final answer is $1/2$.", r"\boxed{2}", "1/2", "")
    assert [scored(task, output) for output in outputs] == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("right", "output", "value"),
    [
        ("-5", " #### -5", 1.0),
        ("-5", " #### 5", 0.0),
        ("5", " #### -5", 0.0),
        ("2.5", " #### 2.5.", 1.0),
        ("2.5", " #### 25", 0.0),
        ("1,234,567", " #### $1234567", 1.0),
        ("0.75", " #### $0.75", 1.0),
    ],
)
def test_a_number_keeps_its_sign_and_its_decimals(right: str, output: str, value: float, tmp_path: Path) -> None:
    task = loaded(tmp_path, "gsm8k", {"question": "How much?", "answer": f"So.\n#### {right}"})
    assert scored(task, output) == value


@pytest.mark.parametrize("labels", ["ABCD", "1234"])
def test_choices_are_letters_however_they_are_keyed(labels: str, tmp_path: Path) -> None:
    row = {"id": "x", "question": "Which?", "choices": {"text": ["a", "b", "c", "d"], "label": list(labels)}}
    task = loaded(tmp_path, "arc_challenge", {**row, "answerKey": labels[3]})
    (doc,) = task.eval_docs
    assert question(task, doc) == "Question: Which?\nA) a\nB) b\nC) c\nD) d\nAnswer:"
    assert target_text(task, doc) == "D"
    assert [scored(task, output) for output in (" D", "D) d", " B", " 4", "")] == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "row", "readable"),
    [
        ("arc_easy", {"question": "?", "choices": {"text": ["a"], "label": ["A"]}, "answerKey": "A"}, " E"),
        ("gsm8k", {"question": "?", "answer": "#### 1"}, " #### 9"),
        ("math500", {"problem": "?", "solution": r"\boxed{1}"}, r"\boxed{9}"),
    ],
)
def test_an_answer_that_cannot_be_read_is_wrong_and_no_guess(
    name: str, row: dict[str, Any], readable: str, tmp_path: Path
) -> None:
    task = loaded(tmp_path, name, row)
    for output, unread in (("I do not know", True), ("", True), (readable, False)):
        assert scored(task, output) == 0.0
        (answer,) = task._instances[0].filtered_resps.values()
        assert (answer == UNPARSABLE) == unread


@pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
def test_programs_are_completed_and_tested(tmp_path: Path) -> None:
    row = {
        "task_id": "HumanEval/0", "prompt": 'def one(x):\n    """Add one."""\n', "entry_point": "one",
        "canonical_solution": "    return x + 1\n", "test": "def check(f):\n    assert f(1) == 2\n",
    }  # fmt: skip
    task = loaded(tmp_path, "humaneval", row)
    assert [scored(task, output) for output in ("    return x + 1\n", "    return x\n", "")] == [1.0, 0.0, 0.0]
    row = {
        "task_id": 601, "text": "Add one.", "code": "def one(x):\r\n    return x + 1", "test_setup_code": "",
        "test_list": ["assert one(1) == 2", "assert one(2) == 3"], "challenge_test_list": [],
    }  # fmt: skip
    task = loaded(tmp_path, "mbpp", row)
    assert [scored(task, output) for output in (row["code"], "def one(x):\n    return 2", "one")] == [1.0, 0.0, 0.0]


@pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
def test_a_second_problem_is_solved_by_calling_the_first(tmp_path: Path) -> None:
    row = {
        "id": 0, "raw_problem": "# Add one.\ndef one(x):\n", "raw_solution": "    return x + 1\n",
        "new_problem": "# Add two.\ndef two(x):\n", "new_solution": "    return one(one(x))\n",
        "test_code": "assert two(1) == 3\nassert two(2) == 4",
    }  # fmt: skip
    task = loaded(tmp_path, "mbpp_pro", row)
    (doc,) = task.eval_docs
    assert "```python\n# Add one.\ndef one(x):\n\n# Add two.\ndef two(x):\n\n```" in question(task, doc)
    right = target_text(task, doc).removesuffix("```")
    outputs = (right, right.replace("+ 1", "+ 2"), row["new_problem"] + row["new_solution"], "")
    assert [scored(task, output) for output in outputs] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "row", "rights", "wrongs"),
    [
        (
            "t2_gsm8k",
            {"question": "How much?", "answer": "It is 9 * 2 = 18.\n#### 1,800"},
            ("So she has $1800.", "1,800", "It is 1,800.00 in all."),
            ("1800 or 1801", "none", ""),
        ),
        (
            "t2_math500",
            {"problem": "How much?", "solution": r"It is $\boxed{\frac{1}{2}}.$", "answer": r"\frac{1}{2}"},
            (r"Then \boxed{0.5}.", "The answer is: 1/2."),
            ("1/2", r"\boxed{2}"),
        ),
        (
            "t2_arc_easy",
            {"question": "Why?", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "answerKey": "2"},
            ("A is wrong. The answer is (B).", "Answer: B", "B", "(B)", "the answer is B."),
            ("B is wrong, and the answer is (A)", "I do not know", "A"),
        ),
    ],
)
def test_an_answer_to_a_chat_is_read_as_the_reference_code_reads_it(
    tmp_path: Path, name: str, row: Mapping[str, Any], rights: tuple[str, ...], wrongs: tuple[str, ...]
) -> None:
    task = loaded(tmp_path, name, row)
    assert question(task, next(iter(task.eval_docs))) in ("How much?", "Why?\nOptions:\nA. a\nB. b\n")
    assert [scored(task, output) for output in rights] == [1.0] * len(rights)
    assert [scored(task, output) for output in wrongs] == [0.0] * len(wrongs)


@pytest.mark.skipif(not bubblewrap.available(), reason="there is no sandbox here")
def test_a_program_in_a_chat_goes_on_from_its_prefix_and_ends_with_its_block(tmp_path: Path) -> None:
    prompt = 'def add(a, b):\n    """Add two numbers."""\n'
    row = {
        "prompt": prompt, "canonical_solution": "    return a + b\n", "entry_point": "add",
        "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    }  # fmt: skip
    task = loaded(tmp_path, "t2_humaneval", row)
    (doc,) = task.eval_docs
    assert task.doc_to_prefix(doc) == f"```python\n{prompt}"
    assert [scored(task, output) for output in ("    return a + b\n", "\n    return b + a", "    return a - b")] == [
        1,
        1,
        0,
    ]
