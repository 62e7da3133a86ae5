"""Finished experiments put into an empty store all at once, table by table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection, insert

from suite.results.store.mapping import experiment_row, link_row, step_row
from suite.results.store.records import AnswerRecord, ExperimentRecord, StepLink, StepOutcome, StepRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import AnswerRow, ExperimentRow, ExperimentStepRow, StepRow
from suite.results.store.writing import check_numbers, insert_results

Imported = tuple[ExperimentRecord, Sequence[StepLink], Sequence[tuple[StepRecord, StepOutcome]]]
"""A finished experiment, its links, and its steps with what came of them."""
_FIELDS: Final = tuple(field.name for field in fields(AnswerRecord))
_VALUES: Final = attrgetter(*_FIELDS)
_INSERT: Final = (
    f"INSERT INTO {AnswerRow.__tablename__} (step_id, {', '.join(_FIELDS)}) VALUES (?{', ?' * len(_FIELDS)})"
)
"""For SQLite. Nearly all rows are answers, and this takes a third of the time of a statement of SQLAlchemy."""


class Filling(DatabaseSession):
    """Fills an empty store."""

    def fill(self, experiments: Iterable[Imported]) -> None:
        """Store imported experiments as `import_experiment` would, one after the other.

        For an empty store in memory that nobody else has, and for what was once in a store: texts are not checked.
        Raises SuiteError for numbers that are not finite.
        """
        assert self.in_memory
        names: set[str] = set()
        steps: set[str] = set()
        with self._writing() as connection:
            for record, links, own in experiments:
                new = {step.id: (step, outcome) for step, outcome in own if step.id not in steps}
                steps |= new.keys()
                for step, outcome in new.values():
                    _put_step(connection, step, outcome)
                if record.id not in names:
                    names.add(record.id)
                    connection.execute(insert(ExperimentRow), [experiment_row(replace(record, imported=True))])
                    connection.execute(insert(ExperimentStepRow), [link_row(record.id, link) for link in links])


def _put_step(connection: Connection, step: StepRecord, outcome: StepOutcome) -> None:
    check_numbers(outcome)
    row = {**step_row(step), "status": "done", "reason": None, "imported": True}
    connection.execute(insert(StepRow), [row])
    insert_results(connection, step.id, replace(outcome, answers=()))
    if outcome.answers:
        connection.exec_driver_sql(_INSERT, [(step.id, *_VALUES(answer)) for answer in outcome.answers])
