"""What a method is given to train with, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suite.core.diagnostics import Finding
from suite.core.hashing import fingerprint, seed_of
from suite.training.config import FitConfig, Optimisation, SelectionRule, TrackBudget
from suite.training.data.source import UNCOUNTED, Source, Spending

if TYPE_CHECKING:
    from suite.evaluation.rollout import Rollout
    from suite.models.adapted import AdaptedModel
    from suite.models.artifacts import Artifact
    from suite.models.backbone import Backbone
    from suite.tasks.load import Example
    from suite.training.checkpoint import RunCheckpoints
    from suite.training.data.batches import Batch
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

    def limited(self, config: Optimisation) -> Job:
        """The same with as many examples of each target as `config.examples` says."""
        if config.examples is None:
            return self
        few = [replace(each, examples=each.few(config.examples, self.seed)) for each in self.examples]
        return replace(self, examples=tuple(few))

    def batches(self, config: Optimisation, trainable: Trainable) -> Source[Batch]:
        """The examples as batches, encoded as evaluation asks them: a pure function of settings, seed and step."""
        from suite.training.data.encoding import batches_of

        return batches_of(config, self, trainable, self.budget_for(config).batch_size)

    def score(self, trainable: Trainable, step: int) -> float:
        """The selection score (0 to 100) of what is trained as it is after a step, on the selection rows."""
        # parameters change between two steps, so their models must not be taken for the same
        label = f"in training, scored after step {step}"
        return self.selection(lambda role: trainable.answering(self.backbone, self.roles, role, label))

    def seed_for(self, *parts: object) -> int:
        """A seed for one use of randomness, named by its parts; another use has another."""
        return seed_of(self.seed, *parts)

    def seed_step(self, step: int) -> None:
        """Seed the device's random numbers for a step, so that a resumed run drops out the same units."""
        from suite.training.device import seed_device

        seed_device(self.backbone.device, self.seed_for("step", step))

    def checkpoints(self, *terms: object) -> RunCheckpoints:
        """The step's checkpoints: what an interrupted attempt of the same terms, seed and base model left.

        `terms` are plain data that a checkpoint must have in common with this run, such as `config.model_dump()`.
        """
        from suite.training.checkpoint import RunCheckpoints

        key = fingerprint([list(terms), self.seed, self.backbone.identity])
        return RunCheckpoints(self.checkpoint, key, self.checkpoint_seconds, self.spending, self.log.say)


@dataclass(frozen=True)
class Trained:
    """The selected checkpoint as an artifact, and how it came about."""

    artifact: Artifact
    fit: Fit
    trained_parameters: int
    findings: tuple[Finding, ...] = ()
