"""Taking experiments out of the store, with whatever nothing else needs."""

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
    """What goes with some experiments."""

    experiments: tuple[ExperimentRecord, ...]
    steps: tuple[str, ...]
    """Steps that no other experiment needs, in the order of their ids."""
    kept: int
    """How many of their steps stay, since others need them."""
    scores: int
    answers: int
    folders: tuple[str, ...]
    """The steps among them whose folder of artifacts no step that stays is stored with."""


class Removing(DatabaseSession):
    """The store's one way to forget."""

    def removal(self, experiments: Sequence[str]) -> Removal:
        """What would go with some experiments, by id. Nothing is changed."""
        with self._reading() as connection:
            return _removal(connection, experiments)

    def remove(self, removal: Removal) -> None:
        """Let it all go, or nothing. Files stay: they are whoever asks' to delete, afterwards.

        Raises SuiteError if a process is at work on one of the steps, or if other things would go by now.
        """
        ids = [record.id for record in removal.experiments]
        with self._writing() as connection:
            found = _removal(connection, ids)
            if self._repeated and not found.experiments:  # the try before let it go, its reply lost
                return
            if found != removal:
                raise SuiteError("the store has changed since, and nothing was removed", fix="ask again")
            _refuse_running(connection, removal.steps)
            for some in chunks(ids):
                connection.execute(delete(ExperimentStepRow).where(ExperimentStepRow.experiment_id.in_(some)))
                connection.execute(delete(ExperimentRow).where(ExperimentRow.id.in_(some)))
            for some in chunks(removal.steps):  # what a step left goes with it: ON DELETE CASCADE
                connection.execute(delete(StepRow).where(StepRow.id.in_(some)))


def _removal(connection: Connection, experiments: Sequence[str]) -> Removal:
    records: list[ExperimentRecord] = []
    linked: set[str] = set()
    for some in chunks(experiments):
        query = select(ExperimentRow.__table__).where(ExperimentRow.id.in_(some))
        records += [experiment_record(dict(row)) for row in connection.execute(query).mappings()]
        links = select(ExperimentStepRow.step_id).where(ExperimentStepRow.experiment_id.in_(some))
        linked.update(connection.execute(links).scalars())
    going = {record.id for record in records}
    needed: set[str] = set()
    for some in chunks(sorted(linked)):
        users = select(ExperimentStepRow.step_id, ExperimentStepRow.experiment_id)
        found = connection.execute(users.where(ExperimentStepRow.step_id.in_(some)))
        needed.update(step for step, experiment in found if experiment not in going)
    steps = sorted(linked - needed)
    records.sort(key=lambda record: (record.track, record.name, record.seed, record.id))
    return Removal(
        experiments=tuple(records),
        steps=tuple(steps),
        kept=len(needed),
        scores=_count(connection, ScoreRow.step_id, steps),
        answers=_count(connection, AnswerRow.step_id, steps),
        folders=_folders(connection, steps),
    )


def _count(connection: Connection, step_id: InstrumentedAttribute[str], steps: Sequence[str]) -> int:
    """How many rows of a table are about these steps."""
    queries = (select(func.count()).where(step_id.in_(some)) for some in chunks(steps))
    return sum(int(connection.execute(query).scalar_one()) for query in queries)


def _folders(connection: Connection, steps: Sequence[str]) -> tuple[str, ...]:
    """The steps whose folder no step that stays is stored with: a folder bears the name of the step that made it."""
    going, used = set(steps), set[str]()
    for some in chunks(steps):
        query = select(ArtifactRow.step_id, ArtifactRow.path).where(ArtifactRow.path.in_(some))
        used.update(path for step, path in connection.execute(query) if step not in going)
    return tuple(step for step in steps if step not in used)


def _refuse_running(connection: Connection, steps: Sequence[str]) -> None:
    running: list[Problem] = []
    for some in chunks(steps):
        query = select(StepRow.id, StepRow.title).where(StepRow.id.in_(some), StepRow.status == "running")
        for step, title in connection.execute(query).all():
            left = select(StepRow.id).where(StepRow.id == step, abandoned(connection, step, LEASE_SECONDS))
            if connection.execute(left).first() is None:
                what = f"the step '{title}' is running, and nothing was removed"
                running.append(Problem("", what, "wait for it, or stop it with Ctrl-C"))
    if running:
        raise SuiteError.of(running)
