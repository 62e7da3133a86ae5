"""A budget for tests, and a log that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from suite.training.config import FitConfig


def budget(**changes: Any) -> FitConfig:
    usual: dict[str, Any] = {
        "steps": 6, "batch_size": 4, "micro_batch": 4, "max_length": 64, "optimizer": "adamw", "learning_rate": 1e-2,
        "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "clip": 1.0, "label_smoothing": 0.0, "dropout": 0.0,
        "select_every": 2, "stop_at_score": None, "checkpoint_seconds": 60.0,
    }  # fmt: skip
    return FitConfig(**{**usual, **changes})


class Stop(Exception):
    """Stands for a kill: nothing of the run's own may be needed to clean up after it."""


@dataclass
class Memory:
    """A log that remembers, and can interrupt at a step."""

    stop: int | None = None
    losses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        self.losses.append(loss)
        if step == self.stop:
            raise Stop

    def say(self, text: str) -> None:
        self.said.append(text)
