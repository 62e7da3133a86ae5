"""Simulates the steps of a plan in order; a step's artifact without values is there for the steps that build on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from suite.core.errors import SuiteError
from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone
from suite.models.chat import asked_as
from suite.models.offload import bytes_of
from suite.models.replacing import replacing
from suite.models.source import ModelSource, locate
from suite.planning import Inputs
from suite.planning.devices import device_count_of
from suite.planning.disk import shape_of
from suite.planning.steps import CopyFromTry, Evaluate, SelectTry, Step, TakePart, Train
from suite.simulation.answering import Batching, answer
from suite.simulation.models import backbone_without_values
from suite.simulation.questions import EXAMINED, questions_of
from suite.simulation.tracker import LiveBytes
from suite.simulation.training import Simulated, Simulation, renew_weights
from suite.specs.blocks import Track
from suite.tasks.load import load_task


@dataclass
class PlanSimulation:
    """Simulates steps of plans, each once; steps that differ in their seed are equal. Use it in `without_values`."""

    inputs: Inputs
    tracker: LiveBytes
    on_gpu: bool
    _backbones: dict[ModelSource, Backbone] = field(default_factory=dict)
    _done: dict[str, Simulated] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def of(self, step: Step, steps: Mapping[str, Step]) -> Simulated:
        """What a step takes. `steps` has it and those that it builds on, by id.

        Raises SuiteError if it cannot be simulated.
        """
        name = self._name(step, steps)
        if name not in self._done:
            parents = [self.of(steps[parent], steps) for parent in step.parents]
            self._done[name] = self._simulated(step, parents)
            if (artifact := self._done[name].artifact) is not None:
                vars(artifact)["hash"] = name  # there are no values to hash
        return self._done[name]

    def _simulated(self, step: Step, parents: list[Simulated]) -> Simulated:
        work = step.work
        artifacts = [parent.artifact for parent in parents if parent.artifact is not None]
        pieces = [part for each in artifacts for part in each.pieces]
        # values of parameters go from the CPU to a GPU one by one, in place of the old ones
        loaded = sum(bytes_of(each.tensors) for each in pieces if not (self.on_gpu and each.replaces_values))
        if isinstance(work, SelectTry | CopyFromTry):
            return Simulated({}, artifacts[list(step.parents).index(work.candidates[0])])
        if isinstance(work, TakePart):
            return Simulated({}, artifacts[0].part(work.part))
        backbone = self._backbone(work.track)
        simulation = Simulation(backbone, self.inputs.data, self.tracker, self.on_gpu)
        try:
            if isinstance(work, Train):
                if device_count_of(work) > 1:  # it divides the model, which is made anew for the next step
                    self._backbones.clear()
                return simulation.train(work, work.methods.get(work.method), artifacts).with_loaded(loaded)
            by_step = dict(zip(step.parents, artifacts, strict=True))
            return self._answered(work, backbone, by_step).with_loaded(loaded)
        except SuiteError:
            raise
        except Exception as error:  # of any library that needs values
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise SuiteError(first) from error

    def _answered(self, work: Evaluate, backbone: Backbone, artifacts: Mapping[str, Artifact]) -> Simulated:
        """The peak of answering: of the largest stack, if each document has its own."""
        track = work.track
        count = min(work.documents or EXAMINED, EXAMINED)
        task = load_task(
            work.task, self.inputs.data, shots=work.shots, draw=track.held_out.draw, limit=count, chat=backbone.chat
        )
        questions = questions_of(task, work.shots, backbone, track.budget.max_length)
        batching = Batching.of(track.decoding.batch_tokens, track.decoding.beams, on_gpu=self.on_gpu)
        stacks = {work.stack} if work.routes is None else {work.routes.router, *work.routes.stacks.values()}
        others = self.tracker.begin(bytes_of(dict(backbone.model.named_parameters())))
        for stack in sorted(stacks):
            with ExitStack() as undo, self.tracker.making("trained"):
                current = AdaptedModel(backbone, backbone.model)
                parts = [part for step in stack for part in artifacts[step].pieces]
                for part in sorted(parts, key=lambda each: each.order):  # without values, none is known to be neutral
                    current = undo.enter_context(self._in_effect(part, current))
                answer(current, questions, batching, self.tracker)
        peak = self.tracker.peak - others
        renew_weights(backbone, self.tracker)
        return Simulated(peak)

    @contextmanager
    def _in_effect(self, part: Artifact, model: AdaptedModel) -> Iterator[AdaptedModel]:
        """The model with an artifact, whose new values of parameters come to a GPU one by one."""
        if not (self.on_gpu and part.replaces_values):
            with part.apply(model) as changed:
                yield changed
            return
        values = cast(Any, part).each_new_value(model.backbone)
        with replacing(model.model, ((name, torch.empty_like(value)) for name, value in values)):
            yield model

    def _backbone(self, track: Track) -> Backbone:
        """The track's model without values, one at a time."""
        if track.model not in self._backbones:
            self._backbones.clear()
            located = locate(track.model, self.inputs.models, described=True)
            if located.folder is None:
                raise SuiteError(f"the config of {track.model.title} is not here")
            with self.tracker.making("weights"):
                self._backbones[track.model] = backbone_without_values(track.model, located.folder, located.identity)
        return asked_as(self._backbones[track.model], track.chat, track.model.title)

    def _shape(self, step: str, steps: Mapping[str, Step]) -> str:
        """A name that is equal for steps that leave artifacts of the same shape."""
        parents = [self._shape(parent, steps) for parent in steps[step].parents]
        model = repr(steps[step].work.track.model)
        part = getattr(steps[step].work, "part", "")
        return repr([shape_of(steps[step].kind, steps[step].key), model, part, parents])

    def _name(self, step: Step, steps: Mapping[str, Step]) -> str:
        """A name that is equal for steps that take the same memory: without seeds, here and in what they build on.

        Answers take the same with artifacts of the same shape, whatever those were trained on.
        """
        planned = steps.get(step.id) is step  # not one with changed settings, which has the same id
        if planned and step.id in self._names:
            return self._names[step.id]
        key: Any = {name: value for name, value in step.key.items() if name != "seed"}
        track = step.work.track
        text = json.dumps([step.kind, key, repr(track.budget), repr(track.decoding)], sort_keys=True, default=str)
        shaped = isinstance(step.work, Evaluate)
        for parent in step.parents:
            text = text.replace(parent, self._shape(parent, steps) if shaped else self._name(steps[parent], steps))
        name = hashlib.sha256(text.encode()).hexdigest()
        if planned:
            self._names[step.id] = name
        return name
