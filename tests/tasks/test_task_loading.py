"""Loading: prompts as lm-eval makes them, exemplars common to all documents, training text equal to what is tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.task import ConfigurableTask

from suite.core.errors import SuiteError
from suite.micro2 import wordings, world
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.identity import Identities
from suite.tasks.load import _lists, load_task, question, references, selection_task, training_examples
from tests.tasks.test_task_files import SCORED, SHIPPED

Write = Callable[..., Path]
Data = Callable[..., DataLocations]
MICRO = [name for name in SCORED if name.startswith("micro") and not name.endswith("_skills")]


def row(number: int, **more: object) -> dict[str, object]:
    return {"question": f"colour {number} ?", "answers": [f"red {number}", "blue"], **more}


def prompts(task: Any) -> list[str]:
    task.build_all_requests()
    return [instance.args[0] for instance in task.instances]


def test_exemplars_stand_before_every_document_and_are_the_same(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    locations = data(train=[row(1), row(2)], test=[row(3), row(4)])
    made = prompts(load_task(task, locations, shots=2))
    shown = made[0].removesuffix("Q: colour 3 ? A:")
    assert sorted(shown.split("\n\n")) == ["", "Q: colour 1 ? A: red 1", "Q: colour 2 ? A: red 2"]
    assert made == [f"{shown}Q: colour 3 ? A:", f"{shown}Q: colour 4 ? A:"]


def test_a_limit_takes_the_first_documents_and_leaves_their_prompts(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    locations = data(train=[row(number) for number in range(9)], test=[row(number) for number in range(20, 29)])
    assert prompts(load_task(task, locations, shots=3, limit=4)) == prompts(load_task(task, locations, shots=3))[:4]


@pytest.mark.parametrize("name", MICRO)
def test_training_text_is_what_is_tested(name: str) -> None:
    task, locations = read_task(name, [SHIPPED]), DataLocations()
    loaded = selection_task(task, locations, [example.doc for example in training_examples(task, locations)[:20]])
    for example, prompt, doc in zip(
        training_examples(task, locations), prompts(loaded), loaded.eval_docs, strict=False
    ):
        assert example.prompt == prompt
        assert example.target == references(loaded, doc)[0]
        if name in world.TASKS:
            assert (prompt, example.target) == (wordings.prompt(name, doc), wordings.target(name, doc))
        assert example.hash == Identities(task, doc)(doc).question


@pytest.mark.parametrize("name", MICRO)
def test_prompts_are_those_of_lm_evals_own_task(name: str) -> None:
    task, locations = read_task(name, [SHIPPED]), DataLocations()
    ours = load_task(task, locations, shots=2, limit=5)
    dataset = {task.reported_split: ours.dataset[task.reported_split]}
    config = {**_lists(task.config), "custom_dataset": lambda **_: dataset, "num_fewshot": 2}
    config["fewshot_config"] = {"sampler": "first_n", "samples": ours.fewshot_cfg.samples}
    theirs = ConfigurableTask(config=config)
    assert prompts(ours) == prompts(theirs)
    docs = list(ours.eval_docs)
    assert [ours.doc_to_target(doc) for doc in docs] == [theirs.doc_to_target(doc) for doc in docs]


def test_rows_of_the_hub_fit_the_same_templates(write: Write, data: Data) -> None:
    hub = {"question": "who ?", "answer": {"value": "Ann", "aliases": ["Anna", 'the "A"'], "normalized_value": "ann"}}
    task = read_task("triviaqa", [SHIPPED])
    loaded = load_task(task, data("trivia_qa", validation=[hub], train=[hub]))
    assert references(loaded, hub) == ("Ann", "Anna", 'the "A"')
    assert question(loaded, hub) == "Q: who ? A:"


def test_a_template_that_does_not_fit_the_rows_names_their_fields(write: Write, data: Data) -> None:
    folder = write(**{"{{question}}": "{{query}}"})
    with pytest.raises(
        SuiteError, match=r"colours.yaml: the templates .* 'query' is undefined.*; the row has: answers, que"
    ):
        load_task(read_task("colours", [folder]), data(test=[row(1)]))


def test_a_selection_never_shows_what_it_scores(write: Write, data: Data) -> None:
    task = read_task("colours", [write()])
    locations = data(train=[row(number) for number in range(4)], test=[row(9)])
    made = prompts(selection_task(task, locations, [row(0), row(1)], shots=2))
    assert len(made) == 2
    assert all("red 2" in prompt and "red 3" in prompt for prompt in made)


def test_lm_evals_own_task_runs_on_rows_of_a_data_folder(data: Data) -> None:
    rows = [
        {"premise": f"it rained {number}.", "choice1": "Wet.", "choice2": "Dry.", "question": "effect", "label": 0}
        for number in range(6)
    ]
    task = read_task("copa", [])
    loaded = load_task(task, data("copa", train=rows[:3], validation=rows[3:]), shots=2)
    assert prompts(loaded)[0].endswith("it rained 3 therefore")
    assert references(loaded, rows[0]) == (" wet.",)


def test_lm_evals_own_python_functions_get_a_table(data: Data) -> None:
    rows = [
        {"ctx_a": f"one {number}", "ctx_b": "two", "activity_label": "act", "endings": ["a", "b"], "label": "0"}
        for number in range(4)
    ]
    loaded = load_task(read_task("hellaswag", []), data("hellaswag", train=rows[:2], validation=rows[2:]), shots=1)
    assert "act: one 2 Two" in prompts(loaded)[0]
