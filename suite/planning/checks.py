"""Checks before planning: splits exist, inputs have enough room, and no reported row is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from suite.core.errors import Problem, SuiteError
from suite.methods import Prerequisite
from suite.models.chat import no_template, template_in
from suite.models.names import has_kind, has_matrix, matrix_names, short_names
from suite.models.quantized import check_installed
from suite.models.source import LocatedModel, ModelSource
from suite.planning.architectures import check_architecture
from suite.planning.corpus import corpus_problems
from suite.planning.gold import gold_notes
from suite.planning.known_sound import known_notes, remember, rows_key
from suite.planning.writable import check_writable
from suite.specs import Experiment
from suite.tasks.contamination import check_leaks, doubles
from suite.tasks.data import DataLocations, Rows
from suite.tasks.data import rows as rows_of
from suite.tasks.definition import TaskFile
from suite.tasks.splits import draw_exemplars, exemplar_rows, reported_rows, training_rows
from suite.training.config import LEAST_INPUT, Optimisation, WeightOptimisation
from suite.training.requirements import GradientSteps, MatrixSelection, Requirements

LEAST_ROWS = 4
"""The smallest number of training rows that yields a selection row."""


def check(experiment: Experiment, data: DataLocations, locate: Callable[[ModelSource], LocatedModel]) -> list[str]:
    """Check an experiment and return notes about it; `locate` finds models. Raises SuiteError with all problems."""
    problems: list[Problem] = []
    notes: list[str] = []
    train: dict[str, tuple[TaskFile, Rows]] = {}
    used: list[tuple[TaskFile, Rows]] = []

    def attempt(lookup: Any) -> Any:
        try:
            return lookup()
        except SuiteError as error:
            problems.extend(error.problems)

    located = attempt(lambda: locate(experiment.track.model))
    problems = [_where_the_model_is_named(problem, experiment) for problem in problems]
    notes += [located.note] if located and located.note else []
    problems += _chat(experiment, located) if located else []
    problems += (attempt(lambda: _matrices(experiment, locate)) or []) if located else []
    fit = attempt(lambda: check_architecture(experiment, _train_steps(experiment), locate)) if located else None
    if fit is not None:
        problems, notes = [*problems, *fit.problems], [*notes, *fit.notes]
    trained = _trained_roles(experiment)
    key = rows_key(experiment, trained, located, data)
    known = known_notes(key)
    of_rows: list[str] = []
    for role in trained if known is None else ():
        rows = attempt(lambda role=role: training_rows(experiment.tasks[role], data))
        if rows is not None:
            train[role] = (experiment.tasks[role], rows)
            used.append(train[role])
            attempt(lambda role=role: _selectable(*train[role]))
            of_rows += doubles(*train[role], "trains on")
    problems += [*_full_weights(experiment), *_precision(experiment), *_room(experiment), *_patience(experiment)]
    problems += _devices(experiment)
    keeping = sorted({step.method for step, needs in _train_steps(experiment) if needs.retention})
    if keeping and known is None:
        problems += attempt(lambda: [*corpus_problems(experiment, keeping, data)]) or []
    for role in (*experiment.targets, *experiment.held_out) if known is None else ():
        task = experiment.tasks[role]
        reported = attempt(lambda task=task: reported_rows(task, data))
        few = role in experiment.held_out and any(experiment.track.held_out.shots)
        pool = attempt(lambda task=task: exemplar_rows(task, data)) if few else None
        if pool is not None and reported is not None:
            most = max(experiment.track.held_out.shots)
            attempt(lambda task=task, most=most: draw_exemplars(task, data, most, experiment.track.held_out.draw))
        used += [(task, rows) for rows in (reported, pool) if rows is not None]
        for split in task.further_splits:
            attempt(lambda task=task, split=split: rows_of(task, split, data))
        if reported is not None:
            note = attempt(lambda task=task, reported=reported, pool=pool: check_leaks(task, train, pool, reported))
            of_rows += [*(note or []), *doubles(task, reported, "reports")]
    of_rows += attempt(lambda: gold_notes(used)) or []
    if located is not None and not problems and known is None:
        of_rows += attempt(lambda: _unwritable(experiment, located, data)) or []
    if problems:
        raise SuiteError.of(problems)
    if known is None:
        remember(key, of_rows)
    return list(dict.fromkeys([*notes, *(of_rows if known is None else known)]))


def _unwritable(experiment: Experiment, located: LocatedModel, data: DataLocations) -> list[str]:
    """Notes about tasks of which the model cannot write some right answers, as far as a plan can tell.

    Raises SuiteError with those of which it can write none.
    """
    problems, notes = list[Problem](), list[str]()
    for role in (*experiment.targets, *experiment.held_out):
        asked = experiment.track.target if role in experiment.targets else experiment.track.held_out
        try:
            notes.append(check_writable(experiment.tasks[role], asked.documents, located, data, experiment.track.chat))
        except SuiteError as error:
            problems += error.problems
    if problems:
        raise SuiteError.of(problems)
    return list(filter(None, notes))


def _selectable(task: TaskFile, rows: Rows) -> None:
    """Raises SuiteError for fewer than LEAST_ROWS training rows: a quarter of them selects the checkpoint."""
    if len(rows) < LEAST_ROWS:
        what = f"task '{task.name}' has {len(rows)} training rows in {rows.source}, fewer than {LEAST_ROWS}"
        raise SuiteError(what, where=str(task.path), fix="a quarter of them selects the checkpoint: add rows")


def _where_the_model_is_named(problem: Problem, experiment: Experiment) -> Problem:
    return problem if problem.where else replace(problem, where=experiment.lines.get(("model",), ""))


def _chat(experiment: Experiment, located: LocatedModel) -> list[Problem]:
    """A model that is here and cannot be asked as a chat."""
    if experiment.track.chat is None or located.folder is None or template_in(located) is not None:
        return []
    (problem,) = no_template(located.source.title).problems
    return [replace(problem, where=experiment.lines.get(("chat",), ""))]


def _matrices(experiment: Experiment, locate: Callable[[ModelSource], LocatedModel]) -> list[Problem]:
    """Problems for names of matrices that a step's model does not have; empty if the model's files are not here."""
    problems: list[Problem] = []
    for step, needs in _train_steps(experiment):
        for chosen in (
            selection for selection in needs.matrices if selection.names is not None or selection.kind != "all"
        ):
            model = locate(step.model or experiment.track.model)
            names = matrix_names(model)
            if names is not None:
                field = experiment.field_and_line(*step.field, chosen.field)
                problems += _selected(chosen, names, field, model.source.title)
    return list(dict.fromkeys(problems))


def _full_weights(experiment: Experiment) -> list[Problem]:
    """Problems for steps that need the weights of a base whose weights are in 4 or 8 bits."""
    problems: list[Problem] = []
    for step, needs in _train_steps(experiment):
        source = step.model or experiment.track.model
        if needs.full_weights and source.quantization is not None:
            what = f"{step.method} reads or changes the weights themselves, and those of {source.title} are quantised"
            fix = "leave out `quantization`, or train an adapter of LoRA's kind or a prompt"
            problems.append(Problem(experiment.file, what, fix))
    return list(dict.fromkeys(problems))


def _precision(experiment: Experiment) -> list[Problem]:
    """Problems for steps that cannot be computed in the precision, or by the optimiser, that they ask for."""
    problems: list[Problem] = []
    for step, _ in _train_steps(experiment):
        source, config = step.model or experiment.track.model, step.config
        if isinstance(config, WeightOptimisation) and config.precision == "bf16" and source.dtype != "bfloat16":
            what, where = experiment.field_and_line(*step.field, "precision")
            fix = "add `dtype: bfloat16` to the model, or leave out `precision`"
            problems.append(Problem(where, f"{what}: {source.title} is in {source.dtype}, not in bfloat16", fix))
        if isinstance(config, Optimisation) and config.optimizer == "adamw8bit":
            what, where = experiment.field_and_line(*step.field, "optimizer")
            try:
                check_installed(what, "set it to adafactor")
            except SuiteError as error:
                problems += [replace(problem, where=where) for problem in error.problems]
    return list(dict.fromkeys(problems))


def _devices(experiment: Experiment) -> list[Problem]:
    """Problems for steps that several devices cannot train together."""
    track, problems = experiment.track, list[Problem]()
    count = track.budget.shard
    if count == "auto" or count == 1:
        return []
    where = experiment.lines.get(("budget", "shard"), experiment.file)

    def refuse(what: str, fix: str) -> None:
        problems.append(Problem(where, f"budget.shard: {what}", fix))

    if track.budget.batch_size < count:
        refuse(f"a batch of {track.budget.batch_size} cannot be divided among {count} devices", "lower it")
    for step, needs in _train_steps(experiment):
        source = step.model or track.model
        if not isinstance(needs.cost, GradientSteps):
            continue
        if needs.sharding is None:
            refuse(f"{step.method} does not say what several devices would divide", "set it to 1")
        if source.quantization is not None:
            refuse(f"the weights of {source.title} are quantised and cannot be divided", "leave out `quantization`")
        if isinstance(step.config, Optimisation) and step.config.optimizer == "adamw8bit":
            refuse("adamw8bit cannot be divided among devices", "set `optimizer` to adamw or adafactor")
        if needs.probes and track.probes is not None and track.probes.gradients is not None:
            refuse("gradient alignment needs all weights on one device", "leave out `probes.gradients`")
    return list(dict.fromkeys(problems))


def _selected(chosen: MatrixSelection, names: tuple[str, ...], field: tuple[str, str], model: str) -> Iterator[Problem]:
    """Yield problems for matrices that a model does not have. `field` is (name of the setting, where it was set)."""
    (what, where), known_names = field, "known: " + ", ".join(short_names(names))
    if chosen.names == ():
        yield Problem(where, f"{what}: names no matrix", known_names)
    for name in chosen.names or ():
        if not has_matrix(names, name):
            yield Problem(where, f"{what}: there is no matrix '{name}' in {model}", known_names)
    if not has_kind(names, chosen.kind):
        yield Problem(where, f"{what}: {model} has no matrices of the kind '{chosen.kind}'", known_names)


def _train_steps(experiment: Experiment) -> Iterator[tuple[Prerequisite, Requirements]]:
    """Yield the train steps of all tries, each with its method's requirements."""
    roles = (*experiment.targets, *experiment.held_out)
    for config in experiment.configs:
        for step in experiment.methods.train_steps(experiment.method, config, experiment.targets, roles):
            yield step, experiment.methods.get(step.method).requirements(step.config)


def _trained_roles(experiment: Experiment) -> list[str]:
    """The roles whose training rows any of the tries uses."""
    roles: dict[str, bool] = {}
    for config in experiment.configs:
        used = experiment.methods.roles_of(experiment.method, config, experiment.targets, experiment.held_out)
        roles |= {role: trained or roles.get(role, False) for role, trained in used.items()}
    return [role for role, trained in roles.items() if trained]


def _room(experiment: Experiment) -> list[Problem]:
    """Problems for inputs that are too short for training, or that a soft prompt or prefix would fill."""
    longest = experiment.track.budget.max_length
    problems: list[Problem] = []
    if longest < LEAST_INPUT and _trained_roles(experiment):
        what = f"budget.max_length: {longest} leaves no room for a prompt and an answer"
        return [Problem(experiment.file, what, f"raise it to {LEAST_INPUT} or more")]
    for step, needs in _train_steps(experiment):
        length = needs.reserved_positions
        if length and length + LEAST_INPUT > longest:
            kind = "prefix" if experiment.methods.get(step.method).FAMILY == "prefix" else "soft prompt"
            what = f"a {kind} of {length} leaves no room in inputs of {longest} tokens"
            problems.append(Problem(experiment.file, what, f"shorten the {kind}, or raise `budget.max_length`"))
    return list(dict.fromkeys(problems))


def _patience(experiment: Experiment) -> list[Problem]:
    """Problems for a patience without selections before the end: nothing would ever stop."""
    rule, problems = experiment.track.selection, list[Problem]()
    for step, needs in _train_steps(experiment):
        cost = needs.cost
        if not isinstance(cost, GradientSteps) or cost.select_every or rule.every:
            continue
        if cost.patience:
            what, where = experiment.field_and_line(*step.field, "patience")
        elif rule.patience:
            what, where = "selection.patience", experiment.lines.get(("selection", "patience"), experiment.file)
        else:
            continue
        fix = "set `selection.every`, or `select_every` of the method"
        problems.append(Problem(where, f"{what}: {step.method} scores the selection rows only at its end", fix))
    return list(dict.fromkeys(problems))
