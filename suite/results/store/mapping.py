"""Converts between database rows and the records that the rest of the program uses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from suite.results.store.records import Costs, ExperimentRecord, Provenance, StepLink, StepRecord

STEP_FIELDS = (
    "id", "kind", "title", "config", "status", "reason", "attempts", "started", "finished", "imported",
    *Provenance.__dataclass_fields__, *Costs.__dataclass_fields__,
)  # fmt: skip
"""The columns of a step's record."""
_PROVENANCE_FIELDS = len(Provenance.__dataclass_fields__)
CHUNK = 500  # SQLite binds at most 32,766 values in a statement


def experiment_row(record: ExperimentRecord) -> dict[str, Any]:
    """A new row for an experiment."""
    plain = {**vars(record), "targets": list(record.targets), "spec": dict(record.spec)}
    return {**plain, "created": moment(record.created) or now()}


def experiment_record(row: Mapping[str, Any]) -> ExperimentRecord:
    """The experiment of a row."""
    plain = {key: value for key, value in row.items() if key not in ("created", "targets")}
    return ExperimentRecord(**plain, targets=tuple(row["targets"]), created=_text(row["created"]))


def link_row(experiment: str, link: StepLink) -> dict[str, Any]:
    """A new row for a step's part in an experiment."""
    return {"experiment_id": experiment, **vars(link)}


def step_row(step: StepRecord) -> dict[str, Any]:
    """A new row for a step that no process works on."""
    plain = {
        key: value for key, value in vars(step).items() if key not in ("provenance", "costs", "started", "finished")
    }
    times = {"started": moment(step.started), "finished": moment(step.finished), "owner": None, "heartbeat": None}
    return {**plain, "config": dict(step.config), **times, **vars(step.provenance), **vars(step.costs)}


def step_record(row: Sequence[Any]) -> StepRecord:
    """The step of a row that has the columns of STEP_FIELDS."""
    name, kind, title, config, status, reason, attempts, started, finished, imported, *nested = row
    provenance, costs = Provenance(*nested[:_PROVENANCE_FIELDS]), Costs(*nested[_PROVENANCE_FIELDS:])
    return StepRecord(
        name,
        kind,
        title,
        config,
        status,
        reason,
        attempts,
        _text(started),
        _text(finished),
        provenance,
        costs,
        imported,
    )


def record_of(kind: Any, row: Mapping[str, Any]) -> Any:
    """A dataclass, filled from the row's columns with its fields' names."""
    return kind(**{name: row[name] for name in kind.__dataclass_fields__})


def grouped(items: Sequence[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Key -> its values, in their order."""
    groups: dict[str, list[Any]] = {}
    for key, value in items:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


def runs(names: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (name, start, end) for each run of equal names."""
    start = 0
    while start < len(names):
        end = bisect_right(names, names[start], start) if names[start] != names[-1] else len(names)
        yield names[start], start, end
        start = end


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the distinct ids, in groups that fit into one statement."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


def now() -> datetime:
    """The current time in UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def moment(text: str | None) -> datetime | None:
    """The time of an ISO 8601 text in UTC: SQLite stores no time zone."""
    return None if text is None else utc(datetime.fromisoformat(text))


def _text(value: datetime | None) -> str | None:
    return None if value is None else utc(value).isoformat()


def utc(value: datetime) -> datetime:
    """The same time in UTC; a time without a zone is taken as UTC, since SQLite stores no time zone."""
    return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
