"""Prompts that are rendered again are those that lm-eval asks with, or none at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lm_eval.utils import hash_string

from suite.core.errors import SuiteError
from suite.evaluation.prompts import RenderedPrompts
from suite.specs.workspace import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task
from suite.tasks.splits import exemplar_rows, reported_rows

WRITTEN = """\
training_split: train
test_split: test
description: "Answer in a word.\\n"
doc_to_text: "Q: {{question}} A:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
CHOSEN = """\
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: "{{question}} ->"
doc_to_choice: ["red", "blue"]
doc_to_target: "{{answer}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
IN_THE_PROMPT = """\
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: "{{ ['red', 'blue'].index(answer) }}"
doc_to_choice: "{{ [question ~ ' red', question ~ ' blue'] }}"
doc_to_target: "it is"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
READ = """\
output_type: loglikelihood
training_split: train
test_split: test
doc_to_text: "{{question}}"
doc_to_target: " {{answer}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
ROWS = [{"question": f"what colour is thing {number}", "answer": ("red", "blue")[number % 2]} for number in range(9)]


def key(name: str, folder: Path, data: DataLocations, shots: int) -> dict[str, Any]:
    """What the config of a step says of its task and data."""
    task = read_task(name, [folder])
    found: dict[str, Any] = {"task": task.fingerprint, "data": reported_rows(task, data).content_hash, "shots": shots}
    more = {"draw": 0, "exemplars": exemplar_rows(task, data).content_hash} if shots else {}
    return {**found, "documents": 4, **more}


def hashes(name: str, folder: Path, data: DataLocations, config: Mapping[str, Any]) -> dict[int, str]:
    """Document -> the hash that lm-eval gives its prompt."""
    task = load_task(read_task(name, [folder]), data, shots=config["shots"], limit=config["documents"])
    task.build_all_requests()
    return {each.doc_id: hash_string(each.args[0]) for each in reversed(task.instances)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, rows in (("train", ROWS[:5]), ("test", ROWS[5:])):
        file = tmp_path / "t" / f"{split}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("text", [WRITTEN, CHOSEN, IN_THE_PROMPT, READ], ids=["written", "chosen", "in it", "read"])
def test_every_kind_of_task_is_rendered_as_lm_eval_asks_it(folder: Path, text: str, shots: int) -> None:
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    data = DataLocations((folder,))
    config = key("t", folder, data, shots)
    prompts = RenderedPrompts("t", config, [folder], data)
    found = {document: prompts.of(document, name).text for document, name in hashes("t", folder, data, config).items()}
    assert len(found) == 4
    assert all(f"thing {5 + document}" in text.splitlines()[-1] for document, text in found.items())
    assert all(text.count("thing") == 1 + shots for text in found.values())


@pytest.mark.parametrize("file", sorted((shipped() / "tasks").glob("micro_*.yaml")), ids=lambda file: str(file.stem))
def test_shipped_tasks_are_rendered_as_lm_eval_asks_them(file: Path) -> None:
    data = DataLocations()
    config = key(file.stem, file.parent, data, 1)
    prompts = RenderedPrompts(file.stem, config, [file.parent], data)
    for document, name in hashes(file.stem, file.parent, data, config).items():
        assert hash_string(prompts.of(document, name).text) == name


def test_the_choices_of_a_document_come_with_its_prompt(folder: Path) -> None:
    (folder / "t.yaml").write_text(CHOSEN, encoding="utf-8")
    data = DataLocations((folder,))
    config = key("t", folder, data, 0)
    found = RenderedPrompts("t", config, [folder], data).of(1, hashes("t", folder, data, config)[1])
    assert (found.text, found.choices) == ("what colour is thing 6 ->", ("red", "blue"))


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("t.yaml", "A:", "Answer:", "the task 't' was changed since"),
        ("t.yaml", "{{question}}", "{{answer.nothing.at.all}}", "the templates of task 't' do not fit its rows"),
        ("t/test.jsonl", "thing", "flower", "the data of task 't' were changed since"),
        ("t/train.jsonl", "thing", "flower", "the exemplars of task 't' were changed since"),
    ],
)
def test_another_prompt_than_was_asked_is_not_shown(folder: Path, file: str, old: str, new: str, told: str) -> None:
    (folder / "t.yaml").write_text(WRITTEN, encoding="utf-8")
    data = DataLocations((folder,))
    config = key("t", folder, data, 2)
    asked = hashes("t", folder, data, config)
    (folder / file).write_text((folder / file).read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SuiteError) as error:
        RenderedPrompts("t", config, [folder], data).of(0, asked[0])
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_change_that_leaves_the_prompt_as_it_was_hides_nothing(folder: Path) -> None:
    (folder / "t.yaml").write_text(WRITTEN, encoding="utf-8")
    data = DataLocations((folder,))
    config = key("t", folder, data, 0)
    asked = hashes("t", folder, data, config)
    (folder / "t.yaml").write_text(WRITTEN.replace("exact_match", "normalised_match"), encoding="utf-8")
    found = RenderedPrompts("t", config, [folder], data).of(0, asked[0])
    assert found.text == "Answer in a word.\nQ: what colour is thing 5 A:"


def test_fewer_rows_than_were_asked_are_told(folder: Path) -> None:
    (folder / "t.yaml").write_text(WRITTEN, encoding="utf-8")
    data = DataLocations((folder,))
    config = key("t", folder, data, 0)
    asked = hashes("t", folder, data, config)
    (folder / "t" / "test.jsonl").write_text(json.dumps(ROWS[5]), encoding="utf-8")
    prompts = RenderedPrompts("t", config, [folder], data)
    assert "thing 5" in prompts.of(0, asked[0]).text
    with pytest.raises(SuiteError, match="the data of task 't' were changed since"):
        prompts.of(3, asked[3])
