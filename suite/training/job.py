"""The job that a method gets for training, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suite.core.diagnostics import Finding
from suite.core.disk import DiskSpace
from suite.core.hashing import fingerprint, seed_of
from suite.training.config import FitConfig, Optimisation, SelectionRule, Sharding, TrackBudget
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
    """How the model's own answers are drawn for a reward."""

    temperature: float | None
    """None: greedy decoding."""
    max_new_tokens: int | None
    seed: int
    as_reported: bool = False
    """Decode as reported answers are (with beams if the track has them) instead of greedily; for scores that select."""


Answering = Callable[[str], AbstractContextManager["AdaptedModel"]]
"""Role -> context manager of the model as it answers this role's task."""


class Probe(Protocol):
    """A measurement during training that does not change what training gives."""

    def due(self, step: int, last: int) -> bool:
        """Whether to measure after this step. Step 0 is before the first one; `last` is the last possible step."""

    def __call__(self, step: int, config: Optimisation, job: Job, trainable: Trainable) -> Sequence[CurvePoint]:
        """The measurements as points of the curve."""


@dataclass(frozen=True)
class Job:
    """Everything that a train step may use. `selection` returns the score on the selection rows (0 to 100)."""

    backbone: Backbone
    examples: tuple[TrainingSet, ...]
    selection: Callable[[Answering], float]
    roll_out: Callable[[AdaptedModel, TrainingSet, Sequence[Example], Sampling], list[Rollout]]
    """The model's own answers to some examples, one each, with their rewards by the target's metric."""
    budget: TrackBudget
    selection_rule: SelectionRule
    seed: int
    parents: tuple[Artifact, ...]
    """Artifacts of the method's prerequisites, in order."""
    checkpoint: Path
    """The step's own folder. It is kept between attempts, so that interrupted training can resume."""
    log: Log
    checkpoint_seconds: float = 60.0
    """Seconds between checkpoints. 0: after each step; infinity: none."""
    disk: DiskSpace | None = None
    """The room that training may take; None: not checked."""
    probe: Probe | None = None
    spending: Spending = UNCOUNTED
    """Counts all processed tokens."""
    retention: TrainingSet | None = None
    """The track's retention data, if the method's requirements ask for it."""
    sharding: Sharding = "nothing"
    """What devices that train the step together divide among themselves (`suite.training.ranks`)."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The targets, in order."""
        return tuple(each.role for each in self.examples)

    def budget_for(self, config: Optimisation) -> FitConfig:
        """Combine a method's settings with this track's budget."""
        return FitConfig.of(config, self.budget, self.selection_rule, self.checkpoint_seconds)

    def limited(self, config: Optimisation) -> Job:
        """The job with `config.examples` examples of each target, or the job itself if that is None."""
        if config.examples is None:
            return self
        few = [replace(each, examples=each.few(config.examples, self.seed)) for each in self.examples]
        return replace(self, examples=tuple(few))

    def batches(self, config: Optimisation, trainable: Trainable) -> Source[Batch]:
        """The examples in batches, encoded as in evaluation. Depends only on settings, seed and step."""
        from suite.training.data.encoding import batches_of

        return batches_of(config, self, trainable, self.budget_for(config).batch_size)

    def score(self, trainable: Trainable, step: int) -> float:
        """The selection score (0 to 100) of the parameters after a step."""
        # parameters change between steps, so the label keeps their answers apart in caches
        label = f"in training, scored after step {step}"
        return self.selection(lambda role: trainable.answering(self.backbone, self.roles, role, label))

    def seed_for(self, *parts: object) -> int:
        """A seed for one use of randomness, named by `parts`; other parts give another seed."""
        return seed_of(self.seed, *parts)

    def seed_step(self, step: int) -> None:
        """Seed the device's random numbers for a step, so that a resumed run drops the same units."""
        from suite.training.device import seed_device

        seed_device(self.backbone.device, self.seed_for("step", step))

    def checkpoints(self, *terms: object) -> RunCheckpoints:
        """The step's checkpoints, and those of an interrupted attempt with the same terms, seed and base model.

        `terms` are plain data that have to be equal in a checkpoint and in this run, such as `config.model_dump()`.
        """
        from suite.training.checkpoint import RunCheckpoints

        key = fingerprint([list(terms), self.seed, self.backbone.identity])
        return RunCheckpoints(self.checkpoint, key, self.checkpoint_seconds, self.spending, self.log.say)


@dataclass(frozen=True)
class Trained:
    """The selected checkpoint as an artifact, and how training went."""

    artifact: Artifact
    fit: Fit
    trained_parameters: int
    findings: tuple[Finding, ...] = ()
