"""The training rows of one target."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from suite.core.hashing import seed_of

if TYPE_CHECKING:
    from suite.tasks.definition import TaskFile
    from suite.tasks.load import Example, Prompts


@dataclass(frozen=True)
class TrainingSet:
    """The examples of one target, without its selection rows."""

    role: str
    task: TaskFile
    examples: tuple[Example, ...]
    prompts: Prompts
    """Makes the prompts of its examples, with or without exemplars."""

    def few(self, count: int, seed: int) -> tuple[Example, ...]:
        """The few examples for a seed: equal for every method that adapts to this target."""
        drawn = Random(seed_of(seed, "shots", self.role))
        return tuple(drawn.sample(self.examples, min(count, len(self.examples))))
