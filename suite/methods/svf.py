"""SVF: singular value fine-tuning by reward (Transformer², Sun, Cetin and Tang, ICLR 2025, sections 3.1 and 3.2).

Each chosen matrix keeps its singular vectors, and its singular values are scaled by a mask that is trained. Published
and reference versions differ; defaults here are the sound ones: parameters in float32 that start at one value, answers
sampled at temperature 1, the end token rewarded with the answer. `specs/transformer2/svf_as_published.yaml` has the
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
    """Largest norm of the gradient of all trained parameters together; null: as it is."""
    objective: Objective = "reinforce"
    """What is optimised: the reward of the model's own answers, or the likelihood of the right ones."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The scaled matrices, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Linear maps of the chosen kind, their decompositions, and gradient steps."""
    chosen = MatrixSelection("matrices", kind=config.matrices)
    return optimisation_requirements(config, matrices=(chosen,), decomposes=True)


def train(config: Config, job: Job) -> Trained:
    """Train the masks; the model's own weights are put back afterwards."""
    from suite.training.singular import train_singular

    return train_singular(config, job)
