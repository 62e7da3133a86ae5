"""REINFORCE on a model's own answers, for any trainable parameters (Williams 1992; Transformer², section 3.2).

Answers to a batch of prompts are drawn together and rewarded by the task's own metric: right +1, wrong −1, graded
metrics between. The log-probabilities of the answers' tokens, including the end token, are weighted by reward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

import torch
from torch import Tensor

from suite.core.errors import StepFailed
from suite.core.hashing import fingerprint, seed_of
from suite.evaluation.rollout import Rollout
from suite.training.config import Optimisation, Reinforce
from suite.training.data.batches import Batch, Collator, in_parts
from suite.training.data.examples import Encoded
from suite.training.job import Job, Sampling
from suite.training.loop import Fit, fit
from suite.training.objectives.losses import answer_logits
from suite.training.ranks import ranks
from suite.training.shards import is_divided
from suite.training.trainable import Trainable


@dataclass(frozen=True)
class Rewarded:
    """The model's answers as a batch, with their weights."""

    batch: Batch
    weights: Tensor
    """[B]: reward minus baseline."""

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers, counted twice: once generated, once trained on."""
        return 2 * self.batch.tokens

    def to(self, device: torch.device) -> Rewarded:
        """Move it to a device."""
        return Rewarded(self.batch.to(device), self.weights.to(device))


def train_by_reward(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Train parameters by policy gradient. Raises StepFailed if the target gives no reward for a single answer."""
    budget, backbone, settings = job.budget_for(config), job.backbone, config.reinforce
    probe, scored = job.probe, count()

    def score() -> float:
        label = f"in training, selection {next(scored)}"
        return job.selection(lambda role: trainable.answering(backbone, job.roles, role, label))

    return fit(
        backbone.model,
        trainable.parameters,
        lambda part: policy_loss(part, job, trainable, settings),
        Rollouts(job, trainable, settings, budget.batch_size),
        budget,
        seed=job.seed,
        score=score,
        checkpoint=job.checkpoint,
        log=job.log,
        probe=None if probe is None else lambda step: probe(step, config, job, trainable),
        due=None if probe is None else lambda step: probe.due(step, budget.steps),
        spending=job.spending,
        base=backbone.identity,
        sharding=job.sharding,
    )


class Rollouts:
    """The batches of a reinforcement run: each example once an epoch, answered by the model of that step."""

    def __init__(self, job: Job, trainable: Trainable, settings: Reinforce, size: int) -> None:
        self._job, self._trainable, self._settings = job, trainable, settings
        self._size = size
        self._pool = [
            (target_index, index)
            for target_index, each in enumerate(job.examples)
            for index in range(len(each.examples))
        ]
        if not self._pool:
            raise StepFailed("there is no example to train on")
        self._collate = Collator(job.backbone)
        self._reward = 0.0
        hashes = [[example.hash for example in each.examples] for each in job.examples]
        self.fingerprint = fingerprint([settings.model_dump(mode="json"), hashes, self._size, job.seed])

    def target_tokens(self, step: int) -> int:
        """The number of answers: the loss is a mean over answers, whatever their length."""
        return self._size

    def measured(self) -> Mapping[str, float]:
        """The mean reward of the last step's answers, −1 to 1."""
        return {"reward": self._reward}

    def indices(self, step: int) -> list[tuple[int, int]]:
        """The examples of a step (from 0), as (training set, index in it)."""
        positions = range(step * self._size, (step + 1) * self._size)
        return [self._order(position // len(self._pool))[position % len(self._pool)] for position in positions]

    def parts(self, step: int, micro_batch: int) -> list[Rewarded]:
        """The current model's answers with their rewards, in parts of at most `micro_batch`, shortest first."""
        answers = self._answers(step)
        rollouts = [rollout for _, rollout in answers]
        rewards = [rollout.value / 50 - 1 for rollout in rollouts]
        self._reward = sum(rewards) / len(rewards)
        weights = less_baseline(torch.tensor(rewards), self._settings.baseline)
        order = sorted(range(len(rollouts)), key=lambda row: len(rollouts[row].prompt) + len(rollouts[row].answer))
        encoded = {row: Encoded(rollouts[row].prompt, rollouts[row].answer, answers[row][0]) for row in order}
        runs = in_parts([(encoded[row].target_index, row) for row in order], micro_batch)
        return [Rewarded(self._collate([encoded[row] for row in rows]), weights[rows]) for rows in runs]

    @torch.no_grad()
    def _answers(self, step: int) -> list[tuple[int, Rollout]]:
        job, settings, chosen = self._job, self._settings, self.indices(step)
        temperature = settings.temperature if settings.sampling == "temperature" else None
        model = job.backbone.model
        model.eval()  # the policy is the model without dropout
        answers: list[tuple[int, Rollout]] = []
        group, divided = ranks(), is_divided(model)  # what is divided answers the same prompts in all processes
        for target_index, each in enumerate(job.examples):
            examples = [each.examples[index] for owner, index in chosen if owner == target_index]
            own = examples if divided else group.slice(examples)
            seed = seed_of(job.seed, "answers", step, each.role, *([] if divided else filter(None, [group.rank])))
            drawn, rollouts = Sampling(temperature, settings.max_new_tokens, seed), list[Rollout]()
            if own:
                current = self._trainable.adapted(job.backbone, target_index)
                rollouts = job.roll_out(current, each, own, drawn)
            rollouts = rollouts if divided else group.together(rollouts)
            answers += [(target_index, rollout) for rollout in rollouts]
        model.train()
        return answers

    def _order(self, epoch: int) -> list[tuple[int, int]]:
        order = list(self._pool)
        Random(seed_of(self._job.seed, "epoch", epoch)).shuffle(order)
        return order


def policy_loss(part: Rewarded, job: Job, trainable: Trainable, settings: Reinforce) -> Tensor:
    """The loss `−Σ weight · log p(answer) + kl · Σ KL` over a part's answers (a scalar).

    For answers sampled at temperature 1, its gradient is an estimate of the negative gradient of the expected reward.
    """
    base = None
    if settings.kl:
        with torch.no_grad(), trainable.base_model(job.backbone) as base_model:
            base = answer_logits(base_model, part.batch)[0].float().log_softmax(-1)
    batch = part.batch
    logits, labels = answer_logits(trainable.adapted(job.backbone, batch.target_index), batch)
    likely = logits.float().log_softmax(-1)
    weights = part.weights[batch.answers // batch.labels.shape[1]]  # each token has the weight of its answer
    loss = -(weights * likely.gather(1, labels[:, None])[:, 0]).sum()
    if base is None:
        return loss
    first, second = (likely, base) if settings.kl_direction == "policy_base" else (base, likely)
    return loss + settings.kl * (first.exp() * (first - second)).sum()


def less_baseline(rewards: Tensor, baseline: str) -> Tensor:
    """Rewards [B] minus the baseline: nothing, their mean, or the mean of the other rewards."""
    if baseline == "none" or len(rewards) < 2:
        return rewards
    centred = rewards - rewards.mean()
    return centred if baseline == "batch_mean" else centred * (len(rewards) / (len(rewards) - 1))
