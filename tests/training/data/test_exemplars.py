"""Exemplars before training inputs: other rows, drawn anew, shown as a few-shot evaluation shows them."""

from __future__ import annotations

import pytest

from suite.core.errors import SuiteError
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import Prompts, load_task, training_examples
from suite.training.data.exemplars import with_exemplars
from tests.methods.tiny_jobs import tiny_set
from tests.models.tiny_models import tiny_examples


def test_an_input_is_never_its_own_exemplar_nor_that_of_its_double() -> None:
    rows = tiny_examples(3)
    target = tiny_set("rte", (*rows, rows[0]))
    for epoch in range(50):
        asked = with_exemplars(target, [0, 1, 2, 3], 1, 7, epoch)
        for example, each in zip(target.examples, asked, strict=True):
            assert each.prompt.endswith(example.prompt)
            shown = each.prompt.removesuffix(example.prompt)
            assert shown in {target.prompts.exemplar(row.doc) for row in rows if row.hash != example.hash}


def test_exemplars_are_drawn_anew_for_each_epoch_and_seed_and_only_by_them() -> None:
    target = tiny_set("rte", tiny_examples(30))
    first = with_exemplars(target, range(30), 2, 0, 0)
    assert first == with_exemplars(target, range(30), 2, 0, 0)
    assert first[4] == with_exemplars(target, [4], 2, 0, 0)[0]
    assert first != with_exemplars(target, range(30), 2, 0, 1)
    assert first != with_exemplars(target, range(30), 2, 1, 0)
    assert len({each.prompt.split("question:")[0] for each in first}) > 15


def test_without_shots_the_prompt_is_the_examples_own_and_too_few_rows_are_an_error() -> None:
    rows = tiny_examples(2)
    assert [each.prompt for each in with_exemplars(tiny_set("rte", rows), [0, 1], 0, 0, 0)] == [
        row.prompt for row in rows
    ]
    with pytest.raises(SuiteError, match="too few to show 2"):
        with_exemplars(tiny_set("rte", rows), [0], 2, 0, 0)


@pytest.mark.parametrize("role", ["rte", "wmt14_enfr", "openbookqa"])
def test_what_is_trained_is_what_a_one_shot_evaluation_asks(role: str) -> None:
    (experiment,) = load([shipped() / "pretrained.yaml"], Options("micro"))
    task, data = experiment.tasks[role], DataLocations()
    asked = load_task(task, data, shots=1, limit=5)
    shown = asked.sampler.sample(1)[0]
    prompts = Prompts(task, data)
    for doc in list(asked.eval_docs):
        wanted = asked.fewshot_context(doc, 1)
        assert prompts(doc, (shown,)) == wanted
        assert prompts.exemplar(shown) + prompts(doc) == wanted
    first = training_examples(task, data)[0]
    assert prompts(first.doc) == first.prompt
