"""Transformer²: our update and our search against the published procedure, written plainly.

`python -m benchmarks.transformer2` prints ratios and, with `--json FILE`, keeps them. The plain procedure answers one
sample at a time, makes every matrix anew as `U diag(s ⊙ m) Vᵀ` for every sample and candidate, and caches nothing. Both
use the same prompts, draw greedy answers, and must give equal gradients and equal scores.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from suite.evaluation.decode import Stops, decode
from suite.models.artifact import Singular
from suite.models.backbone import Backbone, load_backbone
from suite.models.singular import Factors, factorise, masked, matrices
from suite.models.source import ModelSource, locate
from suite.models.stack import Stacked, swapped
from suite.models.tokens import encode_prompt
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import Example, training_examples
from suite.training.batches import Collator
from suite.training.config import Reinforce
from suite.training.examples import Encoded
from suite.training.mixers import SingularMixer as Mixer
from suite.training.reinforce import Rewarded, policy_loss
from suite.training.singular import composing
from suite.training.trainable import Trainable

NEW_TOKENS = 24
BATCH, SHOTS = 64, 10


class Plain:
    """The published procedure: functional weights, one sample at a time."""

    def __init__(self, backbone: Backbone, factors: Mapping[str, Factors]) -> None:
        self.backbone, self.factors, self.model = backbone, factors, backbone.model
        weights = dict(backbone.model.named_parameters())
        self.sides = {name: each.sides(weights[name].detach()) for name, each in factors.items()}

    def weights(self, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every matrix from its three factors, with a graph."""
        new = {}
        for name, each in self.factors.items():
            scaled = each.values * masks[name]
            left, right = self.sides[name]
            new[name] = (left @ torch.diag(scaled) @ right) * (each.values.sum() / scaled.sum())
        return new

    def answer(self, prompt: list[int], weights: Mapping[str, Tensor]) -> list[int]:
        """A greedy answer by `generate`."""
        ends = self.backbone.eos_id
        with swapped(self.model, weights), torch.no_grad():
            ids = torch.tensor([prompt])
            said = self.model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW_TOKENS,
                eos_token_id=ends, pad_token_id=self.backbone.pad_id,
            )  # fmt: skip
        return list(said[0, len(prompt) :].tolist())

    def update(self, parameters: Mapping[str, Tensor], prompts: list[list[int]], rights: list[list[int]]) -> float:
        """Gradients of one update over all prompts; the mean reward."""
        total = 0.0
        for prompt, right in zip(prompts, rights, strict=True):
            weights = self.weights({name: masked(each, "sigmoid") for name, each in parameters.items()})
            said = self.answer(prompt, {name: each.detach() for name, each in weights.items()})
            reward = 1.0 if said[: len(right)] == right else -1.0
            total += reward / len(prompts)
            ids = torch.tensor([[*prompt, *said]])
            logits = torch.func.functional_call(self.model, weights, (ids,)).logits[0, len(prompt) - 1 : -1]
            likely = logits.log_softmax(-1)[torch.arange(len(said)), said].sum()
            torch.autograd.backward(-reward * likely / len(prompts))
        return total

    def score(self, masks: Mapping[str, Tensor], prompts: list[list[int]], rights: list[list[int]]) -> float:
        """The share of right answers of a candidate."""
        hits = 0
        for prompt, right in zip(prompts, rights, strict=True):
            hits += self.answer(prompt, self.weights(masks))[: len(right)] == right
        return hits / len(prompts)


class Ours:
    """What `suite` does for the same."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone, self.collate = backbone, Collator(backbone)
        self.stops = Stops(backbone.tokenizer, ())

    def answers(self, stacked: Stacked, prompts: list[list[int]]) -> list[tuple[int, ...]]:
        """Greedy answers, end token included."""
        said = decode(stacked, [tuple(p) for p in prompts], max_new_tokens=NEW_TOKENS, stops=self.stops)
        return [(*each.tokens, *([] if each.end is None else [each.end])) for each in said]

    def update(self, trainable: Trainable, job: Any, prompts: list[list[int]], rights: list[list[int]]) -> float:
        """Gradients of one update over all prompts; the mean reward."""
        with torch.no_grad():
            said = self.answers(trainable.now(self.backbone), prompts)
        pairs = zip(said, rights, strict=True)
        rewards = torch.tensor([1.0 if list(each[: len(right)]) == right else -1.0 for each, right in pairs])
        examples = [Encoded(tuple(prompt), answer) for prompt, answer in zip(prompts, said, strict=True)]
        part = Rewarded(self.collate(examples), rewards)
        torch.autograd.backward(policy_loss(part, job, trainable, Reinforce()) / len(prompts))
        return float(rewards.mean())

    def score(self, mixer: Mixer, alpha: Tensor, prompts: list[list[int]], rights: list[list[int]]) -> float:
        """The share of right answers of a candidate."""
        with swapped(self.backbone.model, mixer.weights(alpha)):
            said = self.answers(Stacked(self.backbone, self.backbone.model), prompts)
        return sum(list(each[: len(right)]) == right for each, right in zip(said, rights, strict=True)) / len(said)


def measure(work: Callable[[], Any], times: int) -> float:
    """Median seconds of some runs, after one that does not count."""
    work()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def encoded(backbone: Backbone, examples: list[Example]) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts and right answers as ids."""
    encode = backbone.tokenizer.encode
    prompts = [list(encode_prompt(backbone, example.prompt)) for example in examples]
    return prompts, [list(encode(f" {example.target}", add_special_tokens=False)) for example in examples]


def compare_updates(backbone: Backbone, examples: list[Example]) -> dict[str, float]:
    """One SVF update by reward at batch 64."""
    prompts, rights = encoded(backbone, examples[:BATCH])
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "all")}
    start = {name: torch.full((len(each.values),), 0.1) for name, each in factors.items()}
    plain, ours = Plain(backbone, factors), Ours(backbone)
    leaves = {name: each.clone().requires_grad_() for name, each in start.items()}
    plain_reward = plain.update(leaves, prompts, rights)
    wanted = {name: each.grad.clone() for name, each in leaves.items() if each.grad is not None}
    slow = measure(lambda: plain.update(leaves, prompts, rights), 1)
    with composing(backbone.model, factors, start, mask="sigmoid", renormalise=True) as made:
        job = type("Only", (), {"backbone": backbone})
        trainable = Trainable(made.parameters, made.base, prepare=made.compose)
        reward = ours.update(trainable, job, prompts, rights)
        for name, each in made.parameters.items():
            torch.testing.assert_close(each.grad, wanted[name], rtol=2e-2, atol=2e-4)
        fast = measure(lambda: ours.update(trainable, job, prompts, rights), 5)
    assert reward == plain_reward, (reward, plain_reward)
    return {"plain seconds": slow, "our seconds": fast, "ratio": slow / fast}


def compare_candidates(backbone: Backbone, examples: list[Example]) -> dict[str, float]:
    """One candidate of the search, three experts and ten shots."""
    prompts, rights = encoded(backbone, examples[:SHOTS])
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "all")}
    generator = torch.Generator().manual_seed(0)
    experts = [
        Singular(
            {name: 0.9 + 0.2 * torch.rand(len(each.values), generator=generator) for name, each in factors.items()},
            {name: each.values for name, each in factors.items()}, True,
        )
        for _ in range(3)
    ]  # fmt: skip
    alpha = torch.tensor([0.5, 0.3, 0.8])
    mixer, plain, ours = Mixer(backbone, experts), Plain(backbone, factors), Ours(backbone)
    masks = mixer.artifact(alpha).masks
    assert plain.score(masks, prompts, rights) == ours.score(mixer, alpha, prompts, rights)
    slow = measure(lambda: plain.score(masks, prompts, rights), 3)
    fast = measure(lambda: ours.score(mixer, alpha, prompts, rights), 10)
    return {"plain seconds": slow, "our seconds": fast, "ratio": slow / fast}


def main() -> None:
    """Run both comparisons on the bundled decoder and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer2", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    backbone = load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")
    examples = list(training_examples(read_task("micro_arithmetic_easy", (shipped() / "tasks",)), DataLocations()))
    found = {
        "machine": f"{platform.machine()}, {arguments.threads} threads, torch {torch.__version__}",
        "SVF update by reward, batch 64": compare_updates(backbone, examples),
        "search candidate, 3 experts, 10 shots": compare_candidates(backbone, examples),
    }
    print(found["machine"])
    for name, figures in found.items():
        if isinstance(figures, dict):
            print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
