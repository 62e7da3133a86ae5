"""Tasks whose choices stand in the prompt (winogrande's form: `doc_to_text` is a place): trained, shown and scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.core.targets import following
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.gold import gold
from suite.tasks.load import Prompts, load_task, training_examples
from suite.tasks.splits import training_rows

OURS = """task: ours
output_type: multiple_choice
training_split: train
validation_split: validation
doc_to_text: "{{ ['1', '2'].index(answer) }}"
doc_to_choice: "{{ [sentence.split('_')[0] + option1, sentence.split('_')[0] + option2] }}"
doc_to_target: "{{ sentence.split('_')[1].strip() }}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
ROWS = [
    {"sentence": f"{name} met a dog and a cat : the _ barked .", "option1": "cat", "option2": "dog", "answer": "2"}
    for name in ("ann", "bob", "cleo")
]


@pytest.fixture(params=["ours", "winogrande"])
def task(request: pytest.FixtureRequest, tmp_path: Path) -> TaskFile:
    (tmp_path / "ours.yaml").write_text(OURS, encoding="utf-8")
    for split, rows in (("train", ROWS[:2]), ("validation", ROWS[2:])):
        file = tmp_path / request.param / f"{split}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_task(request.param, [tmp_path])


def test_the_prompt_that_is_trained_on_holds_the_right_choice(task: TaskFile, tmp_path: Path) -> None:
    data = DataLocations((tmp_path,))
    (first, _) = training_examples(task, data)
    assert first.prompt == "ann met a dog and a cat : the dog"
    assert first.prompt + following(first.prompt, first.target) == "ann met a dog and a cat : the dog barked ."
    shown = Prompts(task, data)(ROWS[0], [ROWS[1]])
    assert shown == "bob met a dog and a cat : the dog barked .\n\nann met a dog and a cat : the dog"


def test_every_choice_is_scored_as_lm_eval_scores_it(task: TaskFile, tmp_path: Path) -> None:
    loaded = load_task(task, DataLocations((tmp_path,)))
    (doc,) = loaded.eval_docs
    assert loaded.fewshot_context(doc, 0) == [f"cleo met a dog and a cat : the {word}" for word in ("cat", "dog")]
    assert loaded.process_results(doc, [(-2.0, False), (-1.0, False)])["acc"] == 1.0
    assert loaded.process_results(doc, [(-1.0, False), (-2.0, False)])["acc"] == 0.0


def test_a_plan_finds_nothing_wrong_with_its_right_answers(task: TaskFile, tmp_path: Path) -> None:
    assert gold(task, training_rows(task, DataLocations((tmp_path,)))) == ()
