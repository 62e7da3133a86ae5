"""What a method is given to train with, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suite.core.diagnostics import Finding
from suite.training.config import FitConfig, Optimisation, SelectionRule, TrackBudget
from suite.training.data.source import UNCOUNTED, Spending

if TYPE_CHECKING:
    from suite.evaluation.rollout import Rollout
    from suite.models.adapted import AdaptedModel
    from suite.models.artifacts import Artifact
    from suite.models.backbone import Backbone
    from suite.tasks.load import Example
    from suite.training.data.training_set import TrainingSet
    from suite.training.loop import CurvePoint, Fit, Log
    from suite.training.trainable import Trainable


@dataclass(frozen=True)
class Sampling:
    """How a model's own answers are drawn for a reward."""

    temperature: float | None
    """None: greedy."""
    max_new_tokens: int | None
    seed: int
    as_reported: bool = False
    """Instead of greedily as the track decodes, by beams if it says so: for a score that something is selected by."""


Answering = Callable[[str], AbstractContextManager["AdaptedModel"]]
"""Role -> the model with what is in effect when this task is answered."""


class Probe(Protocol):
    """A look at a model in training that does not change what training gives."""

    def due(self, step: int, last: int) -> bool:
        """Whether to look after this step; 0 is before the first, `last` the last that there may be."""

    def __call__(self, step: int, config: Optimisation, job: Job, trainable: Trainable) -> Sequence[CurvePoint]:
        """What was found, as points of the curve."""


@dataclass(frozen=True)
class Job:
    """All that a train step may look at. `selection` gives 0 to 100, on the selection rows."""

    backbone: Backbone
    examples: tuple[TrainingSet, ...]
    selection: Callable[[Answering], float]
    roll_out: Callable[[AdaptedModel, TrainingSet, Sequence[Example], Sampling], list[Rollout]]
    """A stack's own answers to some examples, one each, with the reward that the target's metric gives them."""
    budget: TrackBudget
    selection_rule: SelectionRule
    seed: int
    parents: tuple[Artifact, ...]
    """Artifacts of the method's prerequisites, in their order."""
    checkpoint: Path
    """A folder of the step's own, kept between attempts, so that interrupted training goes on."""
    log: Log
    checkpoint_seconds: float = 60.0
    probe: Probe | None = None
    spending: Spending = UNCOUNTED
    """Told of all tokens that are worked on, as they are."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The targets, in order."""
        return tuple(each.role for each in self.examples)

    def budget_for(self, config: Optimisation) -> FitConfig:
        """The budget of a method's settings on this track."""
        return FitConfig.of(config, self.budget, self.selection_rule, self.checkpoint_seconds)


@dataclass(frozen=True)
class Trained:
    """The selected checkpoint as an artifact, and how it came about."""

    artifact: Artifact
    fit: Fit
    trained_parameters: int
    findings: tuple[Finding, ...] = ()
