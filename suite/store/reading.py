"""What can be asked of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, func, select

from suite.hashing import fingerprint
from suite.store.records import (
    AnswerColumns,
    AnswerRecord,
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    ScoreRecord,
    StepLink,
    StepRecord,
)
from suite.store.rows import STEP_FIELDS, chunks, experiment_record, grouped, runs, step_record
from suite.store.session import Session
from suite.store.tables import (
    AnswerRow,
    ArtifactRow,
    Base,
    CurvePointRow,
    ExperimentRow,
    ExperimentStepRow,
    FindingRow,
    ScoreRow,
    StepRow,
)

STEP_COLUMNS = [StepRow.__table__.c[name] for name in STEP_FIELDS]
UNSEEN = ("config", "owner", "heartbeat")
"""Of a step: what its id tells already, and what says nothing of the result."""


class Reading(Session):
    """The store's questions. Everything that is listed has a fixed order."""

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status, for those that are known."""
        found: dict[str, str] = {}
        with self._reading() as connection:
            for ids in chunks(steps):
                query = select(StepRow.id, StepRow.status).where(StepRow.id.in_(ids))
                found.update((name, status) for name, status in connection.execute(query))
        return found

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        query = select(ExperimentRow.__table__).order_by(
            ExperimentRow.track, ExperimentRow.name, ExperimentRow.seed, ExperimentRow.id
        )
        if track is not None:
            query = query.where(ExperimentRow.track == track)
        with self._reading() as connection:
            return tuple(experiment_record(dict(row)) for row in connection.execute(query).mappings())

    def tracks(self) -> tuple[str, ...]:
        """The tracks that anything was run on, by name."""
        with self._reading() as connection:
            return tuple(
                connection.execute(select(ExperimentRow.track).distinct().order_by(ExperimentRow.track)).scalars()
            )

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """An experiment's steps in order."""
        return self.links_of([experiment]).get(experiment, ())

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> its steps in order, for many at once."""
        found = self._records(StepLink, ExperimentStepRow, experiments, "experiment_id")
        return grouped(sorted(found, key=lambda item: (item[0], item[1].position)))

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Steps by id."""
        with self._reading() as connection:
            records = [
                step_record(row)
                for chunk in chunks(ids)
                for row in connection.execute(select(*STEP_COLUMNS).where(StepRow.id.in_(chunk))).all()
            ]
        return {record.id: record for record in records}

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        found = self._records(ScoreRecord, ScoreRow, steps)
        return grouped(sorted(found, key=lambda item: (item[0], not item[1].primary, item[1].metric)))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        found = self._records(AnswerRecord, AnswerRow, [step])
        return tuple(sorted((answer for _, answer in found), key=lambda answer: answer.doc_id))

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; without steps that have none."""
        found: dict[str, AnswerColumns] = {}
        for rows in self._answer_rows(steps, *AnswerColumns.__dataclass_fields__):
            names, *columns, unparsable, truncated = zip(*rows, strict=True)
            columns += [tuple(map(bool, unparsable)), tuple(map(bool, truncated))]  # SQLite's own are 0 and 1
            for step, start, end in runs(names):
                found[step] = AnswerColumns(*(column[start:end] for column in columns))
        return found

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> what the model said, in the documents' order: much less to read than whole answers."""
        found: dict[str, tuple[str, ...]] = {}
        for rows in self._answer_rows(steps, "output"):
            names, outputs = zip(*rows, strict=True)
            found.update((step, outputs[start:end]) for step, start, end in runs(names))
        return found

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> the documents that have scores of their own, in order, and those scores."""
        found: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for rows in self._answer_rows(steps, "doc_id", "value"):
            names, documents, values = zip(*rows, strict=True)
            numbers, scores = np.array(documents, dtype=np.int64), np.array(values, dtype=np.float64)  # null is NaN
            for step, start, end in runs(names):
                known = ~np.isnan(scores[start:end])
                if known.any():
                    found[step] = (numbers[start:end][known], scores[start:end][known])
        return found

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, what was read from the output), in the documents' order."""
        return self._of_answers(steps, "doc_id", "target", "parsed")

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, what was read from the output, how many documents have both)."""
        columns = AnswerRow.__table__.c
        named = (columns.step_id, columns.target, columns.parsed)
        found: dict[str, list[tuple[str, str, int]]] = {}
        with self._reading() as connection:
            for ids in chunks(steps):
                query = select(*named, func.count()).where(columns.step_id.in_(ids)).group_by(*named)
                for step, target, parsed, count in connection.execute(query):
                    found.setdefault(step, []).append((target, parsed, count))
        return {step: tuple(sorted(each)) for step, each in sorted(found.items())}

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self._of_answers(steps, "doc_id", "doc_hash")

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """The same, of those steps alone that have equal documents."""
        columns = AnswerRow.__table__.c
        found: list[str] = []
        with self._reading() as connection:
            for ids in chunks(steps):
                query = select(columns.step_id).where(columns.step_id.in_(ids)).group_by(columns.step_id)
                alike = query.having(func.count(columns.doc_hash.distinct()) < func.count())
                found += connection.execute(alike).scalars()
        return self.documents(sorted(found))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """What was seen along a step's training, by name and step."""
        return self.curves([step]).get(step, ())

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> what was seen along its training, by name and step; without steps of which nothing was."""
        found = self._records(CurvePointRecord, CurvePointRow, steps)
        return grouped(sorted(found, key=lambda item: (item[0], item[1].name, item[1].step)))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> what else it found out about itself."""
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        rows = self._records(FindingRecord, FindingRow, steps)
        for step, finding in sorted(rows, key=lambda item: (item[0], item[1].name)):
            found.setdefault(step, {})[finding.name] = finding.content
        return found

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return dict(self._records(ArtifactRecord, ArtifactRow, steps))

    def marks(self, experiments: Sequence[str]) -> dict[str, str]:
        """Experiment -> a mark that changes with its steps, how they went, their scores and their answers.

        The database joins a step's texts, which is much cheaper than to take up each answer.
        """
        links = self.links_of(experiments)
        ids = list(dict.fromkeys(link.step_id for each in links.values() for link in each))
        shown = [column for column in StepRow.__table__.columns if column.name not in ("id", *UNSEEN)]
        texts: Any = AnswerRow.doc_hash
        for name in ("question", "target", "output", "parsed"):
            texts = texts + "\n" + getattr(AnswerRow, name)
        said = func.aggregate_strings(texts, "\n")
        sums = [func.count(), func.sum(AnswerRow.value), func.sum(AnswerRow.value * AnswerRow.doc_id), said]
        found: dict[str, list[str]] = {}
        with self._reading() as connection:
            for chunk in chunks(ids):
                answers = select(AnswerRow.step_id, *sums).where(AnswerRow.step_id.in_(chunk))
                for query in (
                    select(StepRow.id, *shown).where(StepRow.id.in_(chunk)),
                    select(*ScoreRow.__table__.columns).where(ScoreRow.step_id.in_(chunk)).order_by(ScoreRow.metric),
                    answers.group_by(AnswerRow.step_id),
                ):
                    for step, *numbers, text in _cursor(connection.execute(query)):
                        # the answers' text by itself: it is long, and `repr` would take it up letter by letter
                        known = sha256(repr(numbers).encode("utf-8", "replace"))
                        known.update(str(text).encode("utf-8", "replace"))
                        found.setdefault(step, []).append(known.hexdigest())
        steps = {name: repr(each) for name, each in found.items()}
        return {
            name: fingerprint([[repr(link), steps.get(link.step_id, "")] for link in each])
            for name, each in links.items()
        }

    def count_steps(self) -> int:
        """How many steps there are."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(StepRow)).scalar_one())

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, float]:
        """Sort of step -> tokens per second, over this base model's steps that were finished here.

        `sort` tells it from a step's kind and key: steps of one sort have a common rate.
        """
        query = select(StepRow.kind, StepRow.tokens, StepRow.seconds, StepRow.config).where(
            StepRow.status == "done", StepRow.tokens > 0, StepRow.seconds > 0, StepRow.imported.is_(False)
        )
        sums: dict[str, list[float]] = {}
        with self._reading() as connection:
            for kind, tokens, seconds, config in connection.execute(query):
                if config.get("model", {}).get("identity") == model:
                    total = sums.setdefault(sort(kind, config), [0.0, 0.0])
                    total[0] += tokens
                    total[1] += seconds
        return {kind: tokens / seconds for kind, (tokens, seconds) in sums.items()}

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step of that title."""
        found: dict[str, Mapping[str, Any]] = {}
        with self._reading() as connection:
            for chunk in chunks(titles):
                query = select(StepRow.title, StepRow.config).where(StepRow.title.in_(chunk), StepRow.status == "done")
                rows = connection.execute(query.order_by(StepRow.finished, StepRow.id))
                found.update((title, config) for title, config in rows)
        return found

    def _of_answers(self, steps: Sequence[str], *names: str) -> dict[str, tuple[Any, ...]]:
        """Step id -> some columns of its answers, in the documents' order."""
        found: dict[str, tuple[Any, ...]] = {}
        for rows in self._answer_rows(steps, *names):
            for step, start, end in runs([row[0] for row in rows]):
                found[step] = tuple(tuple(row[1:]) for row in rows[start:end])
        return found

    def _answer_rows(self, steps: Sequence[str], *names: str) -> Iterator[Sequence[Any]]:
        """Rows of (step id, columns …) by step and document, some steps at a time."""
        columns = AnswerRow.__table__.c
        wanted = select(columns.step_id, *(columns[name] for name in names))
        with self._reading() as connection:
            for ids in chunks(steps):
                query = wanted.where(columns.step_id.in_(ids)).order_by(columns.step_id, columns.doc_id)
                # the driver's own rows: a store has millions of answers, and wrapping each costs as much as reading it
                rows = _cursor(connection.execute(query)).fetchall()
                if rows:
                    yield rows

    def _records(self, kind: Any, table: type[Base], ids: Sequence[str], key: str = "step_id") -> list[tuple[str, Any]]:
        """(Id, record) of the rows of a table that have some ids as their key."""
        columns = table.__table__.c  # the table's own: a mapped class's cost more with every query
        wanted = [columns[key], *(columns[name] for name in kind.__dataclass_fields__)]
        found: list[tuple[str, Any]] = []
        with self._reading() as connection:
            for chunk in chunks(ids):
                rows = connection.execute(select(*wanted).where(columns[key].in_(chunk))).all()
                found += [(row[0], kind(*row[1:])) for row in rows]
        return found


def _cursor(result: CursorResult[Any]) -> Any:
    assert result.cursor is not None
    return result.cursor
