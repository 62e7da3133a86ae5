"""Training: settings, batches, losses, optimisers, and the training loop.

Import everything for your own training loop from this package (docs/methods.md). Names are loaded on first use, because
plans import settings without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from suite.models.artifacts.prompt import SoftPrompt
    from suite.models.artifacts.weights import Weights
    from suite.training.config import Count, Optimisation, Positive, Schedule
    from suite.training.device import computing
    from suite.training.job import Job, Trained
    from suite.training.loop import CurvePoint, Fit
    from suite.training.objectives.losses import answer_loss
    from suite.training.objectives.optimise import optimise
    from suite.training.optim import learning_rate, make_optimizer, restore_state, state_of
    from suite.training.requirements import Requirements, named_matrices, optimisation_requirements
    from suite.training.trainable import Trainable
    from suite.training.weights import train_weights

_OFFERED: Final = {
    "suite.models.artifacts.prompt": ("SoftPrompt",),
    "suite.models.artifacts.weights": ("Weights",),
    "suite.training.config": ("Count", "Optimisation", "Positive", "Schedule"),
    "suite.training.device": ("computing",),
    "suite.training.job": ("Job", "Trained"),
    "suite.training.loop": ("CurvePoint", "Fit"),
    "suite.training.objectives.losses": ("answer_loss",),
    "suite.training.objectives.optimise": ("optimise",),
    "suite.training.optim": ("learning_rate", "make_optimizer", "restore_state", "state_of"),
    "suite.training.requirements": ("Requirements", "named_matrices", "optimisation_requirements"),
    "suite.training.trainable": ("Trainable",),
    "suite.training.weights": ("train_weights",),
}

__all__ = [
    "Count", "CurvePoint", "Fit", "Job", "Optimisation", "Positive", "Requirements", "Schedule", "SoftPrompt",
    "Trainable", "Trained", "Weights", "answer_loss", "computing", "learning_rate", "make_optimizer", "named_matrices",
    "optimisation_requirements", "optimise", "restore_state", "state_of", "train_weights",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _OFFERED.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
