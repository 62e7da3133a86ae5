"""Turns experiments into an ordered plan in which each step occurs once, even if several experiments need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.core.block import Block
from suite.core.config_diff import describe, split
from suite.core.errors import Problem, SuiteError
from suite.methods import Dispatch, OwnPart, Part, Prerequisite
from suite.models.source import LocatedModel, ModelSource, locate
from suite.planning import estimate
from suite.planning.checks import check
from suite.planning.choice import Try, choose, follow, take_part
from suite.planning.corpus import corpus, corpus_key
from suite.planning.disk import Sizes, shape_of, with_disk
from suite.planning.keys import chat_key, model_key, settings_key
from suite.planning.probes import probed, probes_key
from suite.planning.speed import CPU_CORE, DeviceSpeed, Rates, Speed
from suite.planning.steps import Evaluate, Link, Plan, Planned, Routing, Stack, Step, StepEstimate, Train, Work
from suite.specs import Experiment
from suite.specs.blocks import Track
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.tasks.splits import exemplar_rows, reported_rows, training_rows

TRAINING = 3
"""Increased whenever a change to the training loop changes its result for the same settings."""
EVALUATION = 3
"""Increased whenever a change to decoding or scoring changes an answer or a score."""


@dataclass(frozen=True)
class Inputs:
    """Where data and models are found, and the speed that past runs measured."""

    data: DataLocations
    models: Path | None = None
    rates: Rates | None = None
    """As the store measured them on the device below."""
    sizes: Sizes | None = None
    """What artifacts took and trained, as stored."""
    device: DeviceSpeed = CPU_CORE
    """The class of devices that estimates are for, and its assumed speed."""
    described: bool = False
    """Whether a model's config and tokenizer are enough: for a plan that is not run."""


def make_plan(experiments: Sequence[Experiment], inputs: Inputs) -> Plan:
    """Plan all steps of all experiments. Raises SuiteError with all missing models and data sets and all leaks."""
    builder = _Builder(inputs)
    planned: list[Planned] = []
    problems: list[Problem] = []
    for experiment in experiments:
        try:
            planned.append(builder.add(experiment))
        except SuiteError as error:
            problems += error.problems
    if problems:
        raise SuiteError.of(problems)
    return Plan(tuple(planned), tuple(builder.steps.values()), tuple(dict.fromkeys(builder.notes)))


class _Builder:
    """Collects the steps of one experiment after another; equal steps share one id."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.steps: dict[str, Step] = {}
        self.notes: list[str] = []
        self._models: dict[ModelSource, LocatedModel] = {}
        self._problems: list[Problem] = []

    def add(self, experiment: Experiment) -> Planned:
        """Add an experiment's steps to those already there. Returns the experiment with its links."""
        self.notes += check(experiment, self.inputs.data, self._located)
        roles = (*experiment.targets, *experiment.held_out)
        tries = [self._try(experiment, config, roles) for config in experiment.configs]
        best = self._best(experiment, tries) if experiment.tries else tries[0]
        trained, stacks = best.own, best.stacks
        used = [stack.steps if isinstance(stack, Routing) else stack for stack in stacks.values()]
        needed = [step for steps in ((trained,), *used) for step in steps if step is not None]
        before = [earlier for step in needed for earlier in self._lineage(step)]
        links = [Link(step, "train") for step in dict.fromkeys(before)]
        for role, stack in stacks.items():
            target = experiment.track.target
            held_out = experiment.track.held_out
            is_target = role in experiment.targets
            documents = target.documents if is_target else held_out.documents
            for shots in (target.shots,) if is_target else held_out.shots:
                step = self._evaluate(experiment, stack, experiment.tasks[role], shots, documents)
                links.append(Link(step, "evaluate", role, shots))
        return Planned(experiment, tuple(links))

    def _try(self, experiment: Experiment, config: Block, roles: tuple[str, ...]) -> Try:
        """The steps of one block of settings; an experiment without a sweep has only one."""
        trained = self._trained(experiment.method, config, experiment.targets, experiment, experiment.config)
        return Try(trained, {role: self._stack(experiment, config, role, trained) for role in roles})

    def _best(self, experiment: Experiment, tries: Sequence[Try]) -> Try:
        """The try that is chosen at run time: each position of its stacks has a step with the chosen try's artifact."""
        model, tasks = self._located(experiment.track.model), self._tasks_key(experiment, experiment.targets)
        title, work, key = choose(experiment, tries, model, tasks)
        copy = self._copying(work.candidates)
        choosing = replace(self._choosing(experiment, len(tries)), artifact=copy.artifact)
        chosen = self._step(title, work, key, choosing)

        def chosen_step(candidates: tuple[str, ...]) -> str:
            if len(set(candidates)) == 1:
                return candidates[0]
            if candidates == work.candidates:
                return chosen
            steps = [self.steps[step] for step in candidates]
            return self._step(*follow(experiment, self.steps[chosen], steps), self._copying(candidates))

        stacks: dict[str, tuple[str, ...]] = {}
        for role in tries[0].stacks:
            all_stacks = [attempt.parts(role) for attempt in tries]
            if len(set(map(len, all_stacks))) > 1:
                what = f"sweep: its tries answer '{role}' with stacks of different lengths, which cannot be compared"
                raise SuiteError(what, where=experiment.file, fix="write a spec for each")
            stacks[role] = tuple(map(chosen_step, zip(*all_stacks, strict=True)))
        return Try(chosen, stacks)

    def _copying(self, candidates: Sequence[str]) -> StepEstimate:
        """The estimate of a step that copies the artifact of one of these steps."""
        return StepEstimate(0, 0.0, 0, artifact=max(self.steps[step].estimate.artifact for step in candidates))

    def _choosing(self, experiment: Experiment, tries: int) -> StepEstimate:
        """The estimate of a choosing step, which answers the selection rows once for each try."""
        track, model = experiment.track, self._located(experiment.track.model)
        rows = [training_rows(experiment.tasks[role], self.inputs.data) for role in experiment.targets]
        return estimate.answering(
            tries * track.selection.documents * len(rows), track.target.shots, track.budget.max_length,
            max(each.facts.mean_words for each in rows), self._speed(model),
        )  # fmt: skip

    def _stack(self, experiment: Experiment, config: Block, role: str, trained: str | None) -> Stack:
        """The train steps whose artifacts are in effect when a role is answered."""
        stack = experiment.methods.get(experiment.method).stack(config, role, experiment.targets)
        if isinstance(stack, Dispatch):
            return Routing(
                experiment.tasks[stack.role],
                self._steps_of(experiment, stack.router, trained),
                {skill: self._steps_of(experiment, parts, trained) for skill, parts in stack.experts.items()},
            )
        return self._steps_of(experiment, stack, trained)

    def _steps_of(self, experiment: Experiment, parts: Sequence[Part], trained: str | None) -> tuple[str, ...]:
        parents = self._parents_of(trained)
        chosen: list[str | None] = []
        for part in parts:
            if isinstance(part, Prerequisite):
                chosen.append(self._trained(part.method, part.config, part.targets, experiment, part.config))
            elif isinstance(part, OwnPart):
                chosen.append(trained and self._step(*take_part(self.steps[trained], part), self._copying([trained])))
            else:
                chosen.append(parents[part] if isinstance(part, int) else trained)
        return tuple(step for step in chosen if step is not None)

    def _parents_of(self, step: str | None) -> tuple[str, ...]:
        return self.steps[step].parents if step else ()

    def _lineage(self, step: str | None) -> tuple[str, ...]:
        if step is None:
            return ()
        before = [ancestor for parent in self._parents_of(step) for ancestor in self._lineage(parent)]
        return tuple(dict.fromkeys([*before, step]))

    def _trained(
        self, name: str, config: Block, targets: tuple[str, ...], experiment: Experiment, usual: Block,
        model_name: str = "",
    ) -> str | None:  # fmt: skip
        """The train step of a method, after those it builds on; None for a method without one.

        The title lists the settings that differ from `usual`: in a sweep, those that its tries start from.
        """
        registry = experiment.methods
        method, source = registry.get(name), registry.source(name)
        if method.train is None:
            return None
        parents: list[str] = []
        bases: dict[str, str] = {}
        as_usual = [needed_method.config for needed_method in method.prerequisites(usual, targets)]
        for index, needed in enumerate(method.prerequisites(config, targets)):
            base = as_usual[index] if index < len(as_usual) else needed.config
            for_model, name_for_model = experiment, model_name
            if needed.model is not None:
                for_model = replace(experiment, track=experiment.track.model_copy(update={"model": needed.model}))
                name_for_model = f" with {needed.model.title}"
            parent = self._trained(needed.method, needed.config, needed.targets, for_model, base, name_for_model)
            assert parent is not None, f"{name} builds on {needed.method}, which trains nothing"
            parents.append(parent)
            if needed.model is not None:
                bases[parent] = self._located(for_model.track.model).identity
        track, model = experiment.track, self._located(experiment.track.model)
        tasks = {role: experiment.tasks[role] for role in targets}
        rows = [training_rows(task, self.inputs.data) for task in tasks.values()]
        needs = method.requirements(config)
        key: dict[str, Any] = {
            "kind": "train",
            "code": TRAINING,
            "method": {"name": name, "version": method.VERSION, **settings_key(config, self._located)},
            "model": model_key(track.model, model),
            "tasks": self._tasks_key(experiment, targets),
            "seed": experiment.seed,
            "budget": track.budget.model_dump(mode="json", exclude={"micro_batch"}),
            "selection": {**track.selection.model_dump(mode="json"), **track.decoding.search},
            "target": track.target.model_dump(mode="json", include={"shots"}),
            "parents": list(parents),
            **chat_key(track.chat, model),
            **({"source": source} if source else {}),  # of a method from outside: changed source, another step
            **probes_key(experiment, needs, targets, self.inputs.data),
            **corpus_key(experiment, needs, self.inputs.data),
        }
        work = Train(
            name, config, tasks, track, experiment.seed, tuple(parents), needs.probes, probed(experiment, needs), bases,
            registry, corpus(experiment, needs),
        )  # fmt: skip
        what = "adapt" if method.FAMILY == "mixture" else "train"
        _, (_, differs) = split([usual.model_dump(mode="json"), config.model_dump(mode="json")])
        title = f"{what} {name} on {'+'.join(targets) or 'every task'}{' with ' if differs else ''}{describe(differs)}"
        title = f"{title}{model_name} · {track.name} · seed {experiment.seed}"
        length = max((each.facts.mean_words for each in rows), default=0.0)
        speed = self._speed(model)
        stored = (self.inputs.sizes or {}).get((model.identity, shape_of("train", key)))
        cost = with_disk(
            estimate.of_training(work, needs, length, speed), work, needs, method.FAMILY, speed.memory, stored,
            [self.steps[parent].estimate for parent in parents], model,
        )  # fmt: skip
        return self._step(title, work, key, cost)

    def _tasks_key(self, experiment: Experiment, targets: tuple[str, ...]) -> dict[str, Any]:
        tasks = {role: experiment.tasks[role] for role in targets}
        hashes = {role: training_rows(task, self.inputs.data).content_hash for role, task in tasks.items()}
        return {role: {"task": task.fingerprint, "data": hashes[role]} for role, task in tasks.items()}

    def _evaluate(
        self, experiment: Experiment, chosen: Stack, task: TaskFile, shots: int, documents: int | None
    ) -> str:
        routes, stack = (chosen, ()) if isinstance(chosen, Routing) else (None, chosen)
        track, model = experiment.track, self._located(experiment.track.model)
        rows = reported_rows(task, self.inputs.data)
        key: dict[str, Any] = {
            "kind": "evaluate",
            "code": EVALUATION,
            "model": model_key(track.model, model),
            "stack": list(stack),
            "task": task.fingerprint,
            "data": rows.content_hash,
            "shots": shots,
            "documents": documents,
            **track.decoding.search,
            "max_length": track.budget.max_length,
            **chat_key(track.chat, model),
        }
        if task.words:
            key["words"] = dict(task.words)
        if task.plugins:  # the task's fingerprint includes them; here, records show them
            key["metrics"] = {name: plugin.source for name, plugin in task.plugins.items()}
        if shots:  # without exemplars, neither their rows nor the draw can change an answer
            pool = exemplar_rows(task, self.inputs.data)
            key |= {"exemplars": pool.content_hash, "draw": track.held_out.draw}
        if routes:
            stacks = {skill: list(steps) for skill, steps in routes.stacks.items()}
            key["dispatch"] = {"task": routes.task.fingerprint, "asker": list(routes.router), "stacks": stacks}
        title = f"{task.name} {shots}-shot · {self._stack_name(routes or stack, track)}"
        count = min(documents or len(rows), len(rows))
        cost = estimate.answering(count, shots, track.budget.max_length, rows.facts.mean_words, self._speed(model))
        return self._step(title, Evaluate(stack, task, shots, documents, track, routes), key, cost)

    def _stack_name(self, stack: Stack, track: Track) -> str:
        if isinstance(stack, Routing):
            router = self._stack_name(stack.router, track) if stack.router else f"the prompt · {track.name}"
            experts = ", ".join(self._stack_name(expert, track).partition(" · ")[0] for expert in stack.stacks.values())
            return f"{experts}, chosen by {router}"
        return " + ".join(self.steps[step].title.partition(" ")[2] for step in stack) or f"pretrained · {track.name}"

    def _step(self, title: str, work: Work, key: Mapping[str, Any], cost: StepEstimate) -> str:
        model_here = self._located(work.track.model).folder is not None
        step = Step.of(title, work, key, replace(cost, model_here=model_here), self.steps)
        return self.steps.setdefault(step.id, step).id

    def _located(self, source: ModelSource) -> LocatedModel:
        if source not in self._models:
            self._models[source] = locate(source, self.inputs.models, described=self.inputs.described)
        return self._models[source]

    def _speed(self, model: LocatedModel) -> Speed:
        return Speed.of(model, self.inputs.rates or {}, self.inputs.device)
