"""Simulates a train step: the method's own code, for two steps and a selection, on the longest examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from suite.core.block import Block
from suite.evaluation.rollout import Rollout
from suite.execution.targets import retention_set, training_sets
from suite.methods import Method
from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone
from suite.models.offload import LARGE, bytes_of, moving
from suite.planning.devices import device_count_of
from suite.planning.steps import Train
from suite.simulation.answering import Batching, Question, answer
from suite.simulation.group import SimulatedGroup
from suite.simulation.questions import questions_of
from suite.simulation.tracker import LiveBytes, Part
from suite.specs.blocks import Budget
from suite.tasks.data import DataLocations
from suite.tasks.load import Example, selection_task
from suite.training.config import FitConfig, Optimisation
from suite.training.data.examples import encode
from suite.training.data.training_set import TrainingSet
from suite.training.job import Answering, Job, Sampling

STEPS: Final = 2
"""Simulated steps: an optimiser has its moments from the first one on."""
EXAMINED: Final = 2000
"""Examples that are encoded to find the longest ones."""


class _Silent:
    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Simulated:
    """What a step takes at its peak, and its artifact without values."""

    parts: Mapping[Part, int]
    artifact: Artifact | None = None

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return sum(self.parts.values())

    def with_loaded(self, artifacts: int) -> Simulated:
        """The same with the bytes of artifacts that are loaded for the step."""
        return replace(self, parts={**self.parts, "trained": self.parts.get("trained", 0) + artifacts})


@dataclass(frozen=True)
class Simulation:
    """Simulates steps on one base model; see `without_values`."""

    backbone: Backbone
    data: DataLocations
    tracker: LiveBytes
    on_gpu: bool

    def train(self, work: Train, method: Method, parents: Sequence[Artifact]) -> Simulated:
        """The peak of a train step on a batch of its longest examples."""
        assert method.train is not None
        config, track = _shortened(work), work.track
        sets, selection = training_sets(work, self.data, self.backbone.chat)
        batching = Batching.of(track.decoding.batch_tokens, track.decoding.beams, on_gpu=self.on_gpu)
        asked = {each.role: self._questions(each, selection[each.role], work) for each in sets}

        def select(answering: Answering) -> float:
            for role, questions in asked.items():
                with answering(role) as current:
                    answer(current, questions, batching, self.tracker)
            return 1.0

        def roll_out(
            current: AdaptedModel, target: TrainingSet, examples: Sequence[Example], sampling: Sampling
        ) -> list[Rollout]:
            questions = self._questions(target, examples, work)
            answer(current, questions, batching, self.tracker)
            most = sampling.max_new_tokens
            limits = [each.limit if most is None else min(most, each.limit) for each in questions]
            return [
                Rollout(each.prompt, (1,) * limit, 100.0 * (row % 2))
                for row, (each, limit) in enumerate(zip(questions, limits, strict=True))
            ]

        job = Job(
            backbone=self.backbone, examples=tuple(self._longest(each, work) for each in sets), selection=select,
            roll_out=roll_out, budget=_in_two_parts(track.budget), selection_rule=track.selection, seed=work.seed,
            parents=tuple(parents), checkpoint=Path(), checkpoint_seconds=math.inf, log=_Silent(),
            retention=retention_set(work, self.data, self.backbone.chat),
            sharding=method.requirements(config).sharding or "nothing",
        )  # fmt: skip
        group = SimulatedGroup(device_count_of(work), self.tracker)
        others = self.tracker.begin(bytes_of(dict(self.backbone.model.named_parameters())))
        begins = self.backbone.model.register_forward_pre_hook(lambda *_: self.tracker.begin_computing())
        divides = group.count > 1 and job.sharding != "nothing"
        with self.tracker.making("trained"), group.training(job.sharding) if group.count > 1 else nullcontext():
            trained = method.train(config, job)
        begins.remove()
        peak = self.tracker.peak - (group.beside if divides else others)
        if not divides:
            renew_weights(self.backbone, self.tracker)
        return Simulated(peak, trained.artifact)

    def _questions(self, target: TrainingSet, examples: Sequence[Example], work: Train) -> list[Question]:
        shots, chat = work.track.target.shots, self.backbone.chat
        task = selection_task(target.task, self.data, [each.doc for each in examples], shots=shots, chat=chat)
        return questions_of(task, shots, self.backbone, work.track.budget.max_length)

    def _longest(self, target: TrainingSet, work: Train) -> TrainingSet:
        """The set with only its longest examples, as many as a batch has."""
        examples, budget = target.examples[:EXAMINED], work.track.budget
        encoded = encode(self.backbone, examples, max_length=budget.max_length, soft_length=0).examples
        order = sorted(range(len(examples)), key=lambda index: -encoded[index].length)
        return replace(target, examples=tuple(examples[index] for index in order[: budget.batch_size]))


def renew_weights(backbone: Backbone, tracker: LiveBytes) -> None:
    """Let the base model have weights of its own again, if a step moved them away meanwhile."""
    parameters = list(backbone.model.parameters())
    if tracker.now["weights"] < sum(each.numel() * each.element_size() for each in parameters):
        with tracker.making("weights"):
            for parameter in parameters:
                parameter.data = torch.empty_like(parameter.data)


def _in_two_parts(budget: Budget) -> Budget:
    """The budget with no more micro-batches in a step than show that gradients are added up."""
    most = budget.batch_size if budget.micro_batch is None else min(budget.batch_size, 2 * budget.micro_batch)
    return budget.model_copy(update={"batch_size": most})


def _shortened(work: Train) -> Block:
    """The method's settings with as few steps as show all that memory holds."""
    config = work.config
    if isinstance(config, Optimisation):
        budget = FitConfig.of(config, work.track.budget, work.track.selection)
        selects = budget.select_every is not None and budget.select_every < budget.steps
        changed = {"steps": min(STEPS, config.steps), "select_every": 1 if selects else None, "warmup": 0}
        return config.model_copy(update=changed)
    if hasattr(config, "search"):
        return config.model_copy(
            update={"search": config.search.model_copy(update={"generations": 1, "population": 2})}
        )
    return work.config


@contextmanager
def without_values(*, on_gpu: bool) -> Iterator[LiveBytes]:
    """Context manager: tensors have no values, and their bytes are counted.

    `on_gpu`: what training moves away from the device does not count; on a CPU it counts while it is small.
    """
    tracker = LiveBytes()

    def moved(tensors: Mapping[str, Tensor], copy: bool) -> dict[str, Tensor]:
        if on_gpu or bytes_of(tensors) >= LARGE:
            with tracker.elsewhere():
                return {name: torch.empty_like(each) for name, each in tensors.items()}
        if not copy:
            return dict(tensors)
        with tracker.making("trained"):
            return {name: torch.empty_like(each) for name, each in tensors.items()}

    def begin_update(*_: Any) -> None:
        tracker.part = "optimizer"

    def end_update(*_: Any) -> None:
        tracker.part = "activations"

    with ExitStack() as undo:
        undo.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        undo.enter_context(tracker)
        undo.enter_context(moving(moved))
        undo.enter_context(_plain_conversion())
        undo.callback(register_optimizer_step_pre_hook(begin_update).remove)
        undo.callback(register_optimizer_step_post_hook(end_update).remove)
        yield tracker


@contextmanager
def _plain_conversion() -> Iterator[None]:
    """Context manager: `Module.to` replaces parameters that change. Torch's own would swap them for new ones in place,
    which it refuses for tensors without values that were used before."""
    module_class: Any = nn.Module
    before = module_class._apply

    def convert(module: Any, change: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        for child in module.children() if recurse else ():
            child._apply(change)
        for name, parameter in module._parameters.items():
            new = None if parameter is None else change(parameter.detach())
            if new is not None and new.dtype != parameter.dtype:
                module._parameters[name] = nn.Parameter(new, parameter.requires_grad)
        for name, buffer in module._buffers.items():
            module._buffers[name] = None if buffer is None else change(buffer)
        return module

    module_class._apply = convert
    try:
        yield
    finally:
        module_class._apply = before
