"""What is checked before anything is planned: splits are there, lengths leave room, nothing reported was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from suite import methods
from suite.block import Block
from suite.errors import Problem, SuiteError
from suite.models.names import has_kind, has_matrix, matrix_names, short_names
from suite.models.source import LocatedModel
from suite.planning.gold import gold_notes
from suite.specs import Experiment
from suite.tasks.data import DataLocations, Rows
from suite.tasks.data import rows as rows_of
from suite.tasks.definition import TaskFile
from suite.tasks.leaks import check_leaks, doubles
from suite.tasks.splits import draw_exemplars, exemplar_rows, reported_rows, training_rows
from suite.training.config import LEAST_INPUT
from suite.training.scaling import Scaling

LEAST_ROWS = 4
"""Of so many training rows one is held out of training, to select the checkpoint."""


def check(experiment: Experiment, data: DataLocations, model: Callable[[], LocatedModel]) -> list[str]:
    """What is to be noted about an experiment; `model` looks for its model. Raises SuiteError with every problem."""
    problems: list[Problem] = []
    notes: list[str] = []
    train: dict[str, tuple[TaskFile, Rows]] = {}
    used: list[tuple[TaskFile, Rows]] = []

    def attempt(look: Any) -> Any:
        try:
            return look()
        except SuiteError as error:
            problems.extend(error.problems)

    located = attempt(model)
    problems = [_where_the_model_is_named(each, experiment) for each in problems]
    notes += [located.note] if located and located.note else []
    problems += _matrices(experiment, located) if located else []
    for role in _trained_roles(experiment):
        rows = attempt(lambda role=role: training_rows(experiment.tasks[role], data))
        if rows is not None:
            train[role] = (experiment.tasks[role], rows)
            used.append(train[role])
            attempt(lambda role=role: _selectable(*train[role]))
            notes += doubles(*train[role], "trains on")
    problems += _room(experiment)
    for role in (*experiment.targets, *experiment.held_out):
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
            notes += [*(note or []), *doubles(task, reported, "reports")]
    notes += attempt(lambda: gold_notes(used)) or []
    if problems:
        raise SuiteError.of(problems)
    return list(dict.fromkeys(notes))


def _selectable(task: TaskFile, rows: Rows) -> None:
    """Raises SuiteError where a quarter of the training rows, which selects the checkpoint, is none."""
    if len(rows.docs) < LEAST_ROWS:
        what = f"task '{task.name}' has {len(rows.docs)} training rows in {rows.source}, fewer than {LEAST_ROWS}"
        raise SuiteError(what, where=str(task.path), fix="a quarter of them selects the checkpoint: add rows")


def _where_the_model_is_named(problem: Problem, experiment: Experiment) -> Problem:
    return problem if problem.where else replace(problem, where=experiment.lines.get(("model",), ""))


def _matrices(experiment: Experiment, model: LocatedModel) -> list[Problem]:
    """Names of matrices that the model does not have; none where its files are not here to be asked."""
    problems: list[Problem] = []
    for path, block in (each for config in experiment.configs for each in _blocks(config, ())):
        wanted = getattr(block, "target_modules", None)
        kind = block.matrices if isinstance(block, Scaling) else "all"
        names = matrix_names(model) if isinstance(wanted, tuple) or kind != "all" else None
        if names is None:
            continue
        known = "known: " + ", ".join(short_names(names))
        what, where = experiment.place(*path, "target_modules")
        if wanted == ():
            problems.append(Problem(where, f"{what}: names no matrix", known))
        for name in wanted if isinstance(wanted, tuple) else ():
            if not has_matrix(names, name):
                problems.append(Problem(where, f"{what}: there is no matrix '{name}' in {model.source.title}", known))
        if not has_kind(names, kind):
            what, where = experiment.place(*path, "matrices")
            problems.append(Problem(where, f"{what}: {model.source.title} has no matrices of the kind '{kind}'", known))
    return list(dict.fromkeys(problems))


def _blocks(block: Block, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Block]]:
    """A block of settings and those inside of it, with the keys that lead to them."""
    yield path, block
    for name in type(block).model_fields:
        inner = getattr(block, name)
        if isinstance(inner, Block):
            yield from _blocks(inner, (*path, name))


def _trained_roles(experiment: Experiment) -> list[str]:
    """The roles whose training rows are used, by any of the tries."""
    roles: dict[str, bool] = {}
    for config in experiment.configs:
        used = methods.roles_of(experiment.method, config, experiment.targets, experiment.held_out)
        roles |= {role: trained or roles.get(role, False) for role, trained in used.items()}
    return [role for role, trained in roles.items() if trained]


def _room(experiment: Experiment) -> list[Problem]:
    """Inputs too short to train on, or filled by a soft prompt, are an error before anything runs."""
    longest = experiment.track.budget.max_length
    problems: list[Problem] = []
    if longest < LEAST_INPUT and _trained_roles(experiment):
        what = f"budget.max_length: {longest} leaves no room for a prompt and an answer"
        return [Problem(experiment.file, what, f"raise it to {LEAST_INPUT} or more")]
    for config in experiment.configs:
        length = getattr(getattr(config, "stage_one", config), "length", 0)
        if length and length + LEAST_INPUT > longest:
            what = f"a soft prompt of {length} leaves no room in inputs of {longest} tokens"
            problems.append(Problem(experiment.file, what, "shorten `length` or raise `budget.max_length`"))
    return problems
