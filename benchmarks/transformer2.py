"""Transformer²: our update, search and routing against a plain implementation of the published procedure.

`python -m benchmarks.transformer2` prints ratios; `--json FILE` writes them; `--path FOLDER` uses another model than
the bundled one. The plain procedure answers one sample at a time, recomputes every matrix as `U diag(s ⊙ m) Vᵀ` for
every sample and candidate, and caches nothing. Both use the same prompts and greedy answers, and must give equal
gradients, scores and answers. For a large model, the plain procedure processes only a part (`--part N`) of the samples,
and its time is scaled up.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from suite.inference.decode import Stops, decode
from suite.models.adapted import AdaptedModel, swapped
from suite.models.apply import applied
from suite.models.artifacts.singular import Singular, SingularMixer
from suite.models.backbone import Backbone, load_backbone
from suite.models.singular import Factors, factorise, masked, matrices
from suite.models.source import ModelSource, locate
from suite.models.tokens import encode_prompt
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import Example, training_examples
from suite.training.config import Reinforce
from suite.training.data.batches import Collator
from suite.training.data.examples import Encoded
from suite.training.objectives.reinforce import Rewarded, policy_loss
from suite.training.singular import composing
from suite.training.trainable import Trainable

NEW_TOKENS, FIRST_TOKENS = 24, 3
BATCH, SHOTS, MIXED = 64, 10, 96


class Plain:
    """The published procedure: functional weights, one sample at a time."""

    def __init__(self, backbone: Backbone, factors: Mapping[str, Factors]) -> None:
        self.backbone, self.factors, self.model = backbone, factors, backbone.model
        weights = dict(backbone.model.named_parameters())
        self.sides = {name: each.sides(weights[name].detach()) for name, each in factors.items()}

    def weights(self, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute every matrix from its three factors, differentiable."""
        new = {}
        for name, each in self.factors.items():
            scaled = each.values * masks[name]
            left, right = self.sides[name]
            new[name] = (left @ torch.diag(scaled) @ right) * (each.values.sum() / scaled.sum())
        return new

    def answer(self, prompt: list[int], weights: Mapping[str, Tensor], most: int = NEW_TOKENS) -> list[int]:
        """The greedy answer of `generate`."""
        ends = self.backbone.eos_id
        with swapped(self.model, weights), torch.no_grad():
            ids = torch.tensor([prompt])
            said = self.model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=most,
                eos_token_id=ends, pad_token_id=self.backbone.pad_id,
            )  # fmt: skip
        return list(said[0, len(prompt) :].tolist())

    def update(self, parameters: Mapping[str, Tensor], prompts: list[list[int]], rights: list[list[int]]) -> float:
        """Compute the gradients of one update over all prompts. Returns the mean reward."""
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
    """The same work by `suite`."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone, self.collate = backbone, Collator(backbone)
        self.stops = Stops(backbone.tokenizer, ())

    def answers(self, adapted: AdaptedModel, prompts: list[list[int]], most: int = NEW_TOKENS) -> list[tuple[int, ...]]:
        """Greedy answers, including end tokens."""
        said = decode(adapted, [tuple(p) for p in prompts], max_new_tokens=most, stops=self.stops)
        return [(*each.tokens, *([] if each.end is None else [each.end])) for each in said]

    def update(self, trainable: Trainable, job: Any, prompts: list[list[int]], rights: list[list[int]]) -> float:
        """Compute the gradients of one update over all prompts. Returns the mean reward."""
        with torch.no_grad():
            said = self.answers(trainable.adapted(self.backbone), prompts)
        pairs = zip(said, rights, strict=True)
        rewards = torch.tensor([1.0 if list(each[: len(right)]) == right else -1.0 for each, right in pairs])
        examples = [Encoded(tuple(prompt), answer) for prompt, answer in zip(prompts, said, strict=True)]
        part = Rewarded(self.collate(examples), rewards)
        torch.autograd.backward(policy_loss(part, job, trainable, Reinforce()) / len(prompts))
        return float(rewards.mean())

    def score(self, mixer: SingularMixer, alpha: Tensor, prompts: list[list[int]], rights: list[list[int]]) -> float:
        """The share of right answers of a candidate."""
        with swapped(self.backbone.model, mixer.weights(alpha)):
            said = self.answers(AdaptedModel(self.backbone, self.backbone.model), prompts)
        return sum(list(each[: len(right)]) == right for each, right in zip(said, rights, strict=True)) / len(said)


def measure(work: Callable[[], Any], times: int, *, warm: bool = True) -> float:
    """Median processor seconds over several runs, after a warm-up run. Other processes do not affect processor time."""
    if warm:
        work()
    seconds = []
    for _ in range(times):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return median(seconds)


def encoded(backbone: Backbone, examples: list[Example]) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts and right answers as ids."""
    encode = backbone.tokenizer.encode
    prompts = [list(encode_prompt(backbone, example.prompt)) for example in examples]
    return prompts, [list(encode(f" {example.target}", add_special_tokens=False)) for example in examples]


def compare_updates(backbone: Backbone, examples: list[Example], part: int) -> dict[str, float]:
    """One SVF update by reward at batch size 64. Gradients of `part` samples are compared, and their time is scaled
    up."""
    prompts, rights = encoded(backbone, examples[:BATCH])
    factors = decomposed(backbone)
    start = {name: torch.full((len(each.values),), 0.1) for name, each in factors.items()}
    plain, ours = Plain(backbone, factors), Ours(backbone)
    leaves = {name: each.clone().requires_grad_() for name, each in start.items()}
    few = prompts[:part], rights[:part]
    slow = measure(lambda: plain.update(leaves, *few), 1, warm=False) * BATCH / part
    wanted = {name: each.grad.clone() for name, each in leaves.items() if each.grad is not None}
    with composing(backbone.model, factors, start, mask="sigmoid", renormalise=True) as made:
        job = type("Only", (), {"backbone": backbone})
        trainable = Trainable(made.parameters, made.base, made.adapt)
        ours.update(trainable, job, *few)
        for name, each in made.parameters.items():
            torch.testing.assert_close(each.grad, wanted[name], rtol=2e-2, atol=2e-4)
        fast = measure(lambda: ours.update(trainable, job, prompts, rights), 5 if part == BATCH else 1)
    return {"plain seconds": slow, "our seconds": fast, "ratio": slow / fast}


def compare_candidates(backbone: Backbone, examples: list[Example], part: int) -> dict[str, float]:
    """One candidate of the search, with three experts and ten shots."""
    prompts, rights = encoded(backbone, examples[:SHOTS])
    factors, part = decomposed(backbone), min(part, SHOTS)
    alpha = torch.tensor([0.5, 0.3, 0.8])
    mixer, plain, ours = SingularMixer(backbone, experts(factors)), Plain(backbone, factors), Ours(backbone)
    masks = mixer.artifact(alpha).masks
    few = prompts[:part], rights[:part]
    assert plain.score(masks, *few) == ours.score(mixer, alpha, *few)
    slow = measure(lambda: plain.score(masks, *few), 3, warm=False) * SHOTS / part
    fast = measure(lambda: ours.score(mixer, alpha, prompts, rights), 5)
    return {"plain seconds": slow, "our seconds": fast, "ratio": slow / fast}


def compare_dispatch(backbone: Backbone, examples: list[list[Example]], part: int) -> dict[str, float]:
    """Routing of 96 prompts of three tasks: a first pass, then the expert of each prompt's task.

    The bundled model cannot name skills, so documents go to the expert of their own task. The first pass is still made,
    timed and compared.
    """
    mixed = [(task, each) for row in zip(*examples, strict=False) for task, each in enumerate(row)][:MIXED]
    prompts = encoded(backbone, [each for _, each in mixed])[0]
    tasks = [task for task, _ in mixed]
    factors, part = decomposed(backbone), min(part * 3, MIXED)
    three = experts(factors)
    plain, ours = Plain(backbone, factors), Ours(backbone)

    def one_by_one(count: int) -> list[tuple[list[int], list[int]]]:
        base = {name: parameter.data for name, parameter in backbone.model.named_parameters()}
        found = []
        for task, prompt in zip(tasks[:count], prompts, strict=False):
            named = plain.answer(prompt, base, FIRST_TOKENS)
            found.append((named, plain.answer(prompt, plain.weights(three[task].masks))))
        return found

    def grouped(count: int) -> list[tuple[list[int], list[int]]]:
        named = ours.answers(AdaptedModel(backbone, backbone.model), prompts[:count], FIRST_TOKENS)
        said: dict[int, tuple[int, ...]] = {}
        for task, expert in enumerate(three):
            places = [place for place in range(count) if tasks[place] == task]
            with applied(backbone, [expert]) as current:
                said |= zip(places, ours.answers(current, [prompts[place] for place in places]), strict=True)
        return [(list(named[place]), list(said[place])) for place in range(count)]

    assert one_by_one(part) == grouped(part)
    slow = measure(lambda: one_by_one(part), 1, warm=False) * MIXED / part
    fast = measure(lambda: grouped(MIXED), 3)
    return {"plain seconds": slow, "our seconds": fast, "ratio": slow / fast}


def memory(backbone: Backbone, examples: list[Example], loaded: int) -> dict[str, float]:
    """Peak memory of SVF updates of two samples, as a multiple of the model's own; Linux only."""
    size = sum(parameter.numel() * parameter.element_size() for parameter in backbone.model.parameters())
    prompts, rights = encoded(backbone, examples[:2])
    factors, ours = decomposed(backbone), Ours(backbone)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
    start = {name: torch.full((len(each.values),), 0.1) for name, each in factors.items()}
    with composing(backbone.model, factors, start, mask="sigmoid", renormalise=True) as made:
        held = resident("VmRSS")
        trainable = Trainable(made.parameters, made.base, made.adapt)
        ours.update(trainable, type("Only", (), {"backbone": backbone}), prompts, rights)
    peak = resident("VmHWM")
    return {"model MB": size / 1e6, "held": (held - loaded + size) / size, "peak": (peak - loaded + size) / size}


def resident(key: str) -> int:
    """Bytes of this process in memory: now (`VmRSS`) or peak (`VmHWM`)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def decomposed(backbone: Backbone) -> dict[str, Factors]:
    """The factors of all matrices."""
    weights = dict(backbone.model.named_parameters())
    return {name: factorise(weights[name], backbone.factors) for name in matrices(backbone.model, "all")}


def experts(factors: Mapping[str, Factors]) -> list[Singular]:
    """Three experts that scale every singular value by 0.9 to 1.1."""
    generator = torch.Generator().manual_seed(0)
    values = {name: each.values for name, each in factors.items()}
    return [
        Singular({name: 0.9 + 0.2 * torch.rand(len(each), generator=generator) for name, each in values.items()},
                 values, True)
        for _ in range(3)
    ]  # fmt: skip


def main() -> None:
    """Run all comparisons on a decoder and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer2", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--path", help="a model's folder, instead of the bundled decoder")
    parser.add_argument("--part", type=int, default=BATCH, help="samples that the plain procedure does of 64")
    parser.add_argument("--factors", type=Path, help="a folder for decompositions, to make them once")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    source = ModelSource(path=arguments.path) if arguments.path else ModelSource(bundled="micro-llama")
    backbone = load_backbone(locate(source, None), "cpu", arguments.factors)
    tasks = [read_task(f"micro_{name}_easy", (shipped() / "tasks",)) for name in ("arithmetic", "programs", "choice")]
    examples = [list(training_examples(task, DataLocations())) for task in tasks]
    machine = f"{platform.machine()}, {arguments.threads} threads, torch {torch.__version__}"
    found: dict[str, dict[str, float]] = {}
    if sys.platform == "linux" and arguments.path:  # for a small model, Python's own memory would dominate
        found["memory of SVF training / the model's own"] = memory(backbone, examples[0], resident("VmRSS"))
    found["SVF update by reward, batch 64"] = compare_updates(backbone, examples[0], arguments.part)
    found["search candidate, 3 experts, 10 shots"] = compare_candidates(backbone, examples[0], arguments.part)
    found["dispatch, 96 prompts, 3 experts"] = compare_dispatch(backbone, examples, arguments.part)
    print(f"{source.title}, {machine}")
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    if arguments.json:
        told = {"model": source.title, "machine": machine, **found}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
