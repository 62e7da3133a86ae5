"""From experiments to an ordered plan of steps, each step once, whoever asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import methods
from suite.block import Block
from suite.errors import Problem, SuiteError
from suite.hashing import fingerprint
from suite.models.source import LocatedModel, ModelSource, locate
from suite.plan import estimate
from suite.plan.steps import Estimate, Evaluate, Link, Plan, Planned, Step, Train
from suite.specs import Experiment
from suite.specs.blocks import Track
from suite.tasks.data import DataLocations, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.leaks import check_leaks
from suite.tasks.splits import exemplar_rows, reported_rows, training_rows
from suite.training.config import Optimisation
from suite.training.scaling import Scaling

TRAINING = 1
"""Raised when a change to the training loop changes what it gives for the same settings."""
EVALUATION = 1
"""Raised when a change to decoding or scoring changes an answer or a score."""


@dataclass(frozen=True)
class Inputs:
    """Where data and models are looked for, and what past runs teach about speed."""

    data: DataLocations
    models: Path | None = None
    rates: Mapping[tuple[str, str], float] | None = None
    """(model identity, sort of step) -> tokens per second, as measured in the store."""


def make_plan(experiments: Sequence[Experiment], inputs: Inputs) -> Plan:
    """All steps of all experiments. Raises SuiteError with every missing model, data set and leak at once."""
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
    """Collects the steps of one experiment after another; equal steps meet under one id."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.steps: dict[str, Step] = {}
        self.notes: list[str] = []
        self._words: dict[str, float] = {}
        self._models: dict[ModelSource, LocatedModel] = {}
        self._problems: list[Problem] = []

    def add(self, experiment: Experiment) -> Planned:
        """The experiment with its steps; they join those already there."""
        self._check(experiment)
        trained = self._trained(experiment.method, experiment.config, experiment.targets, experiment)
        roles = (*experiment.targets, *experiment.held_out)
        stacks = {role: self._stack(experiment, role, trained) for role in roles}
        needed = [step for each in ((trained,), *stacks.values()) for step in each if step is not None]
        links = [
            Link(step, "train") for step in dict.fromkeys(before for each in needed for before in self._lineage(each))
        ]
        for role, stack in stacks.items():
            target = experiment.track.target
            held_out = experiment.track.held_out
            is_target = role in experiment.targets
            documents = target.documents if is_target else held_out.documents
            for shots in (target.shots,) if is_target else held_out.shots:
                step = self._evaluate(experiment, stack, experiment.tasks[role], shots, documents)
                links.append(Link(step, "evaluate", role, shots))
        return Planned(experiment, tuple(links))

    def _stack(self, experiment: Experiment, role: str, trained: str | None) -> tuple[str, ...]:
        """The train steps whose artifacts are in effect when a role is answered."""
        parents = self._parents_of(trained)
        chosen: list[str | None] = []
        for part in methods.get(experiment.method).stack(experiment.config, role, experiment.targets):
            if isinstance(part, methods.Prerequisite):
                chosen.append(self._trained(part.method, part.config, part.targets, experiment))
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

    def _trained(self, name: str, config: Block, targets: tuple[str, ...], experiment: Experiment) -> str | None:
        """The train step of a method, after those it builds on; None for a method that has none of its own."""
        method = methods.get(name)
        if method.train is None:
            return None
        parents: list[str] = []
        for needed in method.prerequisites(config, targets):
            parent = self._trained(needed.method, needed.config, needed.targets, experiment)
            assert parent is not None, f"{name} builds on {needed.method}, which trains nothing"
            parents.append(parent)
        track, model = experiment.track, self._model(experiment.track)
        tasks = {role: experiment.tasks[role] for role in targets}
        rows = {role: training_rows(task, self.inputs.data) for role, task in tasks.items()}
        key: dict[str, Any] = {
            "kind": "train",
            "code": TRAINING,
            "method": {"name": name, "version": method.VERSION, **config.model_dump(mode="json")},
            "model": _model_key(track, model),
            "tasks": {
                role: {"task": task.fingerprint, "data": rows[role].content_hash} for role, task in tasks.items()
            },
            "seed": experiment.seed,
            "budget": track.budget.model_dump(mode="json", exclude={"micro_batch"}),
            "selection": track.selection.model_dump(mode="json"),
            "target": track.target.model_dump(mode="json", include={"shots"}),
            "parents": list(parents),
        }
        work = Train(name, config, tasks, track, experiment.seed, tuple(parents))
        what = "adapt" if method.FAMILY == "mixture" else "train"
        title = f"{what} {name} on {'+'.join(targets) or 'every task'} · {track.name} · seed {experiment.seed}"
        length = max(map(self._mean_words, rows.values()), default=0.0)
        return self._step(title, work, key, _training_cost(work, length, self._speed(model)))

    def _evaluate(
        self, experiment: Experiment, stack: tuple[str, ...], task: TaskFile, shots: int, documents: int | None
    ) -> str:
        track, model = experiment.track, self._model(experiment.track)
        rows = reported_rows(task, self.inputs.data)
        key: dict[str, Any] = {
            "kind": "evaluate",
            "code": EVALUATION,
            "model": _model_key(track, model),
            "stack": list(stack),
            "task": task.fingerprint,
            "data": rows.content_hash,
            "shots": shots,
            "documents": documents,
            "beams": track.decoding.beams,
            "max_length": track.budget.max_length,
        }
        if shots:  # without exemplars neither their rows nor the draw can change an answer
            pool = exemplar_rows(task, self.inputs.data)
            key |= {"exemplars": pool.content_hash, "draw": track.held_out.draw}
        title = f"{task.name} {shots}-shot · {self._stack_name(stack, track)}"
        count = min(documents or len(rows.docs), len(rows.docs)) or 1
        cost = estimate.answering(count, shots, track.budget.max_length, self._mean_words(rows), self._speed(model))
        return self._step(title, Evaluate(stack, task, shots, documents, track), key, cost)

    def _stack_name(self, stack: tuple[str, ...], track: Track) -> str:
        names = [self.steps[step].title.partition(" ")[2] for step in stack]
        return " + ".join(names) or f"pretrained · {track.name}"

    def _step(self, title: str, work: Train | Evaluate, key: Mapping[str, Any], cost: Estimate) -> str:
        step = fingerprint(key)
        self.steps.setdefault(step, Step(step, title, work, key, cost))
        return step

    def _model(self, track: Track) -> LocatedModel:
        if track.model not in self._models:
            self._models[track.model] = locate(track.model, self.inputs.models)
        return self._models[track.model]

    def _mean_words(self, rows: Rows) -> float:
        """Words in a row of these, counted once however many steps read them."""
        if rows.content_hash not in self._words:
            self._words[rows.content_hash] = estimate.words(rows.docs)
        return self._words[rows.content_hash]

    def _speed(self, model: LocatedModel) -> estimate.Speed:
        rates = {sort: rate for (name, sort), rate in (self.inputs.rates or {}).items() if name == model.identity}
        return estimate.Speed(model.parameters, rates)

    def _check(self, experiment: Experiment) -> None:
        """The model is there, every split is there, lengths leave room, and nothing that is reported was trained on."""
        problems: list[Problem] = []
        train: dict[str, Rows] = {}

        def attempt(look: Any) -> Any:
            try:
                return look()
            except SuiteError as error:
                problems.extend(error.problems)

        attempt(lambda: self._model(experiment.track))
        for role in _trained_roles(experiment):
            rows = attempt(lambda role=role: training_rows(experiment.tasks[role], self.inputs.data))
            if rows is not None:
                train[role] = rows
        problems += _room(experiment)
        for role, task in experiment.tasks.items():
            reported = attempt(lambda task=task: reported_rows(task, self.inputs.data))
            few = role in experiment.held_out and any(experiment.track.held_out.shots)
            pool = attempt(lambda task=task: exemplar_rows(task, self.inputs.data)) if few else None
            if reported is not None:
                note = attempt(lambda task=task, reported=reported, pool=pool: check_leaks(task, train, pool, reported))
                self.notes += note or []
        if problems:
            raise SuiteError.of(problems)


def _training_cost(work: Train, mean_words: float, speed: estimate.Speed) -> Estimate:
    """What a train step costs: optimising parameters, or putting its parents together."""
    config, track = work.config, work.track
    budget, length = track.budget, track.budget.max_length
    if isinstance(config, Optimisation):
        parts = -(-budget.batch_size // (budget.micro_batch or budget.batch_size))
        return estimate.training(
            config.steps, budget.batch_size, length, mean_words, speed, rewarded=config.rewarded,
            select_every=config.select_every or track.selection.every,
            selection=track.selection.documents * len(work.targets),
            composed=config.steps * parts if isinstance(config, Scaling) else 0,
        )  # fmt: skip
    search = getattr(config, "search", None) if getattr(config, "rewarded", False) else None
    candidates = search.population * search.generations if search else 0
    return estimate.adapting(len(work.parents), candidates, getattr(config, "shots", 0), length, mean_words, speed)


def _trained_roles(experiment: Experiment) -> tuple[str, ...]:
    """The roles whose training rows are looked at: the targets, and those that a stack is adapted to."""
    method, targets = methods.get(experiment.method), experiment.targets
    roles = dict.fromkeys(targets if method.TRAINS else ())
    for role in (*targets, *experiment.held_out):
        for part in method.stack(experiment.config, role, targets):
            if isinstance(part, methods.Prerequisite):
                roles |= dict.fromkeys(part.targets)
    return tuple(roles)


def _room(experiment: Experiment) -> list[Problem]:
    """A soft prompt that fills the whole input is an error before anything runs."""
    track = experiment.track
    block = getattr(experiment.config, "prompt", experiment.config)
    length = getattr(block, "length", 0)
    if length and length + 8 > track.budget.max_length:
        what = f"a soft prompt of {length} leaves no room in inputs of {track.budget.max_length} tokens"
        return [Problem(experiment.file, what, "shorten `length` or raise `budget.max_length`")]
    return []


def _model_key(track: Track, model: LocatedModel) -> dict[str, Any]:
    return {"identity": model.identity, "dtype": track.model.dtype, "sentinels": track.model.sentinels}
