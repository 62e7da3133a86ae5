"""BLEU of stored answers is counted anew as its evaluation counted it: by its words, and with all references."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from suite.analysis.board.samples import evaluated
from suite.core.metrics.bleu import bleu, bleu_score
from suite.results.store.experiment_results import ExperimentResults
from tests.analysis.board.tiny_board import Answers, World

CHINESE = ("今天狗在家里睡觉。", "红色的猫在花园里。")


def sampled(world: World, answers: Answers) -> float | None:
    """The score as the board computes it from answers; None where these do not give the stored one."""
    world.experiment("pretrained", {("mt", 1): answers}, targets=())
    (record,) = world.store.experiments()
    (found,) = evaluated(world.store, [ExperimentResults.of(world.store, record)], [("mt", 1)]).values()
    return None if found.scores is None else float(bleu(found.scores.sum(axis=0)))


def translations(references: Sequence[Sequence[str]], said: Sequence[str], tokenizer: str) -> Answers:
    value = bleu_score(list(zip(references, said, strict=True)), tokenizer)
    rights = tuple(each[0] if len(each) == 1 else json.dumps(each) for each in references)
    return Answers(said=tuple(said), corpus=(value, 1.0), rights=rights)


def test_words_are_those_of_the_evaluation(world: World) -> None:
    said = ("今天狗在家里。", "红色的猫在花园里。")
    answers = translations([[each] for each in CHINESE], said, "zh")
    world.asked = {"words": {"bleu": "zh"}}
    assert answers.corpus is not None
    assert sampled(world, answers) == pytest.approx(answers.corpus[0])
    assert answers.corpus[0] > 50


def test_words_of_another_kind_do_not_give_the_stored_score(world: World) -> None:
    answers = translations([[each] for each in CHINESE], ("今天狗在家里。", CHINESE[1]), "zh")
    assert sampled(world, answers) is None


def test_several_references_count_together(world: World) -> None:
    references = [["the old black cat sleeps", "an old cat is asleep now"], ["one text"]]
    answers = translations(references, ("an old black cat is asleep now", "one text"), "13a")
    assert answers.corpus is not None
    assert sampled(world, answers) == pytest.approx(answers.corpus[0])
