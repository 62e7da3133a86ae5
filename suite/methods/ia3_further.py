"""IA³ trained twice: first on some roles, then from there on the target (asked for by a reviewer of Transformer²).

With `few_shot_tuning` (`start: targets`), the second training uses the few examples of a task. IA³ then starts from
what it learned on the targets. Deviations: none known; the paper has no such row.
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
    """Settings of the first training. Defaults come from the track's settings of `ia3`."""
    roles: tuple[str, ...] = ()
    """The roles of the first training, all together; empty: the targets."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The first training."""
    return (Prerequisite("ia3", config.first, config.roles or targets, field=("first",)),)


stack, requirements = ia3.stack, ia3.requirements


def train(config: Config, job: Job) -> Trained:
    """Continue from the first training's vectors, then remove the injected adapter from the model."""
    from peft import IA3Config

    from suite.training.adapters import train_adapter

    (first,) = job.parents
    if first.settings.get("peft_type") != "IA3":
        raise StepFailed("ia3_further goes on from an IA³")
    return train_adapter(config, job, IA3Config(), start=first.tensors)
