"""Compares what is read with the stored checksums, and notes differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, select

from suite.results.store.checksums import RESULTS, of_column, of_experiment, of_records
from suite.results.store.mapping import chunks
from suite.results.store.records import ExperimentRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import Base, ChecksumRow, ExperimentChecksumRow

UNFINISHED: Final = ("pending", "running", "failed", "cancelled")
"""Statuses of steps without results."""
OF_EXPERIMENTS: Final = ("experiment", "links", "track")
"""The parts that belong to an experiment, not to a step."""


class Checked(DatabaseSession):
    """Reads that notice rows that were changed after they were written."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.changed: dict[tuple[str, str], None] = {}
        """(id of a step or an experiment, part) of all data that was read and does not match its checksum."""
        self._sealed: dict[str, dict[str, Any]] = {}

    def _verify(self, connection: Connection, ids: Sequence[str], **parts: Callable[[str], Any]) -> None:
        """Note the parts of steps or experiments that do not match their checksums.

        `parts` maps a part to a function from an id to the checksum of the data that was read. Each part is compared
        once in a process. Data without stored checksums is not checked.
        """
        if self.in_memory:  # a database in memory has no checksums
            return
        for part, checksum in parts.items():
            unchecked = self._due(connection, part)
            for name in ids:
                stored = unchecked.pop(name, None)
                if stored is None:
                    continue
                actual = checksum(name)
                if actual != stored and _sealed_now(connection, part, name) not in (None, actual):
                    self.changed[name, part] = None

    def _due(self, connection: Connection, part: str) -> dict[str, Any]:
        """Id -> stored checksum of a part, for those not compared yet. All are read at once: this is cheapest."""
        if part not in self._sealed:
            self._sealed[part] = dict(_sealed_rows(connection, part))
        return self._sealed[part]

    def _verify_answers(
        self, connection: Connection, steps: Sequence[str], names: Sequence[str], columns: Mapping[str, Sequence[Any]]
    ) -> None:
        """Verify columns of answers. `columns` maps each step to its columns."""
        for i, name in enumerate(names):
            self._verify(
                connection, steps,
                **{name: lambda step, i=i, name=name: of_column(name, columns[step][i] if step in columns else ())},
            )  # fmt: skip

    def _results(self, name: str, steps: Sequence[str]) -> list[tuple[str, Any]]:
        """(step id, record) of the rows of a table of results."""
        table, kind = RESULTS[name]
        results: list[tuple[str, Any]] = []
        with self._reading() as connection:
            for ids in chunks(steps):
                rows = records_of(connection, kind, table, ids, "step_id")
                by_step: dict[str, list[Any]] = {}
                for step, record in rows:
                    by_step.setdefault(step, []).append(record)
                self._verify(connection, ids, **{name: partial(of_records_in, by_step)})
                results += rows
        return results

    def _verify_experiments(
        self, connection: Connection, records: Sequence[ExperimentRecord], track: str | None
    ) -> None:
        """Note experiments that do not match their checksums, or that no longer exist."""
        by_id = {record.id: record for record in records}
        self._verify(connection, list(by_id), experiment=lambda experiment: of_experiment(by_id[experiment]))
        if not self.in_memory:
            lost = {
                experiment for experiment, on in _sealed_rows(connection, "track") if track in (None, on)
            } - by_id.keys()
            self.changed |= dict.fromkeys((experiment, "experiment") for experiment in sorted(lost))


def _sealed_rows(connection: Connection, part: str, *ids: str) -> Sequence[tuple[str, Any]]:
    """(id, checksum of a part) of all rows, or of these ids."""
    columns = (ExperimentChecksumRow if part in OF_EXPERIMENTS else ChecksumRow).__table__.c
    key = columns["experiment_id" if part in OF_EXPERIMENTS else "step_id"]
    query = select(key, columns[part])
    cursor = connection.execute(query.where(key.in_(ids)) if ids else query).cursor
    assert cursor is not None
    rows: Sequence[tuple[str, Any]] = cursor.fetchall()  # the driver's own rows: there may be many
    return rows


def _sealed_now(connection: Connection, part: str, row_id: str) -> Any:
    """The current checksum: another process may have stored the step again since all checksums were read."""
    return next((checksum for _, checksum in _sealed_rows(connection, part, row_id)), None)


def of_records_in(records: Mapping[str, Sequence[Any]], key: str) -> str:
    """The checksum of the records of one step or experiment."""
    return of_records(records.get(key, ()))


def records_of(
    connection: Connection, kind: Any, table: type[Base], ids: Sequence[str], key: str
) -> list[tuple[str, Any]]:
    """(id, record) of the rows whose key is one of these ids."""
    columns = table.__table__.c  # the columns of the table itself: a mapped class's columns cost more with every query
    selected = [columns[key], *(columns[name] for name in kind.__dataclass_fields__)]
    rows = connection.execute(select(*selected).where(columns[key].in_(ids))).all()
    return [(row[0], kind(*row[1:])) for row in rows]
