"""What the model card says, read from the store and from the tasks' files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.analysis.board.compare import compare_rows
from suite.analysis.board.rows import PretrainedResults, base_of, make_row
from suite.analysis.board.schema import BASELINE, Cell, Row
from suite.results.store import ExperimentRecord, ResultsReader, StepRecord
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Estimate
from suite.tasks.definition import TaskFile

DIGITS = 16
"""Of a hash, as many as a card shows."""
ON_HUB = re.compile(r"[\w-][\w.-]*/[\w.-]+")
"""A data set on the hub."""


@dataclass(frozen=True)
class ScoreLine:
    """A task's score beside the pretrained model's."""

    cell: Cell
    is_target: bool
    pretrained: Estimate | None
    change: Estimate | None


@dataclass(frozen=True)
class AverageLine:
    """The held-out average at a shot count beside the pretrained model's."""

    shots: int
    average: Estimate | None
    pretrained: Estimate | None
    change: Estimate | None


@dataclass(frozen=True)
class DataLine:
    """Rows that were read, by content."""

    role: str
    use: str
    task: str
    data_set: str
    hash: str


@dataclass(frozen=True)
class Facts:
    """What is known of a saved experiment."""

    record: ExperimentRecord
    row: Row
    """Of this seed alone."""
    scores: tuple[ScoreLine, ...]
    averages: tuple[AverageLine, ...]
    data: tuple[DataLine, ...]
    trained: tuple[StepRecord, ...]
    """Its train steps."""
    siblings: Row | None
    """The row over all seeds, where there are several."""

    @property
    def hub_data_sets(self) -> tuple[str, ...]:
        """The data sets of training that are on the hub, as far as task files name them so."""
        names = [line.data_set.partition(" ")[0] for line in self.data if line.use == "training"]
        return tuple(dict.fromkeys(name for name in names if ON_HUB.fullmatch(name)))


def facts_of(
    store: ResultsReader,
    results: ExperimentResults,
    siblings: Sequence[ExperimentResults],
    tasks: Mapping[str, TaskFile],
) -> Facts:
    """All that the card says of an experiment; `siblings` are its row's experiments, one a seed."""
    record = results.record
    bases = [each for each in store.experiments(record.track) if each.method == BASELINE]
    pretrained = [PretrainedResults.of(store, each) for each in ExperimentResults.of_many(store, bases)]
    row = make_row(store, [results], pretrained).row
    base = base_of(results, pretrained)
    base_row = None if base is None else make_row(store, [base.results], pretrained).row
    own = {(cell.role, cell.shots): cell.score for cell in _cells(base_row)}
    comparison = None if base is None else compare_rows(store, record.track, (results,), (base.results,))
    changes = {(task.role, task.shots): task.difference for task in (comparison.tasks if comparison else ())}
    scores = []
    for cell in _cells(row):
        key = (cell.role, cell.shots)
        change = changes.get(key)
        scores.append(ScoreLine(cell, cell.role in row.targets, own.get(key), change.estimate if change else None))
    averages = tuple(
        AverageLine(shots, average, base_row.norm_avg.get(shots) if base_row else None, row.change.get(shots))
        for shots, average in sorted(row.norm_avg.items())
    )
    trained = tuple(results.steps[link.step_id] for link in results.links if link.part == "train")
    whole = make_row(store, siblings, pretrained).row if len(siblings) > 1 else None
    return Facts(record, row, tuple(scores), averages, tuple(_data(results, trained, tasks)), trained, whole)


def _cells(row: Row | None) -> tuple[Cell, ...]:
    return () if row is None else (*row.target_scores, *row.held_out)


def _data(results: ExperimentResults, trained: Sequence[StepRecord], tasks: Mapping[str, TaskFile]) -> list[DataLine]:
    """The rows of training and of evaluation, each set once."""
    lines: dict[DataLine, None] = {}
    roles: Mapping[str, Any] = results.record.spec["roles"]

    def add(role: str, use: str, content: object) -> None:
        name = str(roles.get(role, {}).get("task", role))
        lines.setdefault(DataLine(role, use, name, _data_set(tasks.get(role), name), str(content)[:DIGITS]))

    for step in trained:
        for role, described in (step.config.get("tasks") or {}).items():
            add(role, "training", described["data"])
    for role, shots in results.evaluations():
        evaluated = results.step(role, shots)
        if evaluated is not None:
            add(role, "evaluation", evaluated.config["data"])
    return list(lines)


def _data_set(task: TaskFile | None, name: str) -> str:
    """What a task's rows are called: a data set of the hub, or the folder of a data folder."""
    if task is None:
        return name
    path, part = task.config.get("dataset_path"), task.config.get("dataset_name")
    if not isinstance(path, str) or not ON_HUB.fullmatch(path):
        return task.folder
    return f"{path} ({part})" if part else path
