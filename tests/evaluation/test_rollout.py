"""Answers for a reward: the tokens that were drawn, with the score that an evaluation would give them."""

from __future__ import annotations

from functools import cache

import pytest

from suite.core.errors import StepFailed
from suite.evaluation.evaluate import evaluate
from suite.evaluation.rollout import roll_out
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.models.tokens import encode_prompt
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import LoadedTask, load_task

MODELS = ("micro-llama", "micro-t5")


@cache
def bundled(name: str) -> Backbone:
    source = ModelSource(bundled=name, sentinels=name == "micro-t5")
    return load_backbone(locate(source, None), "cpu")


def task(name: str) -> LoadedTask:
    return load_task(read_task(name, (shipped() / "tasks",)), DataLocations(), limit=12)


@pytest.mark.parametrize("name", MODELS)
def test_greedy_answers_are_those_of_an_evaluation(name: str) -> None:
    backbone = bundled(name)
    adapted, asked = AdaptedModel(backbone, backbone.model), task("micro_triviaqa")
    answers = evaluate(adapted, asked, batch_tokens=2000).answers
    rollouts = roll_out(adapted, asked, batch_tokens=2000)
    assert [rollout.value for rollout in rollouts] == [answer.value for answer in answers]
    for rollout, answer in zip(rollouts, answers, strict=True):
        assert list(rollout.prompt) == list(encode_prompt(backbone, answer.question))
        assert backbone.tokenizer.decode(rollout.answer, skip_special_tokens=True).split() == answer.output.split()
        ends = {backbone.eos_id, *backbone.tokenizer.convert_tokens_to_ids(["<extra_id_1>", "\n\n"])}
        assert rollout.answer[-1] in ends  # what ends an answer is learned with it
    if name == "micro-t5":
        opening = backbone.tokenizer.convert_tokens_to_ids("<extra_id_0>")
        assert all(rollout.answer[0] == opening for rollout in rollouts)


@pytest.mark.parametrize("name", MODELS)
def test_samples_depend_on_the_seed_alone(name: str) -> None:
    backbone = bundled(name)
    adapted, asked = AdaptedModel(backbone, backbone.model), task("micro_rte")
    first, again, other = (
        [rollout.answer for rollout in roll_out(adapted, asked, batch_tokens=2000, temperature=3.0, seed=seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    cold = roll_out(adapted, asked, batch_tokens=2000, temperature=1e-4, seed=3)
    assert cold == roll_out(adapted, asked, batch_tokens=2000)


def test_a_task_scored_as_a_corpus_gives_no_reward() -> None:
    backbone = bundled("micro-llama")
    with pytest.raises(StepFailed, match="gives no reward"):
        roll_out(AdaptedModel(backbone, backbone.model), task("micro_wmt16_ende"), batch_tokens=2000)
