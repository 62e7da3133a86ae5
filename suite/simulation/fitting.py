"""Whether the steps of a plan fit the memory of a machine, and which settings would help those that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.execution.jobs import divides
from suite.planning import Inputs
from suite.planning.devices import device_count_of
from suite.planning.machine import TargetMachine
from suite.planning.steps import Evaluate, Plan, Step, Train
from suite.simulation.steps import PlanSimulation
from suite.simulation.training import Simulated, without_values
from suite.training.config import Optimisation, WeightOptimisation

RECOMPUTING: Final = "gradient checkpointing"
SMALLER: Final = "micro-batches of one"
ONE_PROMPT: Final = "one prompt at a time"
FEW_TOKENS: Final = 1024
"""Tokens of a smaller batch of answers."""


@dataclass(frozen=True)
class StepMemory:
    """A step's memory on a machine, in bytes."""

    step: Step
    memory: Simulated
    """At its peak as it is planned."""
    least: Simulated
    """At its peak with what the runner does by itself where a GPU's memory is too small."""
    measures: tuple[str, ...] = ()
    """What the runner does by itself until the step fits."""
    fits: bool = True
    remedy: str = ""
    """Settings with which the step would fit; empty if it does, or if none was found."""
    unknown: str = ""
    """Why the memory cannot be predicted; empty if it can. Such a step counts as one that fits."""


def memory_of(
    plan: Plan, inputs: Inputs, machine: TargetMachine, progress: Callable[[int, int], None]
) -> Iterator[StepMemory]:
    """The memory of each step of a plan that trains or answers, in order."""
    steps = {step.id: step for step in plan.steps}
    with without_values(on_gpu=machine.on_gpu) as tracker:
        simulation = PlanSimulation(inputs, tracker, machine.on_gpu)
        for index, step in enumerate(plan.steps):
            progress(index, len(plan.steps))
            if isinstance(step.work, Train | Evaluate):
                try:
                    yield _fitted(step, steps, simulation, machine)
                except SuiteError as error:  # of a method or a model that needs values
                    yield StepMemory(step, Simulated({}), Simulated({}), unknown=str(error))


def _fitted(step: Step, steps: Mapping[str, Step], simulation: PlanSimulation, machine: TargetMachine) -> StepMemory:
    """The memory of a step, with the first of the runner's measures with which it fits."""
    count = device_count_of(step.work) if isinstance(step.work, Train) else 1
    if count > 1 and not machine.on_gpu:
        raise SuiteError(f"{count} processes share the memory of the CPU")
    if count > machine.count:
        needed = simulation.of(step, steps)
        return StepMemory(step, needed, needed, fits=False, remedy=f"budget.shard: {machine.count}")
    tried = []
    for measures, changed in (((), step), *_measures(step, on_gpu=machine.on_gpu)):
        tried.append((simulation.of(changed, steps), measures))
        if tried[-1][0].total <= machine.usable:
            return StepMemory(step, tried[0][0], *tried[-1])
    least, measures = min(tried, key=lambda each: each[0].total)
    remedy = next(
        (
            text
            for text, changed in _remedies(step, machine)
            if (helped := least_total(changed, steps, simulation)) is not None and helped <= machine.usable
        ),
        "",
    )
    return StepMemory(step, tried[0][0], least, measures, fits=False, remedy=remedy)


def least_total(step: Step, steps: Mapping[str, Step], simulation: PlanSimulation) -> int | None:
    """The least memory of a changed step, with or without the runner's measures; None if it cannot be simulated."""
    measures = _measures(step, on_gpu=simulation.on_gpu)
    try:
        return min(simulation.of(changed, steps).total for changed in (step, *(other for _, other in measures)))
    except SuiteError:
        return None


def _measures(step: Step, *, on_gpu: bool) -> Iterator[tuple[tuple[str, ...], Step]]:
    """What the runner does by itself where a GPU's memory is too small, one after the other, and the step with it.

    None on a CPU, where a system ends a process that takes too much without asking it.
    """
    work = step.work
    if not on_gpu:
        return
    if isinstance(work, Evaluate):
        yield (ONE_PROMPT,), with_track(step, "decoding", batch_tokens=1)
        return
    if not isinstance(work, Train) or not isinstance(work.config, Optimisation) or device_count_of(work) > 1:
        return
    measures: tuple[str, ...] = ()
    if work.track.budget.gradient_checkpointing == "auto":
        step, measures = with_track(step, "budget", gradient_checkpointing=True), (RECOMPUTING,)
        yield measures, step
    yield (*measures, SMALLER), with_track(with_track(step, "budget", micro_batch=1), "decoding", batch_tokens=1)


def _remedies(step: Step, machine: TargetMachine) -> Iterator[tuple[str, Step]]:
    """Settings that need less memory, the mildest first, and the step with them."""
    work, on_gpu = step.work, machine.on_gpu
    if not on_gpu and isinstance(work, Evaluate):
        yield f"decoding.batch_tokens: {FEW_TOKENS}", with_track(step, "decoding", batch_tokens=FEW_TOKENS)
    if not isinstance(work, Train) or not isinstance(work.config, Optimisation):
        return
    model, config, tried = work.track.model, work.config, dict[str, Any]()
    if not on_gpu:
        step = with_track(step, "budget", gradient_checkpointing=True)
        yield "budget.gradient_checkpointing: true", step
        fewer = with_track(with_track(step, "budget", micro_batch=1), "decoding", batch_tokens=FEW_TOKENS)
        answers = f"decoding.batch_tokens: {FEW_TOKENS}"
        yield f"budget.gradient_checkpointing: true, budget.micro_batch: 1, {answers}", fewer
    yield from _more_devices(step, machine)
    before = "" if on_gpu else "budget.gradient_checkpointing: true, "
    if config.clip is not None:
        tried["clip"] = None
        yield _changed(step, tried, before)
    if config.optimizer == "adamw":
        yield _changed(step, {**tried, "optimizer": "adamw8bit"}, before)
        tried["optimizer"] = "adafactor"
        yield _changed(step, tried, before)
    if isinstance(config, WeightOptimisation) and config.precision == "float32" and model.dtype == "bfloat16":
        tried["precision"] = "bf16"
        yield _changed(step, tried, before)
    needs = work.methods.get(work.method).requirements(config)
    if model.quantization is None and not needs.full_weights and model.gguf is None and model.adapter is None:
        few_bits = model.model_copy(update={"quantization": "4bit"})
        changed = replace(step.work, track=step.work.track.model_copy(update={"model": few_bits}))
        yield f"{before}model.quantization: 4bit", replace(step, work=changed, key={**step.key, "quantization": "4bit"})


def _more_devices(step: Step, machine: TargetMachine) -> Iterator[tuple[str, Step]]:
    """More of the machine's GPUs for a step that they can divide, and the same with gradient checkpointing."""
    work = step.work
    if not isinstance(work, Train) or not machine.on_gpu or not divides(work):
        return
    count = 2 * device_count_of(work)
    while count <= min(machine.count, work.track.budget.batch_size):
        more = with_track(step, "budget", shard=count)
        yield f"budget.shard: {count}", more
        yield (
            f"budget.shard: {count}, budget.gradient_checkpointing: true",
            with_track(more, "budget", gradient_checkpointing=True),
        )
        count *= 2


def _changed(step: Step, settings: Mapping[str, Any], before: str) -> tuple[str, Step]:
    """The settings for readers, and the step with them."""
    assert isinstance(step.work, Train)
    work = replace(step.work, config=step.work.config.model_copy(update=dict(settings)))
    text = ", ".join(f"method.{name}: {'null' if value is None else value}" for name, value in settings.items())
    return before + text, replace(step, work=work, key={**step.key, "changed": text})


def with_track(step: Step, block: str, **settings: Any) -> Step:
    """The step with settings of a block of its track."""
    track: Any = step.work.track
    changed = getattr(track, block).model_copy(update=settings)
    work: Any = replace(step.work, track=track.model_copy(update={block: changed}))
    return replace(step, work=work)
