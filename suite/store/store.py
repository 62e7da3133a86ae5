"""Reading and writing the store, one transaction a call; the only code that opens a connection."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, false, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from suite.store.database import connect
from suite.store.records import (
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
)
from suite.store.tables import (
    AnswerRow,
    ArtifactRow,
    Base,
    CurvePointRow,
    ExperimentRow,
    ExperimentStepRow,
    ScoreRow,
    StepRow,
)

CHUNK = 500  # SQLite binds at most 32,766 values in a statement


class Store:
    """A database of experiments. Every method is one transaction; several processes may use one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    @contextmanager
    def open(cls, url: str | Path, *, create: bool = True) -> Iterator[Store]:
        """The store at a SQLAlchemy URL (or in a SQLite file), its schema up to date.

        Raises SuiteError when it cannot be used.
        """
        engine = connect(f"sqlite:///{url}" if isinstance(url, Path) else url, create)
        try:
            yield cls(engine)
        finally:
            engine.dispose()

    # -- writing -------------------------------------------------------------------------------------------------

    def add_steps(self, steps: Sequence[StepRecord]) -> None:
        """Add steps that are not there yet."""
        rows = [_step_row(step) for step in steps]
        with self._writing() as connection:
            _insert_new(connection, StepRow, rows)

    def add_experiment(self, record: ExperimentRecord, links: Sequence[StepLink]) -> None:
        """Add an experiment, or link one that is there to other steps, if its plan has other ones now.

        One that was run here is not changed by an imported one of the same id.
        """
        row = {
            "id": record.id,
            "name": record.name,
            "track": record.track,
            "seed": record.seed,
            "method": record.method,
            "family": record.family,
            "targets": list(record.targets),
            "source": record.source,
            "spec": dict(record.spec),
            "created": _now(),
            "imported": record.imported,
        }
        linked = [{"experiment_id": record.id, **vars(link)} for link in sorted(links, key=lambda link: link.position)]
        mine = ExperimentStepRow.experiment_id == record.id
        with self._writing() as connection:
            known = connection.execute(select(ExperimentRow.imported).where(ExperimentRow.id == record.id)).scalar()
            if known is False and record.imported:
                return
            _insert_new(connection, ExperimentRow, [row])
            there = select(ExperimentStepRow.__table__).where(mine).order_by(ExperimentStepRow.position)
            if [dict(found) for found in connection.execute(there).mappings()] != linked:
                connection.execute(delete(ExperimentStepRow).where(mine))
                _insert_new(connection, ExperimentStepRow, linked)
            if known and not record.imported:
                values = {key: value for key, value in row.items() if key != "created"}
                connection.execute(update(ExperimentRow).where(ExperimentRow.id == record.id).values(**values))

    def requeue(self, steps: Sequence[str], *, done_too: bool = False) -> None:
        """Make failed and cancelled steps pending again (with `done_too`, finished ones, whose results go)."""
        again = ["failed", "cancelled", *(["done"] if done_too else [])]
        with self._writing() as connection:
            for ids in _chunks(steps):
                if done_too:
                    finished = select(StepRow.id).where(StepRow.id.in_(ids), StepRow.status == "done")
                    for table in (ScoreRow, AnswerRow, CurvePointRow, ArtifactRow):
                        connection.execute(delete(table).where(table.step_id.in_(finished)))
                chosen = and_(StepRow.id.in_(ids), StepRow.status.in_(again))
                connection.execute(update(StepRow).where(chosen).values(status="pending", owner=None, imported=False))

    def claim(self, step: str, owner: str, lease_seconds: float) -> bool:
        """Take a pending step, or one whose owner died or fell silent for longer than the lease. One caller wins."""
        now = time.time()
        with self._writing() as connection:
            holder = connection.execute(select(StepRow.owner).where(StepRow.id == step)).scalar()
            silent = or_(StepRow.heartbeat.is_(None), StepRow.heartbeat < now - lease_seconds, _is_dead(holder))
            free = or_(StepRow.status == "pending", and_(StepRow.status == "running", silent))
            taken = connection.execute(
                update(StepRow)
                .where(StepRow.id == step, free)
                .values(
                    status="running", owner=owner, heartbeat=now, attempts=StepRow.attempts + 1, started=_now(),
                    finished=None, reason=None,
                )
            )  # fmt: skip
            return taken.rowcount == 1

    def heartbeat(self, step: str, owner: str) -> bool:
        """Say that the owner is alive. False when the step is no longer the owner's."""
        with self._writing() as connection:
            mine = and_(StepRow.id == step, StepRow.owner == owner, StepRow.status == "running")
            return connection.execute(update(StepRow).where(mine).values(heartbeat=time.time())).rowcount == 1

    def finish(self, step: str, owner: str, outcome: StepOutcome) -> bool:
        """Store all that a step left, whole or not at all. False, and nothing stored, if it is no longer the owner's."""
        with self._writing() as connection:
            if not self._end(connection, step, owner, "done", None, outcome.costs, outcome.provenance):
                return False
            _replace_results(connection, step, outcome)
            return True

    def fail(self, step: str, owner: str, reason: str, provenance: Provenance = Provenance()) -> bool:
        """A step could not be done. False if it is no longer the owner's."""
        with self._writing() as connection:
            return self._end(connection, step, owner, "failed", reason, Costs(), provenance)

    def cancel(self, step: str, owner: str, reason: str) -> bool:
        """A step was given up on the user's word. False if it is no longer the owner's."""
        with self._writing() as connection:
            return self._end(connection, step, owner, "cancelled", reason, Costs(), Provenance())

    def add_imported(self, step: StepRecord, outcome: StepOutcome) -> bool:
        """A finished step made elsewhere, marked as such. False, and nothing changed, if the step is done here."""
        with self._writing() as connection:
            _insert_new(connection, StepRow, [_step_row(step)])
            row = {**_step_row(step), "status": "done", "imported": True}
            undone = and_(StepRow.id == step.id, or_(StepRow.status != "done", StepRow.imported))
            if connection.execute(update(StepRow).where(undone).values(**row)).rowcount == 0:
                return False
            _replace_results(connection, step.id, outcome)
            return True

    # -- reading -------------------------------------------------------------------------------------------------

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status, for those that are known."""
        found: dict[str, str] = {}
        with self._reading() as connection:
            for ids in _chunks(steps):
                query = select(StepRow.id, StepRow.status).where(StepRow.id.in_(ids))
                found.update({name: status for name, status in connection.execute(query)})
        return found

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        query = select(ExperimentRow.__table__).order_by(
            ExperimentRow.track, ExperimentRow.name, ExperimentRow.seed, ExperimentRow.id
        )
        if track is not None:
            query = query.where(ExperimentRow.track == track)
        with self._reading() as connection:
            return tuple(_experiment(row) for row in connection.execute(query).mappings())

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """An experiment's steps in order."""
        query = select(ExperimentStepRow.__table__).where(ExperimentStepRow.experiment_id == experiment)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(ExperimentStepRow.position)).mappings()
            return tuple(StepLink(row["step_id"], row["part"], row["role"], row["shots"], row["position"]) for row in rows)

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Steps by id."""
        return {record.id: record for record in self._rows(StepRow, StepRow.id, ids, _step)}

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        found = self._rows(ScoreRow, ScoreRow.step_id, steps, lambda row: (row["step_id"], _of(ScoreRecord, row)))
        return _grouped(sorted(found, key=lambda item: (item[0], not item[1].primary, item[1].metric)))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        found = self._rows(AnswerRow, AnswerRow.step_id, [step], lambda row: _of(AnswerRecord, row))
        return tuple(sorted(found, key=lambda answer: answer.doc_id))

    def values(self, steps: Sequence[str]) -> dict[str, dict[int, float]]:
        """Step id -> document -> its own score, for the documents that have one."""
        found: dict[str, dict[int, float]] = {}
        with self._reading() as connection:
            for ids in _chunks(steps):
                query = select(AnswerRow.step_id, AnswerRow.doc_id, AnswerRow.value)
                for step, document, value in connection.execute(
                    query.where(AnswerRow.step_id.in_(ids), AnswerRow.value.is_not(None))
                ):
                    found.setdefault(step, {})[document] = value
        return found

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> the model's own texts, in the documents' order."""
        found: list[tuple[str, str]] = []
        with self._reading() as connection:
            for ids in _chunks(steps):
                query = select(AnswerRow.step_id, AnswerRow.output).where(AnswerRow.step_id.in_(ids))
                found += [(step, text) for step, text in connection.execute(query.order_by(AnswerRow.doc_id))]
        return _grouped(found)

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """What was seen along a step's training, by name and step."""
        found = self._rows(CurvePointRow, CurvePointRow.step_id, [step], lambda row: _of(CurvePointRecord, row))
        return tuple(sorted(found, key=lambda point: (point.name, point.step)))

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        found = self._rows(ArtifactRow, ArtifactRow.step_id, steps, lambda row: (row["step_id"], _of(ArtifactRecord, row)))
        return dict(found)

    def count_steps(self) -> int:
        """How many steps there are."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(StepRow)).scalar_one())

    def rates(self, model: str) -> dict[str, float]:
        """Kind of step -> tokens per second, over this base model's finished steps."""
        with self._reading() as connection:
            query = select(StepRow.kind, StepRow.tokens, StepRow.seconds, StepRow.config)
            rows = connection.execute(query.where(StepRow.status == "done", StepRow.tokens > 0, StepRow.seconds > 0))
            sums: dict[str, list[float]] = {}
            for kind, tokens, seconds, config in rows:
                if config.get("model", {}).get("identity") == model:
                    total = sums.setdefault(kind, [0.0, 0.0])
                    total[0] += tokens
                    total[1] += seconds
        return {kind: tokens / seconds for kind, (tokens, seconds) in sums.items()}

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step of that title."""
        found: dict[str, Mapping[str, Any]] = {}
        with self._reading() as connection:
            for chunk in _chunks(titles):
                query = select(StepRow.title, StepRow.config).where(StepRow.title.in_(chunk), StepRow.status == "done")
                found.update({title: config for title, config in connection.execute(query.order_by(StepRow.finished))})
        return found

    # -- within --------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self.engine.connect().execution_options(write=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection

    def _end(
        self, connection: Connection, step: str, owner: str, status: str, reason: str | None, costs: Costs,
        provenance: Provenance,
    ) -> bool:  # fmt: skip
        mine = and_(StepRow.id == step, StepRow.owner == owner, StepRow.status == "running")
        values = {"status": status, "reason": reason, "finished": _now(), "heartbeat": None}
        given = {**vars(provenance), **vars(costs)}
        return connection.execute(update(StepRow).where(mine).values(**values, **given)).rowcount == 1

    def _rows(self, table: type[Base], key: Any, ids: Sequence[str], make: Callable[[Mapping[str, Any]], Any]) -> list[Any]:
        found: list[Any] = []
        with self._reading() as connection:
            for chunk in _chunks(ids):
                query = select(table.__table__).where(key.in_(chunk))
                found += [make(dict(row)) for row in connection.execute(query).mappings()]
        return found


def _replace_results(connection: Connection, step: str, outcome: StepOutcome) -> None:
    """A step's results, in place of whatever was there."""
    for table in (ScoreRow, AnswerRow, CurvePointRow, ArtifactRow):
        connection.execute(delete(table).where(table.step_id == step))
    artifacts = [outcome.artifact] if outcome.artifact else []
    results = ((ScoreRow, outcome.scores), (AnswerRow, outcome.answers), (CurvePointRow, outcome.curve), (ArtifactRow, artifacts))
    for table, records in results:
        if records:
            rows = [{"step_id": step, **{name: _storable(value) for name, value in vars(record).items()}} for record in records]
            connection.execute(insert(table), rows)


def _storable(value: Any) -> Any:
    """NaN and infinity are no measurement; half characters and NUL, which a model may utter, are no database's text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
    return value


def _insert_new(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose key is not there yet; another process may insert the same ones."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def _is_dead(owner: str | None) -> Any:
    """A condition that holds when the owner was a process of this machine that is no longer there."""
    host, _, rest = (owner or "").partition(":")
    pid = rest.partition(":")[0]
    if os.name != "posix" or host != platform.node() or not pid.isdigit():  # elsewhere, os.kill(…, 0) is no question
        return false()
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return StepRow.owner == owner
    except PermissionError:
        return false()
    return false()


def _step_row(step: StepRecord) -> dict[str, Any]:
    plain = {key: value for key, value in vars(step).items() if key not in ("provenance", "costs", "started", "finished")}
    times = {"started": _time(step.started), "finished": _time(step.finished), "owner": None, "heartbeat": None}
    return {**plain, "config": dict(step.config), **times, **vars(step.provenance), **vars(step.costs)}


def _step(row: Mapping[str, Any]) -> StepRecord:
    provenance, costs = _of(Provenance, row), _of(Costs, row)
    names = ("id", "kind", "title", "config", "status", "reason", "attempts", "imported")
    times = {name: _text(row[name]) for name in ("started", "finished")}
    return StepRecord(**{name: row[name] for name in names}, **times, provenance=provenance, costs=costs)


def _experiment(row: Mapping[str, Any]) -> ExperimentRecord:
    plain = {key: value for key, value in row.items() if key not in ("created", "targets")}
    return ExperimentRecord(**plain, targets=tuple(row["targets"]), created=_text(row["created"]))


def _of(kind: Any, row: Mapping[str, Any]) -> Any:
    return kind(**{name: row[name] for name in kind.__dataclass_fields__})


def _grouped(items: Sequence[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    groups: dict[str, list[Any]] = {}
    for key, value in items:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(value: datetime | None) -> str | None:
    if value is None:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).isoformat()
