"""Removes experiments from the store, with all steps that no other experiment needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute

from suite.core.errors import Problem, SuiteError
from suite.results.store.mapping import chunks, experiment_record
from suite.results.store.records import ExperimentRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import AnswerRow, ArtifactRow, ExperimentRow, ExperimentStepRow, ScoreRow, StepRow
from suite.results.store.writing import LEASE_SECONDS, abandoned


@dataclass(frozen=True)
class Removal:
    """The experiments to remove, with the steps, scores, answers and folders that are removed with them."""

    experiments: tuple[ExperimentRecord, ...]
    steps: tuple[str, ...]
    """Steps that no other experiment needs, in the order of their ids."""
    shared_steps: int
    """Number of their steps that stay because other experiments need them."""
    scores: int
    answers: int
    folders: tuple[str, ...]
    """Removed steps whose artifact folder no remaining step uses."""


class Removing(DatabaseSession):
    """Removes experiments; the only code that deletes them."""

    def removal(self, experiments: Sequence[str]) -> Removal:
        """The removal of these experiments (ids), without any change yet."""
        with self._reading() as connection:
            return _removal(connection, experiments)

    def remove(self, removal: Removal) -> None:
        """Remove everything in `removal`, or nothing. Files stay; the caller deletes them afterwards.

        Raises SuiteError if a process works on one of the steps, or if the removal would now differ.
        """
        ids = [record.id for record in removal.experiments]
        with self._writing() as connection:
            current = _removal(connection, ids)
            if self._retried and not current.experiments:  # an earlier try removed it, and its reply was lost
                return
            if current != removal:
                raise SuiteError("the store has changed since, and nothing was removed", fix="ask again")
            _refuse_running(connection, removal.steps)
            for chunk in chunks(ids):
                connection.execute(delete(ExperimentStepRow).where(ExperimentStepRow.experiment_id.in_(chunk)))
                connection.execute(delete(ExperimentRow).where(ExperimentRow.id.in_(chunk)))
            for chunk in chunks(removal.steps):  # the results of a step are deleted with it: ON DELETE CASCADE
                connection.execute(delete(StepRow).where(StepRow.id.in_(chunk)))


def _removal(connection: Connection, experiments: Sequence[str]) -> Removal:
    records: list[ExperimentRecord] = []
    linked: set[str] = set()
    for chunk in chunks(experiments):
        query = select(ExperimentRow.__table__).where(ExperimentRow.id.in_(chunk))
        records += [experiment_record(dict(row)) for row in connection.execute(query).mappings()]
        links = select(ExperimentStepRow.step_id).where(ExperimentStepRow.experiment_id.in_(chunk))
        linked.update(connection.execute(links).scalars())
    removed = {record.id for record in records}
    needed: set[str] = set()
    for chunk in chunks(sorted(linked)):
        users = select(ExperimentStepRow.step_id, ExperimentStepRow.experiment_id)
        uses = connection.execute(users.where(ExperimentStepRow.step_id.in_(chunk)))
        needed.update(step for step, experiment in uses if experiment not in removed)
    steps = sorted(linked - needed)
    records.sort(key=lambda record: (record.track, record.name, record.seed, record.id))
    return Removal(
        experiments=tuple(records),
        steps=tuple(steps),
        shared_steps=len(needed),
        scores=_count(connection, ScoreRow.step_id, steps),
        answers=_count(connection, AnswerRow.step_id, steps),
        folders=_folders(connection, steps),
    )


def _count(connection: Connection, step_id: InstrumentedAttribute[str], steps: Sequence[str]) -> int:
    """The number of rows of a table that belong to these steps."""
    queries = (select(func.count()).where(step_id.in_(chunk)) for chunk in chunks(steps))
    return sum(int(connection.execute(query).scalar_one()) for query in queries)


def _folders(connection: Connection, steps: Sequence[str]) -> tuple[str, ...]:
    """The steps whose folder no remaining step uses. A folder has the name of the step that made it."""
    removed, used = set(steps), set[str]()
    for chunk in chunks(steps):
        query = select(ArtifactRow.step_id, ArtifactRow.path).where(ArtifactRow.path.in_(chunk))
        used.update(path for step, path in connection.execute(query) if step not in removed)
    return tuple(step for step in steps if step not in used)


def _refuse_running(connection: Connection, steps: Sequence[str]) -> None:
    running: list[Problem] = []
    for chunk in chunks(steps):
        query = select(StepRow.id, StepRow.title).where(StepRow.id.in_(chunk), StepRow.status == "running")
        for step, title in connection.execute(query).all():
            is_abandoned = select(StepRow.id).where(StepRow.id == step, abandoned(connection, step, LEASE_SECONDS))
            if connection.execute(is_abandoned).first() is None:
                what = f"the step '{title}' is running, and nothing was removed"
                running.append(Problem("", what, "wait for it, or stop it with Ctrl-C"))
    if running:
        raise SuiteError.of(running)
