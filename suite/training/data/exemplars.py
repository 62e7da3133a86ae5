"""Exemplars before training inputs: other rows of the training split, drawn again for each input and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from suite.core.errors import SuiteError
from suite.core.hashing import seed_of
from suite.tasks.load import Example
from suite.training.data.training_set import TrainingSet


@dataclass(frozen=True)
class PromptedExample:
    """A training prompt with its exemplars, and its answer."""

    prompt: str
    target: str


def with_exemplars(
    target: TrainingSet, indices: Sequence[int], shots: int, seed: int, epoch: int
) -> list[PromptedExample]:
    """Some examples of a target, each after `shots` exemplars (ProMoT's "+1-shot" with 1); never after itself.

    Duplicates of an example are not shown before it. Raises SuiteError if there are too few different rows.
    """
    prompted: list[PromptedExample] = []
    for index in indices:
        example = target.examples[index]
        if not shots:
            prompted.append(PromptedExample(example.prompt, example.target))
            continue
        shown = _others(target, example, shots, Random(seed_of(seed, "exemplars", target.role, epoch, index)))
        prompted.append(PromptedExample(target.prompts(example.doc, [each.doc for each in shown]), example.target))
    return prompted


def _others(target: TrainingSet, example: Example, shots: int, random: Random) -> list[Example]:
    """Draw different rows other than the example's, in random order."""
    chosen: dict[str, Example] = {}
    for _ in range(100 * shots):
        other = random.choice(target.examples)
        if other.hash != example.hash:
            chosen.setdefault(other.hash, other)
        if len(chosen) == shots:
            return list(chosen.values())
    raise SuiteError(f"the training rows of '{target.role}' are too few to show {shots} before each other")
