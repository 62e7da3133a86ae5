"""The specs that tests of the Python interface run."""

from __future__ import annotations

from pathlib import Path

import pytest

import suite

SPECS = Path(__file__).parents[2] / "specs"
FINETUNE, PROMPT = SPECS / "finetune_rte.yaml", SPECS / "prompt_tuning_rte.yaml"
SMALL = {
    "held_out.roles": ["triviaqa", "cb"], "held_out.shots": [1], "held_out.documents": 8, "target.documents": 16,
    "selection.documents": 8, "budget.batch_size": 4, "budget.max_length": 128, "method.steps": 2,
}  # fmt: skip
"""The micro track, cut down to seconds."""


def one_line(error: pytest.ExceptionInfo[suite.SuiteError]) -> str:
    (line,) = str(error.value).splitlines()
    return line
