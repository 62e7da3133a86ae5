"""REINFORCE: its gradient is that of the expected reward, baselines and divergence are as named, and it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from suite.core.diagnostics import TrainingTime
from suite.core.errors import StepFailed
from suite.evaluation.rollout import Rollout
from suite.models.adapted import AdaptedModel, swapped
from suite.models.backbone import Backbone
from suite.models.tokens import encode_prompt
from suite.training.config import Reinforce
from suite.training.data.batches import IGNORE, Collator
from suite.training.data.examples import Encoded
from suite.training.objectives.optimise import time_spent
from suite.training.objectives.reinforce import Rewarded, Rollouts, less_baseline, policy_loss
from suite.training.requirements import Requirements
from suite.training.requirements import optimisation_requirements as needs_of
from suite.training.trainable import Trainable
from tests.methods.tiny_jobs import Terms, config_of, job_for, method_of, tiny_answers
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import tiny_backbone, tiny_examples

PROMPT = "w1 w2 red question: answer:"


def trainable(backbone: Backbone) -> tuple[Trainable, list[nn.Parameter]]:
    """All weights, on copies of them."""
    base = {name: parameter.data for name, parameter in backbone.model.named_parameters()}
    parameters = dict(backbone.model.named_parameters())
    return Trainable(parameters, lambda: swapped(backbone.model, base)), list(parameters.values())


def rewarded(backbone: Backbone, answers: list[tuple[int, ...]], weights: Tensor) -> Rewarded:
    prompt = tuple(encode_prompt(backbone, PROMPT))
    return Rewarded(Collator(backbone)([Encoded(prompt, answer) for answer in answers]), weights)


def gradients(loss: Tensor, parameters: list[nn.Parameter]) -> list[Tensor]:
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def likelihood(backbone: Backbone, answer: tuple[int, ...]) -> Tensor:
    """log p of an answer, called in the ordinary way."""
    prompt = encode_prompt(backbone, PROMPT)
    if backbone.shape == "decoder":
        logits = backbone.model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1]
    else:
        start = torch.tensor([[0, *answer[:-1]]])
        logits = backbone.model(input_ids=torch.tensor([prompt]), decoder_input_ids=start).logits[0]
    return logits.log_softmax(-1)[torch.arange(len(answer)), list(answer)].sum()  # type: ignore[no-any-return]


def test_the_loss_weighs_whole_answers(backbone: Backbone) -> None:
    backbone.model.requires_grad_(True)
    set_, parameters = trainable(backbone)
    answers, weights = [(6, 7, 1), (8,), (9, 10)], torch.tensor([1.0, -1.0, 0.5])
    loss = policy_loss(rewarded(backbone, answers, weights), job_for("lora", backbone, Path()), set_, Reinforce())
    wanted = -sum(w * likelihood(backbone, a) for w, a in zip(weights, answers, strict=True))
    torch.testing.assert_close(loss, wanted, rtol=1e-4, atol=1e-4)
    for ours, plain in zip(gradients(loss, parameters), gradients(wanted, parameters), strict=True):  # type: ignore[arg-type]
        torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("baseline", ["none", "batch_mean"])
def test_the_expected_gradient_is_that_of_the_expected_reward(backbone: Backbone, baseline: str) -> None:
    # one token from the whole vocabulary: the expectation can be written out
    backbone.model.requires_grad_(True)
    set_, parameters = trainable(backbone)
    job = job_for("lora", backbone, Path())
    every = [(token,) for token in range(backbone.model.config.vocab_size)]
    rewards = torch.rand(len(every), generator=torch.Generator().manual_seed(0)) * 2 - 1
    likely = torch.stack([likelihood(backbone, answer) for answer in every]).exp()
    expected = (likely * rewards).sum()
    offset = (likely * rewards).sum().detach() if baseline == "batch_mean" else 0.0
    loss = policy_loss(rewarded(backbone, every, likely.detach() * (rewards - offset)), job, set_, Reinforce())
    for ours, wanted in zip(gradients(-loss, parameters), gradients(expected, parameters), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("direction", ["policy_base", "base_policy"])
def test_the_divergence_is_torchs(backbone: Backbone, direction: Literal["policy_base", "base_policy"]) -> None:
    base = {name: parameter.data for name, parameter in backbone.model.named_parameters()}
    moved = {name: tensor + 0.02 * torch.randn_like(tensor) for name, tensor in base.items()}
    answer = (6, 7, 8)
    prompt = encode_prompt(backbone, PROMPT)

    def logs() -> Tensor:
        if backbone.shape == "decoder":
            ids = torch.tensor([[*prompt, *answer]])
            return backbone.model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)  # type: ignore[no-any-return]
        start = torch.tensor([[0, *answer[:-1]]])
        return backbone.model(input_ids=torch.tensor([prompt]), decoder_input_ids=start).logits[0].log_softmax(-1)  # type: ignore[no-any-return]

    before = logs()
    with swapped(backbone.model, moved) as parameters:
        set_ = Trainable(parameters, lambda: swapped(backbone.model, base))
        settings = Reinforce(kl=0.5, kl_direction=direction)
        part = rewarded(backbone, [answer], torch.tensor([0.0]))
        loss = policy_loss(part, job_for("lora", backbone, Path()), set_, settings)
        after = logs()
    first, second = (after, before) if direction == "policy_base" else (before, after)
    wanted = 0.5 * nn.functional.kl_div(second, first, reduction="sum", log_target=True)
    assert float(wanted) > 1e-3
    torch.testing.assert_close(loss.detach(), wanted, rtol=1e-3, atol=1e-5)


def test_baselines() -> None:
    rewards = torch.tensor([1.0, -1.0, -1.0, -1.0])
    assert less_baseline(rewards, "none").tolist() == [1.0, -1.0, -1.0, -1.0]
    assert less_baseline(rewards, "batch_mean").tolist() == [1.5, -0.5, -0.5, -0.5]
    wanted = [1 - (-1.0), -1 - (-1 / 3), -1 - (-1 / 3), -1 - (-1 / 3)]
    assert less_baseline(rewards, "leave_one_out").tolist() == pytest.approx(wanted)
    assert less_baseline(rewards[:1], "batch_mean").tolist() == [1.0]


def test_every_example_is_asked_once_an_epoch_and_answers_belong_to_their_prompts(backbone: Backbone) -> None:
    asked: list[str] = []

    def answers(adapted: AdaptedModel, target: Any, examples: Any, sampling: Any) -> list[Rollout]:
        asked.extend(example.prompt for example in examples)
        # the reward says which prompt it was
        return [
            Rollout(tuple(encode_prompt(backbone, each.prompt)), (6,), float(tiny.index(each.prompt)))
            for each in examples
        ]

    tiny = [example.prompt for example in tiny_examples(20)]
    rollouts = Rollouts(job_for("lora", backbone, Path(), roll_out=answers), trainable(backbone)[0], Reinforce(), 4)
    for step in range(5):
        for part in rollouts.parts(step, 3):
            for row, weight in enumerate(part.weights.tolist()):
                prompt = encode_prompt(backbone, tiny[round((weight + 1) * 50)])
                assert part.batch.input_ids[row, : len(prompt)].tolist() == prompt
                assert len(part.weights) <= 3
    assert sorted(asked) == sorted(tiny)


def test_the_very_tokens_that_were_drawn_are_learned_with_their_end(backbone: Backbone) -> None:
    unknown, word, end = 2, 6, backbone.eos_id
    drawn = (unknown, word, word, end)  # another text of the same words would have other tokens
    assert tuple(backbone.tokenizer.encode(backbone.tokenizer.decode(drawn, skip_special_tokens=True))) != drawn

    def answers(adapted: AdaptedModel, target: Any, examples: Any, sampling: Any) -> list[Rollout]:
        return [Rollout(tuple(encode_prompt(backbone, each.prompt)), drawn, 100.0) for each in examples]

    job = job_for("lora", backbone, Path(), roll_out=answers)
    for part in Rollouts(job, trainable(backbone)[0], Reinforce(), 4).parts(0, 4):
        for labels in part.batch.labels:
            assert tuple(labels[labels != IGNORE].tolist()) == drawn


@pytest.mark.parametrize("sampling", ["temperature", "greedy"])
def test_a_reward_is_learned(backbone: Backbone, sampling: str, tmp_path: Path) -> None:
    def answers(adapted: AdaptedModel, target: Any, examples: Any, how: Any) -> list[Rollout]:
        found = tiny_answers(adapted, target, examples, how)
        # half of all words are right ones at the start
        return [Rollout(each.prompt, each.answer[:1], 100.0 * (each.answer[0] % 2)) for each in found]

    settings = Reinforce(sampling=sampling, baseline="batch_mean" if sampling == "temperature" else "none")  # type: ignore[arg-type]
    config = config_of("finetune by reward", steps=30, learning_rate=0.01, reinforce=settings, select_every=30)
    job = job_for("finetune", backbone, tmp_path, roll_out=answers, budget=Terms(batch_size=16))
    trained = method_of("finetune").train(config, job)
    curve = [point.value for point in trained.fit.curve if point.name == "reward"]
    assert len(curve) == 30
    assert sum(curve[-5:]) / 5 > 0.9
    assert sampling == "greedy" or sum(curve[:3]) / 3 < 0.5


def test_a_target_without_reward_for_one_answer_is_an_error(backbone: Backbone, tmp_path: Path) -> None:
    job = job_for("lora", backbone, tmp_path, examples=())
    with pytest.raises(StepFailed, match="no example"):
        Rollouts(job, trainable(backbone)[0], Reinforce(), 4)


class Clock:
    """A clock that moves only when it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_the_time_of_training_is_split_into_sampling_updates_and_selection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, backbone = Clock(), tiny_backbone("decoder")
    monkeypatch.setattr("suite.training.progress.time", clock)

    def answers(adapted: AdaptedModel, target: Any, examples: Any, how: Any) -> list[Rollout]:
        clock.now += 5.0
        return tiny_answers(adapted, target, examples, how)

    def selected(answering: Any) -> float:
        clock.now += 2.0
        return 1.0

    model: Any = backbone.model
    model.register_forward_pre_hook(lambda *_: setattr(clock, "now", clock.now + model.training * 1.0))
    config = config_of("finetune by reward", steps=4, select_every=2)
    job = job_for("finetune", backbone, tmp_path, roll_out=answers, selection=selected)
    trained = method_of("finetune").train(config, job)
    assert time_spent(needs_of(config), trained.fit) == (TrainingTime(sampling=20.0, update=4.0, selection=4.0),)
    right = config_of("finetune", steps=4, select_every=2)
    trained = method_of("finetune").train(right, job_for("finetune", backbone, tmp_path / "b", selection=selected))
    assert time_spent(needs_of(right), trained.fit) == (TrainingTime(sampling=None, update=4.0, selection=4.0),)
    assert time_spent(Requirements(), trained.fit) == ()


def test_seconds_of_an_interrupted_run_are_those_of_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, backbone = Clock(), tiny_backbone("decoder")
    monkeypatch.setattr("suite.training.progress.time", clock)

    def answers(adapted: AdaptedModel, target: Any, examples: Any, how: Any) -> list[Rollout]:
        clock.now += 5.0
        return tiny_answers(adapted, target, examples, how)

    config = config_of("lora by reward", steps=4)
    options: dict[str, Any] = {"roll_out": answers, "checkpoint_seconds": 0.0}
    with pytest.raises(Stop):
        method_of("lora").train(config, job_for("lora", backbone, tmp_path, log=Memory(3), **options))
    trained = method_of("lora").train(config, job_for("lora", backbone, tmp_path, **options))
    (found,) = time_spent(needs_of(config), trained.fit)
    assert clock.now == 25.0  # the third step was done twice
    assert found.sampling == 20.0
