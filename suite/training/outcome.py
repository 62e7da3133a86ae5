"""What training reports while it runs, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from suite.core.diagnostics import EarlyStop

ProbeFunction = Callable[[int], "Sequence[CurvePoint]"]


class Log(Protocol):
    """Reports the progress of training."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Called after each optimiser step (from 1) with the mean loss of an answer token and the last selection score
        (0–100)."""

    def say(self, text: str) -> None:
        """Show a notice."""


@dataclass(frozen=True)
class CurvePoint:
    """One point of a training curve: `loss` or `reward` (means since the last point), or `selection` (0–100)."""

    step: int
    name: str
    value: float


@dataclass(frozen=True)
class Fit:
    """The selected checkpoint and how training went."""

    best: Mapping[str, Tensor]
    """The trainable tensors at the selected step, on the CPU."""
    best_step: int
    best_score: float | None
    """The selection score (0–100) at that step; None without selection."""
    steps_done: int
    tokens: int
    """Tokens of prompts and answers in these steps, without padding. Tokens lost to an interruption count in `Spending`
    only."""
    curve: tuple[CurvePoint, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: sampling (the model's own answers, or making batches), update, selection, probes."""
    early_stop: EarlyStop | None = None
    """Why training ended before its last step; None if it did not."""
