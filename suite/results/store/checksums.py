"""Checksums of stored data: a row that was changed after it was written is noticed when it is read.

Each checksum is BLAKE2b over canonical JSON; for answers, over a column in the documents' order. It is therefore the
same in every database, whatever the order of rows. Checksums are computed from the data that the database returns, in
the transaction that writes the results. Data that an older version stored has no checksums and cannot be checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from suite.core.hashing import canonical
from suite.results.store.mapping import STEP_FIELDS, experiment_record, record_of, step_record
from suite.results.store.records import (
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    ScoreRecord,
    StepLink,
    StepRecord,
)
from suite.results.store.tables import (
    AnswerRow,
    ArtifactRow,
    Base,
    ChecksumRow,
    CurvePointRow,
    ExperimentChecksumRow,
    ExperimentRow,
    ExperimentStepRow,
    FindingRow,
    ScoreRow,
    StepRow,
)

RESULTS: Final[Mapping[str, tuple[type[Base], Any]]] = {
    "scores": (ScoreRow, ScoreRecord), "curve": (CurvePointRow, CurvePointRecord),
    "findings": (FindingRow, FindingRecord), "artifact": (ArtifactRow, ArtifactRecord),
}  # fmt: skip
"""Tables that are checked by rows: name of the checksum -> (table, record type of a row)."""
COLUMNS: Final = tuple(column.name for column in AnswerRow.__table__.columns if column.name != "step_id")
"""The columns of answers, which are checked column by column."""
ADDED: Final = ("device_name", "precision", "threads")
"""Fields of a step that older steps lack: where they are missing, the checksum is that without them."""
_NUMBERS: Final = {"value": "<f8", "doc_id": "<i8", "unparsable": "<i8", "truncated": "<i8"}


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def of_value(value: Any) -> str:
    """The checksum of data that JSON can hold."""
    return _digest(canonical(value).encode("utf-8", "surrogatepass"))


def of_records(records: Sequence[Any]) -> str:
    """The checksum of records of one kind, in any order."""
    rows = [list(vars(record).values()) for record in records]
    return of_value(sorted(rows, key=canonical) if len(rows) > 1 else rows)


def of_column(name: str, values: Sequence[Any]) -> str:
    """The checksum of a column of a step's answers, in the documents' order."""
    if name in _NUMBERS:
        return _digest((np.array(values, dtype=_NUMBERS[name]) + 0).tobytes())  # + 0: SQLite cannot store -0.0
    return _digest("\0".join(values).encode("utf-8", "surrogatepass"))  # texts are stored without NUL


def of_step(step: StepRecord) -> str:
    """The checksum of a step's own row."""
    nested = {**vars(step.provenance), **vars(step.costs)}
    values = {name: nested[name] if name in nested else getattr(step, name) for name in STEP_FIELDS}
    added = {name: value for name in ADDED if (value := values.pop(name)) is not None}
    return of_value([*values.values(), *([added] if added else [])])


def of_tallies(tallies: Sequence[tuple[str, str, int]]) -> str:
    """The checksum of (right answer, parsed answer, number of documents) triples, in any order."""
    return of_value(sorted(tallies))


def of_experiment(record: ExperimentRecord) -> str:
    """The checksum of an experiment's own row."""
    return of_value(list(vars(record).values()))


def seal_step(connection: Connection, step: str) -> None:
    """Store the checksums of a finished step, computed from the current rows."""
    columns = StepRow.__table__.c
    row = connection.execute(select(*(columns[name] for name in STEP_FIELDS)).where(columns.id == step)).one()
    checksums = {"step": of_step(step_record(row))}
    for name, (table, kind) in RESULTS.items():
        rows = connection.execute(select(table.__table__).where(table.__table__.c.step_id == step)).mappings()
        checksums[name] = of_records([record_of(kind, dict(row)) for row in rows])
    connection.execute(delete(ChecksumRow).where(ChecksumRow.step_id == step))
    connection.execute(insert(ChecksumRow), [{"step_id": step, **checksums, **_of_answers(connection, step)}])


def _of_answers(connection: Connection, step: str) -> dict[str, Any]:
    answers = AnswerRow.__table__.c
    query = select(*(answers[name] for name in COLUMNS)).where(answers.step_id == step).order_by(answers.doc_id)
    rows = connection.execute(query).all()
    by_name = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
    pairs = Counter(zip(by_name["target"], by_name["parsed"], strict=True))
    return {
        **{name: of_column(name, values) for name, values in by_name.items()},
        "tallies": of_tallies([(target, parsed, count) for (target, parsed), count in pairs.items()]),
        "documents": len(set(by_name["doc_hash"])),
    }


def seal_experiment(connection: Connection, experiment: str) -> None:
    """Store the checksums of an experiment and its links, computed from the current rows."""
    query = select(ExperimentRow.__table__).where(ExperimentRow.id == experiment)
    record = experiment_record(dict(connection.execute(query).mappings().one()))
    linked = select(ExperimentStepRow.__table__).where(ExperimentStepRow.experiment_id == experiment)
    links = [record_of(StepLink, dict(row)) for row in connection.execute(linked).mappings()]
    connection.execute(delete(ExperimentChecksumRow).where(ExperimentChecksumRow.experiment_id == experiment))
    row = {"track": record.track, "experiment": of_experiment(record), "links": of_records(links)}
    connection.execute(insert(ExperimentChecksumRow), [{"experiment_id": experiment, **row}])
