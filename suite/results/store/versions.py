"""Versions of an experiment's stored parts: each changes whenever reading the part gives something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Numeric, Select, Text, case, cast, func, select

from suite.results.store.mapping import chunks
from suite.results.store.records import StepLink
from suite.results.store.tables import (
    AnswerRow,
    ArtifactRow,
    CurvePointRow,
    ExperimentRow,
    FindingRow,
    ScoreRow,
    StepRow,
)

OF_STEPS: Final = ("step", "scores", "answers", "curve", "findings", "artifact")
"""The parts that belong to an experiment's steps."""
UNSEEN: Final = ("owner", "heartbeat", "created")
"""Columns that versions ignore: step records lack two of them; `created` changes at each read of published records."""


def versions_of(connection: Connection, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
    """Experiment -> part -> its version. `links` are the experiments' own; they are one of the parts."""
    records: dict[str, str] = {}
    for ids in chunks(list(links)):
        columns = [column for column in ExperimentRow.__table__.c if column.name not in UNSEEN]
        records |= _versions(connection, select(*columns).where(ExperimentRow.id.in_(ids)))
    of_steps = _step_versions(connection, [link.step_id for of_experiment in links.values() for link in of_experiment])
    versions: dict[str, dict[str, str]] = {}
    for name, own in links.items():
        versions[name] = {"experiment": records.get(name, ""), "links": _version(repr(own))}
        for part, by_step in of_steps.items():
            versions[name][part] = _version("\n".join(by_step.get(link.step_id, "") for link in own))
    return versions


def _step_versions(connection: Connection, steps: Sequence[str]) -> dict[str, dict[str, str]]:
    """Part -> step -> its version, for steps that have the part."""
    versions: dict[str, dict[str, str]] = {part: {} for part in OF_STEPS}
    for ids in chunks(steps):
        for part, query in zip(OF_STEPS, _queries(ids), strict=True):
            versions[part] |= _versions(connection, query)
    return versions


def _queries(ids: Sequence[str]) -> Iterator[Select[Any]]:
    """Yield a query for each part of these steps. The step id is the first column."""
    step, answer = StepRow.__table__.c, AnswerRow.__table__.c
    columns = [column for column in step if column.name not in ("id", *UNSEEN)]
    yield select(step.id, *columns).where(step.id.in_(ids))
    yield _ordered(ScoreRow, ids)
    # the database joins a step's answers, which is much cheaper than reading each
    joined = func.aggregate_strings(_text_of_answer(), "\n")
    yield (
        select(answer.step_id, func.count(), func.sum(answer.value), joined)
        .where(answer.step_id.in_(ids))
        .group_by(answer.step_id)
    )
    for table in (CurvePointRow, FindingRow, ArtifactRow):
        yield _ordered(table, ids)


def _ordered(table: Any, ids: Sequence[str]) -> Select[Any]:
    columns, key = table.__table__.c, table.__table__.primary_key
    return select(*columns).where(columns.step_id.in_(ids)).order_by(*key)


def _text_of_answer() -> ColumnElement[str]:
    """All fields of an answer as one text. The texts' lengths mark where each ends, whatever the texts contain."""
    columns = AnswerRow.__table__.c
    marks = case((columns.unparsable, 2), else_=0) + case((columns.truncated, 1), else_=0)
    # exact in any database: integers of some databases would overflow for a long text
    question, target = (cast(func.length(column), Numeric(40, 0)) for column in (columns.question, columns.target))
    ends = cast(question * 10**12 + target * 10**6 + func.length(columns.output), Text)
    # most values are one of these two, and writing a float is expensive
    other = func.coalesce(cast(columns.value, Text), "")
    value: Any = case((columns.value == 100, "r"), (columns.value == 0, "w"), else_=other)
    text_of_answer: Any = cast(columns.doc_id * 4 + marks, Text) + " " + ends + " " + value
    for name in ("doc_hash", "prompt_hash", "question", "target", "output", "parsed"):
        text_of_answer = text_of_answer + " " + columns[name]
    text: ColumnElement[str] = text_of_answer
    return text


def _versions(connection: Connection, query: Select[Any]) -> dict[str, str]:
    """Id (a row's first value) -> a hash of its rows in their order."""
    hashes: dict[str, Any] = {}
    cursor = connection.execute(query).cursor
    assert cursor is not None
    for key, *values, last in cursor.fetchall():
        # a long text comes last and separately: `repr` would process it character by character
        hash_ = hashes.setdefault(key, sha256())
        hash_.update(repr(values).encode("utf-8", "replace"))
        hash_.update(f"{type(last).__name__} {last}\n".encode("utf-8", "replace"))
    return {key: hash_.hexdigest() for key, hash_ in hashes.items()}


def _version(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
