"""SVF: singular value fine-tuning by reward (Transformer², Sun, Cetin and Tang, ICLR 2025, sections 3.1 and 3.2).

Each selected matrix keeps its singular vectors; a trained mask scales its singular values. The published version and
the reference code differ. The defaults are the sound variant: float32 parameters that start at one value, answers
sampled at temperature 1, and the end token rewarded with the answer. `specs/transformer2/svf_as_published.yaml` has the
reference code's settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import SELF, Family, Part, Prerequisite
from suite.training.config import Count, Objective, Positive
from suite.training.requirements import MatrixSelection, Requirements, optimisation_requirements
from suite.training.svf_config import Scaling

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "singular"
VERSION: Final = 1
TRAINS: Final = True


class Config(Scaling):
    """Settings of SVF."""

    steps: Count = 100
    """Updates; each takes one batch of the track's size."""
    learning_rate: Positive = 2e-3
    """Peak learning rate."""
    clip: Positive | None = 1e-3
    """Maximum norm of the gradient of all trained parameters together; null: no clipping."""
    objective: Objective = "reinforce"
    """The objective: reward of the model's own answers, or likelihood of the right answers."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The scaled matrices, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """The selected linear maps, their singular value decompositions, and gradient steps."""
    chosen = MatrixSelection("matrices", kind=config.matrices)
    return optimisation_requirements(config, matrices=(chosen,), decomposes=True, full_weights=True, sharding="nothing")


def train(config: Config, job: Job) -> Trained:
    """Train the masks, then restore the model's own weights."""
    from suite.training.singular import train_singular

    return train_singular(config, job)
