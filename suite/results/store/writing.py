"""The store's changes. Each is one transaction: all of it is stored, or nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, false, insert, or_, select, update

from suite.core.errors import Problem, SuiteError
from suite.results.store.checksums import seal_experiment, seal_step
from suite.results.store.invalidation import UNTRIED, reset_finished, update_step
from suite.results.store.mapping import chunks, experiment_row, link_row, now, record_of, step_row
from suite.results.store.owners import Owner
from suite.results.store.records import Costs, ExperimentRecord, Provenance, StepLink, StepOutcome, StepRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import (
    AnswerRow,
    ArtifactRow,
    Base,
    ChecksumRow,
    CurvePointRow,
    ExperimentRow,
    ExperimentStepRow,
    FindingRow,
    ScoreRow,
    StepRow,
)
from suite.results.store.times import time_now

LEASE_SECONDS = 120.0
"""A running step may be taken over if its owner sent no heartbeat for this many seconds."""
RESULTS = (ScoreRow, AnswerRow, CurvePointRow, FindingRow, ArtifactRow)


class Writing(DatabaseSession):
    """Methods that change the store. Several processes may call them at once."""

    def add_steps(self, steps: Sequence[StepRecord]) -> None:
        """Add steps that the store does not have yet."""
        with self._writing() as connection:
            _insert_new(connection, StepRow, [step_row(step) for step in steps])

    def add_experiment(self, record: ExperimentRecord, links: Sequence[StepLink]) -> None:
        """Add an experiment with its links to steps; if it exists, update it and replace its links.

        An experiment gets other steps once its data or the code that makes them has changed. An imported experiment
        becomes a local one; importing never changes a local one.
        """
        with self._writing() as connection:
            if _is_imported(connection, record.id) is False and record.imported:
                return
            _put_experiment(connection, record)
            _replace_links(connection, record.id, links)
            self._seal_experiment(connection, record.id)

    def requeue(self, steps: Sequence[str], *, include_done: bool = False) -> None:
        """Make failed and cancelled steps pending again; their costs so far are kept.

        With `include_done`, finished and pending ones too. All of them then start from zero: results and costs are
        deleted.
        """
        again = ["failed", "cancelled", *(["pending", "done"] if include_done else [])]
        with self._writing() as connection:
            for ids in chunks(steps):
                if include_done:
                    finished = select(StepRow.id).where(StepRow.id.in_(ids), StepRow.status == "done")
                    for table in (*RESULTS, ChecksumRow):
                        connection.execute(delete(table).where(table.step_id.in_(finished)))
                chosen = and_(StepRow.id.in_(ids), StepRow.status.in_(again))
                reset = {**UNTRIED, **(vars(Costs()) if include_done else {})}
                connection.execute(update(StepRow).where(chosen).values(**reset))

    def claim(self, step: str, owner: str, lease_seconds: float = LEASE_SECONDS) -> bool:
        """Claim a pending step, or one whose owner died or was silent for longer than the lease.

        Returns whether the claim succeeded; of several callers, only one succeeds.
        """
        with self._writing() as connection:
            free = or_(StepRow.status == "pending", abandoned(connection, step, lease_seconds))
            beat = {"owner": owner, "heartbeat": time_now(connection)}
            taken = {**UNTRIED, **beat, "status": "running", "started": now(), "attempts": StepRow.attempts + 1}
            claimed = update_step(connection, and_(StepRow.id == step, free), taken)
            return claimed or self._done_by_earlier_try(connection, step, owner, "running")

    def heartbeat(self, step: str, owner: str, spent: Costs | None = None) -> bool:
        """Record a heartbeat, and the step's costs so far. Returns False if the step is no longer the owner's."""
        with self._writing() as connection:
            costs = {} if spent is None else vars(spent)
            return update_step(connection, _owned(step, owner), {"heartbeat": time_now(connection), **costs})

    def finish(self, step: str, owner: str, outcome: StepOutcome, stale: Sequence[StepRecord] = ()) -> bool:
        """Store all results of a step. Returns False and stores nothing if the step is no longer the owner's.

        The `stale` steps, which were built on its former results, become pending in the same transaction.

        Raises SuiteError if a value is not finite; values that could not be measured must be None.
        """
        check_numbers(outcome)
        with self._writing() as connection:
            if not _end_step(connection, step, owner, "done", None, outcome.costs, outcome.provenance):
                return self._done_by_earlier_try(connection, step, owner, "done")
            _replace_results(connection, step, outcome)
            self._seal_step(connection, step)
            reset_finished(connection, stale)
            return True

    def fail(
        self, step: str, owner: str, reason: str, provenance: Provenance = Provenance(), spent: Costs = Costs()
    ) -> bool:
        """Record that a step failed, and its costs. Returns False if the step is no longer the owner's."""
        with self._writing() as connection:
            ended = _end_step(connection, step, owner, "failed", reason, spent, provenance)
            return ended or self._done_by_earlier_try(connection, step, owner, "failed")

    def cancel(self, step: str, owner: str, reason: str, spent: Costs | None = None) -> bool:
        """Record that the user cancelled a step, and its costs. Returns False if the step is no longer the owner's."""
        with self._writing() as connection:
            ended = _end_step(connection, step, owner, "cancelled", reason, spent, Provenance())
            return ended or self._done_by_earlier_try(connection, step, owner, "cancelled")

    def add_imported(self, step: StepRecord, outcome: StepOutcome) -> bool:
        """Import a finished step. Returns False and changes nothing if the step is finished or running here."""
        check_numbers(outcome)
        with self._writing() as connection:
            changed = _import_step(connection, step, outcome)
            if changed:
                self._seal_step(connection, step.id)
            return changed

    def import_experiment(
        self, record: ExperimentRecord, links: Sequence[StepLink], steps: Sequence[tuple[StepRecord, StepOutcome]]
    ) -> bool:
        """Import a finished experiment with all its steps. Returns False if nothing changed.

        Steps that are finished here stay as they are. An experiment that was planned here with other steps keeps them.
        """
        for _, outcome in steps:
            check_numbers(outcome)
        with self._writing() as connection:
            if _is_imported(connection, record.id) is False and _links(connection, record.id) != tuple(links):
                return False
            changed = [step.id for step, outcome in steps if _import_step(connection, step, outcome)]
            for step in changed:
                self._seal_step(connection, step)
            imported = _is_imported(connection, record.id)
            if imported is None:
                _put_experiment(connection, replace(record, imported=True))
            relinked = _replace_links(connection, record.id, links)
            if imported is None or relinked:
                self._seal_experiment(connection, record.id)
            return bool(changed) or relinked

    def _seal_step(self, connection: Connection, step: str) -> None:
        """Store the checksums of a finished step. A database in memory needs none: it ends with the process."""
        if not self.in_memory:
            seal_step(connection, step)

    def _seal_experiment(self, connection: Connection, experiment: str) -> None:
        if not self.in_memory:
            seal_experiment(connection, experiment)


def _owned(step: str, owner: str) -> ColumnElement[bool]:
    return and_(StepRow.id == step, StepRow.owner == owner, StepRow.status == "running")


def _end_step(
    connection: Connection,
    step: str,
    owner: str,
    status: str,
    reason: str | None,
    costs: Costs | None,
    provenance: Provenance,
) -> bool:
    """End the owner's step. Its end is never before its start, even if the clock was set back."""
    ended = now()
    finished = case((StepRow.started > ended, StepRow.started), else_=ended)
    values = {"status": status, "reason": reason, "finished": finished, "heartbeat": None}
    return update_step(
        connection, _owned(step, owner), {**values, **vars(provenance), **(vars(costs) if costs else {})}
    )


def abandoned(connection: Connection, step: str, lease_seconds: float) -> ColumnElement[bool]:
    """A condition: the step is running, and its owner is dead or was silent for longer than the lease."""
    now = time_now(connection)
    query = select(StepRow.owner, now - StepRow.heartbeat).where(StepRow.id == step)
    name, silence = next(iter(connection.execute(query).tuples()), (None, None))
    owner = Owner.parse(name)
    dead = StepRow.owner == name if owner and owner.is_dead(silence) else false()
    silent = or_(StepRow.heartbeat.is_(None), StepRow.heartbeat < now - lease_seconds)
    return and_(StepRow.status == "running", or_(dead, silent))


def _import_step(connection: Connection, step: StepRecord, outcome: StepOutcome) -> bool:
    """Store a finished step, unless it is finished here or a living process works on it. Returns whether it did."""
    row = step_row(step)
    _insert_new(connection, StepRow, [{**row, "status": "pending"}])
    waiting = StepRow.status.in_(("pending", "failed", "cancelled"))
    free = or_(waiting, abandoned(connection, step.id, LEASE_SECONDS))
    done = {**row, "status": "done", "reason": None, "imported": True}
    if not update_step(connection, and_(StepRow.id == step.id, free), done):
        return False
    _replace_results(connection, step.id, outcome)
    return True


def _replace_results(connection: Connection, step: str, outcome: StepOutcome) -> None:
    """Replace a step's results."""
    for kind in RESULTS:
        connection.execute(delete(kind).where(kind.step_id == step))
    insert_results(connection, step, outcome)


def insert_results(connection: Connection, step: str, outcome: StepOutcome) -> None:
    """Insert the results of a step that has none."""
    artifacts = [outcome.artifact] if outcome.artifact else []
    results = (outcome.scores, outcome.answers, outcome.curve, outcome.findings, artifacts)
    for table, records in zip(RESULTS, results, strict=True):
        if records:
            rows = [vars(record) | {"step_id": step} | _replaced(vars(record)) for record in records]
            connection.execute(insert(table), rows)


def _replaced(values: Mapping[str, Any]) -> dict[str, str]:
    """The texts in which lone surrogates and NUL are replaced, which models may write and databases refuse."""
    return {
        name: value.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
        for name, value in values.items()
        if isinstance(value, str) and not (value.isascii() and "\0" not in value)
    }


def check_numbers(outcome: StepOutcome) -> None:
    """Raises SuiteError unless every number of an outcome is finite."""
    named = [
        *(
            (f"{name} of the score '{score.metric}'", getattr(score, name))
            for score in outcome.scores
            for name in ("value", "stderr")
        ),
        *((f"the value of document {answer.doc_id}", answer.value) for answer in outcome.answers),
        *((f"'{point.name}' at training step {point.step}", point.value) for point in outcome.curve),
        ("seconds", outcome.costs.seconds),
    ]
    for finding in outcome.findings:
        try:
            json.dumps(finding.content, allow_nan=False)
        except ValueError:
            named.append((f"something in the finding '{finding.name}'", math.nan))
    wrong = [
        Problem("", f"{name} is {value}, not a number")
        for name, value in named
        if value is not None and not math.isfinite(value)
    ]
    if wrong:
        raise SuiteError.of(wrong[:3])


def _put_experiment(connection: Connection, record: ExperimentRecord) -> None:
    """Insert or update an experiment; its `created` time stays."""
    row = experiment_row(record)
    _insert_new(connection, ExperimentRow, [row])
    values = {name: value for name, value in row.items() if name not in ("id", "created")}
    connection.execute(update(ExperimentRow).where(ExperimentRow.id == record.id).values(**values))


def _is_imported(connection: Connection, experiment: str) -> bool | None:
    """Whether the experiment was imported; None if there is no such experiment."""
    return connection.execute(select(ExperimentRow.imported).where(ExperimentRow.id == experiment)).scalar()


def _links(connection: Connection, experiment: str) -> tuple[StepLink, ...]:
    query = select(ExperimentStepRow.__table__).where(ExperimentStepRow.experiment_id == experiment)
    rows = connection.execute(query.order_by(ExperimentStepRow.position)).mappings()
    return tuple(record_of(StepLink, dict(row)) for row in rows)


def _replace_links(connection: Connection, experiment: str, links: Sequence[StepLink]) -> bool:
    """Replace the experiment's links. Returns whether they differed."""
    if _links(connection, experiment) == tuple(sorted(links, key=lambda link: link.position)):
        return False
    connection.execute(delete(ExperimentStepRow).where(ExperimentStepRow.experiment_id == experiment))
    _insert_new(connection, ExperimentStepRow, [link_row(experiment, link) for link in links])
    return True


def _insert_new(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose key does not exist yet; another process may insert the same ones at the same time."""
    if rows:
        dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # the other one takes 0.2 s
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])
