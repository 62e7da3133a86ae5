"""Answers that were decoded are scored by a later attempt without the model, with the same result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import StepFailed
from suite.evaluation.answer_cache import AnswerCache
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.tasks.load import LoadedTask, load_task
from tests.evaluation.test_scores import CHOICE, DOCS, LABELS, QA, TRAIN
from tests.evaluation.tiny import MakeTask


def scored(cache: AnswerCache, lm: Any, task: LoadedTask) -> EvaluationResult:
    return replace(cache.scoring(lambda: evaluate_with(cache.cached(lm), task)), seconds=0.0)


class Silent(StackLM):
    """A model that must not be asked."""

    def generate_until(self, *_: Any, **__: Any) -> list[str]:
        raise AssertionError("it was asked again")

    loglikelihood = loglikelihood_rolling = generate_until  # type: ignore[assignment]


@pytest.mark.parametrize("text", [QA, CHOICE, LABELS])
def test_a_failed_scorer_loses_no_answer(
    backbone: Backbone, make_task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file, locations = make_task(text, DOCS, TRAIN)
    stack = AdaptedModel(backbone, backbone.model)
    options: dict[str, Any] = {"batch_tokens": 300, "max_length": 40}
    cache = AnswerCache(tmp_path / "answers", {"model": "m"})
    with monkeypatch.context() as patch:

        def fails(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError("no words")

        patch.setattr(LoadedTask, "process_results", fails)
        where = r"\(ZeroDivisionError: no words, in test_answer_cache\.py:\d+\)"
        with pytest.raises(StepFailed, match=f"cannot be scored {where}"):
            scored(cache, StackLM(stack, **options), load_task(file, locations))
    again = AnswerCache(tmp_path / "answers", {"model": "m"})
    found = scored(again, Silent(stack, **options), load_task(file, locations))
    assert found == replace(evaluate_with(StackLM(stack, **options), load_task(file, locations)), seconds=0.0)
    again.scored()
    assert not (tmp_path / "answers").exists()


def test_other_settings_and_other_prompts_are_asked_anew(
    backbone: Backbone, make_task: MakeTask, tmp_path: Path
) -> None:
    file, locations = make_task(QA, DOCS, TRAIN)
    stack = AdaptedModel(backbone, backbone.model)
    scored(AnswerCache(tmp_path, {"model": "m"}), StackLM(stack, batch_tokens=300), load_task(file, locations))
    silent = Silent(stack, batch_tokens=300)
    with pytest.raises(AssertionError):
        scored(AnswerCache(tmp_path, {"model": "other"}), silent, load_task(file, locations))
    with pytest.raises(AssertionError):
        scored(AnswerCache(tmp_path, {"model": "m"}), silent, load_task(file, locations, shots=1))
    for kept in tmp_path.glob("*.json"):
        kept.write_text(kept.read_text()[:-9])
    with pytest.raises(AssertionError):  # half a file is none
        scored(AnswerCache(tmp_path, {"model": "m"}), silent, load_task(file, locations))


def test_answers_that_a_disk_has_changed_are_asked_for_anew(
    backbone: Backbone, make_task: MakeTask, tmp_path: Path
) -> None:
    file, locations = make_task(QA, DOCS, TRAIN)
    stack = AdaptedModel(backbone, backbone.model)
    expected = scored(AnswerCache(tmp_path, {}), StackLM(stack, batch_tokens=300), load_task(file, locations))
    (kept,) = tmp_path.glob("*.json")
    content = bytearray(kept.read_bytes())
    content[-len(content) // 2] ^= 1
    kept.write_bytes(content)
    with pytest.raises(AssertionError):
        scored(AnswerCache(tmp_path, {}), Silent(stack, batch_tokens=300), load_task(file, locations))
    assert scored(AnswerCache(tmp_path, {}), StackLM(stack, batch_tokens=300), load_task(file, locations)) == expected


def test_answers_are_found_by_the_step_that_a_mended_metric_makes(
    backbone: Backbone, make_task: MakeTask, tmp_path: Path
) -> None:
    file, locations = make_task(QA, DOCS, TRAIN)
    stack = AdaptedModel(backbone, backbone.model)
    scored(AnswerCache(tmp_path / "answers", {}, "first"), StackLM(stack, batch_tokens=300), load_task(file, locations))
    assert [kept.name.split(".")[1] for kept in (tmp_path / "answers").iterdir()] == ["first"]
    mended = AnswerCache(tmp_path / "answers", {}, "mended")
    scored(mended, Silent(stack, batch_tokens=300), load_task(file, locations))
    mended.scored()
    assert not (tmp_path / "answers").exists()
