"""Watching an evaluation changes no answer, and ends at all its documents."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from suite.evaluation.answered import Answered
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from tests.models.tiny_models import tiny_backbone

TEXTS = ["the cat sat", "a dog", "what is this thing here", "no", "the end of the day is near"]


def instance(kind: str, document: int, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0, metadata=("task", document, 1))


def requests(kind: str) -> list[Instance]:
    if kind == "generate_until":
        return [instance(kind, at, text, {"until": ["\n"], "max_gen_toks": 5}) for at, text in enumerate(TEXTS)]
    if kind == "loglikelihood":
        return [instance(kind, at, text, choice) for at, text in enumerate(TEXTS) for choice in (" yes", " no thing")]
    return [instance(kind, at, text) for at, text in enumerate(TEXTS)]


@pytest.mark.parametrize("shape", ["decoder", "encoder-decoder"])
@pytest.mark.parametrize(
    ("kind", "beams"),
    [("generate_until", 1), ("generate_until", 2), ("loglikelihood", 1), ("loglikelihood_rolling", 1)],
)
def test_documents_are_counted_up_to_all_and_answers_are_the_same(shape: str, kind: str, beams: int) -> None:
    backbone = tiny_backbone(shape)
    seen: list[tuple[int, int, int]] = []
    answered = Answered(len(TEXTS), lambda done, total, tokens, seconds: seen.append((done, total, tokens)))
    watched, plain = (
        StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=12, beams=beams, answered=each)
        for each in (answered, None)
    )
    assert getattr(watched, kind)(requests(kind)) == getattr(plain, kind)(requests(kind))
    assert watched.tokens == plain.tokens
    done = [each[0] for each in seen]
    assert done == sorted(done)
    assert seen[-1] == (len(TEXTS), len(TEXTS), watched.tokens)
    assert len(seen) > 1 or kind == "loglikelihood_rolling"  # texts of one context are scored together


def test_another_pass_over_the_documents_begins_again() -> None:
    seen: list[int] = []
    answered = Answered(3, lambda done, *_: seen.append(done))
    asked = [instance("generate_until", at, "x", {}) for at in range(3)]
    first = answered.group(asked)
    first(1, 10)
    first(2, 10)
    for request in asked[:2]:
        answered.group([request])(1, 5)
    assert seen == [1, 3, 1, 2]


def test_what_is_answered_twice_counts_once() -> None:
    seen: list[int] = []
    ended = Answered(2, lambda done, *_: seen.append(done)).group(
        [instance("generate_until", at, "x", {}) for at in range(2)]
    )
    for _ in range(3):
        ended(1, 1)
    assert seen == [1, 2, 2]
