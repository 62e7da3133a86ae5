"""Steps and documents that fit the time for a first comparison, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from suite.starter.timing import MeasuredSpeed

METHODS: Final = ("pretrained", "lora", "finetune", "prompt_tuning", "promot", "svf")
"""The specs of a new workspace."""
STEP_COSTS: Final = {"lora": 0.9, "finetune": 1.2, "prompt_tuning": 1.0, "promot": 1.3, "svf": 1.6}
"""What a step takes beside a bare forward and backward pass: fewer gradients, longer inputs, the optimiser."""
PROMPT_STEPS: Final = 2
"""Prompt tuning takes as many times the steps of the others: it learns slowly."""
SETTING_UP: Final = 3.0
"""Seconds that each of the steps takes besides: the model is loaded, checked, saved."""
STEPS_OF_SPEC: Final = 4
"""Steps of a plan for each spec."""
FEWEST: Final = 20
ENOUGH: Final = 40
"""Steps that a first comparison should have: with fewer, methods are left out instead."""
DISPENSABLE: Final = ("svf", "promot", "prompt_tuning", "finetune")
"""What is left out of a first comparison if time lacks, in this order; pretrained and LoRA remain."""
MOST_DOCUMENTS: Final = 64
FEWEST_DOCUMENTS: Final = 16
COUNTS: Final = (MOST_DOCUMENTS, 48, 32, 24)
"""Documents of a held-out task, if there is time."""
MOST: Final = 1000
PROMPT_LENGTH: Final = 20
"""Vectors of a tuned prompt, which take as many tokens' places."""
LONGEST: Final = 2048
"""Tokens of an input at most."""
WRITING: Final = 2
"""Tokens that are read in the time in which one is written, in a batch."""
EPOCHS: Final = 5
"""Times that training reads each row, where time allows it."""


@dataclass(frozen=True)
class StarterBudget:
    """What the specs may take."""

    steps: int
    """Training steps of each method; prompt tuning takes `PROMPT_STEPS` times as many."""
    documents: int
    """Documents of each held-out task."""
    selection: int
    """Selection rows."""
    max_length: int
    """Tokens of an input."""
    cut: int
    """Rows that are longer."""
    seconds: float
    """What all specs take, by the measurement."""
    methods: tuple[str, ...] = METHODS
    """Those of the specs."""
    left_out: tuple[str, ...] = ()
    """Those for which time lacks."""
    minutes_of_all: int = 0
    """What all of them would take with the fewest steps and documents that are enough."""

    @property
    def minutes(self) -> int:
        """The same in minutes, at least one."""
        return max(1, round(self.seconds / 60))


def budget_of(
    speed: MeasuredSpeed, *, train: int, tested: int, held_out: int, minutes: float, positions: int,
    held_out_length: int, longest: int, methods: tuple[str, ...] = METHODS,
) -> StarterBudget:  # fmt: skip
    """The steps of `methods` that fit, for `train` and `tested` rows of the target, `held_out` tasks, some positions.

    Evaluations take half of the time at most, and leave time for `ENOUGH` steps of each method: tasks are asked fewer
    documents if they would not. If even few documents leave too little time, methods are left out.
    """
    selection = max(4, min(64, train // 5))
    wanted = max(60, math.ceil(EPOCHS * (train - selection) / speed.batch_size))
    work = _Work(speed, tested, held_out * held_out_length, selection, minutes * 60)
    chosen, enough = list(methods), min(wanted, ENOUGH)
    for name in DISPENSABLE:
        if work.affordable(chosen, FEWEST_DOCUMENTS) >= enough:
            break
        chosen = [method for method in chosen if method != name]
    documents = work.documents(chosen, enough)
    steps = max(FEWEST, min(wanted, MOST, int(work.affordable(chosen, documents))) // 10 * 10)
    room = positions - 32
    max_length = min(room, LONGEST, max(longest, _rounded(max(speed.lengths) + PROMPT_LENGTH)))
    cut = sum(length + PROMPT_LENGTH > max_length for length in speed.lengths)
    seconds = steps * work.step(chosen) + work.besides(chosen, documents)
    left_out = tuple(name for name in methods if name not in chosen)
    all_of_them = enough * work.step(methods) + work.besides(methods, FEWEST_DOCUMENTS)
    return StarterBudget(
        steps, documents, selection, max_length, cut, seconds, tuple(chosen), left_out, math.ceil(all_of_them / 60)
    )


@dataclass(frozen=True)
class _Work:
    """What some methods take, in seconds."""

    speed: MeasuredSpeed
    tested: int
    """Rows of the target that are reported."""
    held_out_tokens: int
    """Tokens of one document of each held-out task together."""
    selection: int
    """Selection rows."""
    seconds: float
    """All that is available."""

    def step(self, methods: Sequence[str]) -> float:
        """A step of each method that trains; prompt tuning makes `PROMPT_STEPS` instead."""
        costs = {name: cost for name, cost in STEP_COSTS.items() if name in methods}
        return self.speed.training * sum(
            cost * (PROMPT_STEPS if name == "prompt_tuning" else 1) for name, cost in costs.items()
        )

    def documents(self, methods: Sequence[str], enough: int) -> int:
        """Documents of each held-out task: evaluations take half of the time at most, and leave time for the steps."""
        for count in COUNTS:
            evaluating = self._target(methods) + self._held_out(methods, count)
            if evaluating <= self._remaining(methods) / 2 and self.affordable(methods, count) >= enough:
                return count
        return FEWEST_DOCUMENTS

    def besides(self, methods: Sequence[str], documents: int) -> float:
        """What is not training: evaluations, selection, setting up."""
        return (
            self._target(methods)
            + self._held_out(methods, documents)
            + self._selecting(methods)
            + self._setting_up(methods)
        )

    def affordable(self, methods: Sequence[str], documents: int) -> float:
        """Steps of each method that fit."""
        available = self._remaining(methods) + self._setting_up(methods)
        return (available - self.besides(methods, documents)) / self.step(methods)

    def _remaining(self, methods: Sequence[str]) -> float:
        return max(self.seconds - self._setting_up(methods), self.seconds / 3)

    def _setting_up(self, methods: Sequence[str]) -> float:
        return STEPS_OF_SPEC * len(methods) * SETTING_UP

    @property
    def _answering(self) -> float:
        """A row of the target: its prompt is read, and its answer written token by token."""
        return (self.speed.mean_length + WRITING * self.speed.longest_answer) * self.speed.reading

    def _target(self, methods: Sequence[str]) -> float:
        """Each method answers the target's rows."""
        return len(methods) * self.tested * self._answering

    def _held_out(self, methods: Sequence[str], documents: int) -> float:
        evaluated = sum(name != "prompt_tuning" for name in methods)  # a tuned prompt is left out for held-out tasks
        return evaluated * documents * self.held_out_tokens * self.speed.reading

    def _selecting(self, methods: Sequence[str]) -> float:
        trained = sum(name in STEP_COSTS for name in methods) + 1  # ProMoT selects in both of its stages
        return 4 * trained * self.selection * self._answering


def _rounded(count: int) -> int:
    return -(-count // 32) * 32


def rates(parameters: int) -> dict[str, str]:
    """Learning rates of methods for a model of this size, as YAML has them: starting points, not results."""
    if parameters < 500e6:
        return {"finetune": "1e-4", "lora": "1e-3"}
    if parameters < 3e9:
        return {"finetune": "3e-5", "lora": "5e-4"}
    return {"finetune": "1e-5", "lora": "2e-4"}
