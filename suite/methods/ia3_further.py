"""IA³ in two trainings: on some roles first, and from there on the target (what a reviewer of Transformer² asked for).

With `few_shot_tuning` (`start: targets`) the second training is on the few examples of a task, so that IA³ starts from
what it learned of the skills. Deviations: none known; the paper has no such row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from suite.core.errors import StepFailed
from suite.methods import Family, Prerequisite, ia3

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True


class Config(ia3.Config):
    """Settings of the second training, and of the first one under `first`."""

    INHERITS: ClassVar[dict[str, str]] = {"first": "ia3"}

    first: ia3.Config = ia3.Config()
    """How IA³ is trained first; what is left out is as for `ia3` on the same track."""
    roles: tuple[str, ...] = ()
    """What it is trained on first, all together; the targets if none is named."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The first training."""
    return (Prerequisite("ia3", config.first, config.roles or targets, field=("first",)),)


stack, requirements = ia3.stack, ia3.requirements


def train(config: Config, job: Job) -> Trained:
    """Go on from the first training's vectors; the injected adapter is removed afterwards."""
    from peft import IA3Config

    from suite.training.adapters import train_adapter

    (first,) = job.parents
    if first.settings.get("peft_type") != "IA3":
        raise StepFailed("ia3_further goes on from an IA³")
    return train_adapter(config, job, IA3Config(), start=first.tensors)
