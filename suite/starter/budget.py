"""Steps and documents that fit the time for a first comparison, from what was measured."""

from __future__ import annotations

import math
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
MOST: Final = 1000
PROMPT_LENGTH: Final = 20
"""Vectors of a tuned prompt, which take as many tokens' places."""
LONGEST: Final = 2048
"""Tokens of an input at most."""
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

    @property
    def minutes(self) -> int:
        """The same in minutes, at least one."""
        return max(1, round(self.seconds / 60))


def budget_of(
    speed: MeasuredSpeed, *, train: int, tested: int, held_out: int, minutes: float, positions: int,
    held_out_length: int, longest: int, methods: tuple[str, ...] = METHODS,
) -> StarterBudget:  # fmt: skip
    """The steps of `methods` that fit, for `train` and `tested` rows of the target, `held_out` tasks, some positions.

    Evaluations take half of the time at most: tasks are asked fewer documents if they would take more.
    """
    costs = {name: cost for name, cost in STEP_COSTS.items() if name in methods}
    evaluated = sum(name != "prompt_tuning" for name in methods)  # a tuned prompt is left out for held-out tasks
    setting_up = STEPS_OF_SPEC * len(methods) * SETTING_UP
    mean_length = sum(speed.lengths) / len(speed.lengths)
    available = max(minutes * 60 - setting_up, minutes * 20)
    target = len(methods) * tested * mean_length * speed.reading * 2  # answers are written token by token
    a_document = evaluated * held_out * held_out_length * speed.reading
    documents = next((count for count in (64, 48, 32, 24) if target + count * a_document <= available / 2), 16)
    evaluating = target + documents * a_document
    selection = max(4, min(64, train // 5))
    looks = 4 * (len(costs) + 1) * selection * mean_length * speed.reading * 2
    a_step = speed.training * sum(
        cost * (PROMPT_STEPS if name == "prompt_tuning" else 1) for name, cost in costs.items()
    )
    wanted = max(60, math.ceil(EPOCHS * (train - selection) / speed.batch_size))
    affordable = (available - evaluating - looks) / a_step
    steps = max(FEWEST, min(wanted, MOST, int(affordable)) // 10 * 10)
    room = positions - 32
    max_length = min(room, LONGEST, max(longest, _rounded(max(speed.lengths) + PROMPT_LENGTH)))
    cut = sum(length + PROMPT_LENGTH > max_length for length in speed.lengths)
    seconds = steps * a_step + evaluating + looks + setting_up
    return StarterBudget(steps, documents, selection, max_length, cut, seconds, methods)


def _rounded(count: int) -> int:
    return -(-count // 32) * 32


def rates(parameters: int) -> dict[str, str]:
    """Learning rates of methods for a model of this size, as YAML has them: starting points, not results."""
    if parameters < 500e6:
        return {"finetune": "1e-4", "lora": "1e-3"}
    if parameters < 3e9:
        return {"finetune": "3e-5", "lora": "5e-4"}
    return {"finetune": "1e-5", "lora": "2e-4"}
