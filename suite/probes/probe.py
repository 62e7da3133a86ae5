"""Probe a model in training: scores and formats of its answers, and its gradient alignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from suite.core.curves import Measure, OfTask, curve_name
from suite.core.formats import About, Format, foreign, formats_of, takes
from suite.evaluation.evaluate import evaluate
from suite.models.adapted import AdaptedModel
from suite.probes.gradients import Alignment
from suite.specs.blocks import Probes, Track
from suite.tasks.load import LoadedTask
from suite.training.config import Optimisation
from suite.training.job import Job
from suite.training.loop import CurvePoint
from suite.training.trainable import Trainable

Tasks = Mapping[tuple[str, int], LoadedTask]
"""(role, shots) -> the task, loaded with the documents to answer."""


@dataclass
class ProbeCallback:
    """The probes of one train step, as in the track's `probes`. They use reported rows and select nothing."""

    probes: Probes
    track: Track
    targets: tuple[str, ...]
    tasks: Callable[[], Tasks]
    """Loads the tasks at the first probe."""
    roles: Mapping[str, About]
    _loaded: Tasks | None = None
    _alignment: Alignment | None = None
    _answered: dict[tuple[str, str, int], list[CurvePoint]] = field(default_factory=dict)
    """Points by (model identity, role, shots): the base model is not asked again if it answers other tasks."""

    def due(self, step: int, last: int) -> bool:
        """Whether to probe: before the first step, every `every` steps, and after the last one."""
        return step % self.probes.every == 0 or step == last

    def __call__(self, step: int, config: Optimisation, job: Job, trainable: Trainable) -> list[CurvePoint]:
        """Points of curves, with names from `suite.core.curves`."""
        points = self._answers(step, job, trainable)
        if self.probes.gradients is not None:
            if self._alignment is None:
                self._alignment = Alignment(config, job, trainable, self.probes.gradients)
            points += self._alignment(step)
        return points

    @torch.no_grad()
    def _answers(self, step: int, job: Job, trainable: Trainable) -> list[CurvePoint]:
        if self._loaded is None:
            self._loaded = self.tasks()
        formats, points = formats_of(self.targets, self.roles), list[CurvePoint]()
        for (role, shots), task in self._loaded.items():
            label = f"in training, after step {step}"
            with trainable.answering(job.backbone, self.targets, role, label) as current:
                key = (current.identity, role, shots)
                if key not in self._answered:
                    self._answered[key] = self._of(current, task, role, shots, formats)
            points += [CurvePoint(step, point.name, point.value) for point in self._answered[key]]
        return points

    def _of(
        self, current: AdaptedModel, task: LoadedTask, role: str, shots: int, formats: Sequence[Format]
    ) -> list[CurvePoint]:
        """The score of a task, and the share of its answers that take a target's format."""
        decoding, length = self.track.decoding, self.track.budget.max_length
        result = evaluate(
            current, task, batch_tokens=decoding.batch_tokens, beams=decoding.beams,
            length_penalty=decoding.length_penalty, max_length=length,
        )  # fmt: skip
        measures: list[tuple[Measure, float]] = []
        if result.primary.value is not None:
            measures.append(("score", result.primary.value))
        others = () if role in self.targets else foreign(formats, self.roles[role])
        if others and result.answers:
            hits = [takes(answer.output, others) for answer in result.answers]
            measures.append(("format", 100 * sum(hits) / len(hits)))
        return [CurvePoint(0, curve_name(OfTask(measure, role, shots)), value) for measure, value in measures]
