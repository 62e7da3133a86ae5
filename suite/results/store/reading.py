"""The store's queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, func, select

from suite.core.devices import device_class
from suite.results.store.checked import UNFINISHED, Checked, of_records_in, records_of
from suite.results.store.checksums import of_step, of_tallies
from suite.results.store.mapping import STEP_FIELDS, chunks, experiment_record, grouped, runs, step_record
from suite.results.store.records import (
    AnswerColumns,
    AnswerRecord,
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    ScoreRecord,
    StepLink,
    StepRecord,
)
from suite.results.store.tables import (
    AnswerRow,
    ExperimentChecksumRow,
    ExperimentRow,
    ExperimentStepRow,
    StepRow,
)
from suite.results.store.versions import versions_of

STEP_COLUMNS = [StepRow.__table__.c[name] for name in STEP_FIELDS]


class Reading(Checked):
    """The store's queries. All lists have a fixed order."""

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status; unknown steps are left out."""
        statuses: dict[str, str] = {}
        with self._reading() as connection:
            for ids in chunks(steps):
                query = select(StepRow.id, StepRow.status).where(StepRow.id.in_(ids))
                statuses.update((name, status) for name, status in connection.execute(query))
        return statuses

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        query = select(ExperimentRow.__table__).order_by(
            ExperimentRow.track, ExperimentRow.name, ExperimentRow.seed, ExperimentRow.id
        )
        if track is not None:
            query = query.where(ExperimentRow.track == track)
        with self._reading() as connection:
            records = tuple(experiment_record(dict(row)) for row in connection.execute(query).mappings())
            self._verify_experiments(connection, records, track)
        return records

    def tracks(self) -> tuple[str, ...]:
        """The tracks that have any experiment, by name."""
        with self._reading() as connection:
            query = select(ExperimentRow.track).distinct().order_by(ExperimentRow.track)
            tracks = tuple(connection.execute(query).scalars())
            sealed = select(ExperimentChecksumRow.experiment_id).where(ExperimentChecksumRow.track.not_in(tracks))
            self.changed |= dict.fromkeys((experiment, "track") for experiment in connection.execute(sealed).scalars())
        return tracks

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """The links to an experiment's steps, in order."""
        return self.links_of([experiment]).get(experiment, ())

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> the links to its steps, in order; for many experiments at once."""
        links: dict[str, tuple[StepLink, ...]] = {}
        with self._reading() as connection:
            for ids in chunks(experiments):
                rows = records_of(connection, StepLink, ExperimentStepRow, ids, "experiment_id")
                chunk = grouped(sorted(rows, key=lambda item: (item[0], item[1].position)))
                self._verify(connection, ids, links=partial(of_records_in, chunk))
                links |= chunk
        return dict(sorted(links.items()))

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Step id -> step."""
        records: dict[str, StepRecord] = {}
        with self._reading() as connection:
            for chunk in chunks(ids):
                rows = connection.execute(select(*STEP_COLUMNS).where(StepRow.id.in_(chunk))).all()
                of_chunk = {record.id: record for record in map(step_record, rows)}
                ended = [step for step in chunk if step not in of_chunk or of_chunk[step].status not in UNFINISHED]
                self._verify(connection, ended, step=partial(_of_step, of_chunk))
                records |= of_chunk
        return records

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        scores = self._results("scores", steps)
        return grouped(sorted(scores, key=lambda item: (item[0], not item[1].primary, item[1].metric)))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        for _, columns in self._answer_columns([step], *AnswerRecord.__dataclass_fields__):
            *fields, unparsable, truncated = columns
            records = zip(*fields, map(bool, unparsable), map(bool, truncated), strict=True)
            return tuple(AnswerRecord(*values) for values in records)
        return ()

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; steps without answers are left out."""
        answers: dict[str, AnswerColumns] = {}
        for step, columns in self._answer_columns(steps, *AnswerColumns.__dataclass_fields__):
            marks: list[Any] = [tuple(map(bool, column)) for column in columns[-2:]]  # SQLite returns 0 and 1
            answers[step] = AnswerColumns(*columns[:-2], *marks)
        return answers

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> the model's completions, in the documents' order. Reads much less than whole answers."""
        return {step: outputs for step, (outputs,) in self._answer_columns(steps, "output")}

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> (documents that have a score of their own, their scores), in the documents' order."""
        values_by_step: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for step, (documents, values) in self._answer_columns(steps, "doc_id", "value"):
            numbers, scores = np.array(documents, dtype=np.int64), np.array(values, dtype=np.float64)  # null is NaN
            scored = ~np.isnan(scores)
            if scored.any():
                values_by_step[step] = (numbers[scored], scores[scored])
        return values_by_step

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, answer parsed from the output), in the documents' order."""
        return self._of_answers(steps, "doc_id", "target", "parsed")

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, answer parsed from the output, number of documents with both)."""
        columns = AnswerRow.__table__.c
        named = (columns.step_id, columns.target, columns.parsed)
        tallies: dict[str, list[tuple[str, str, int]]] = {}
        with self._reading() as connection:
            for ids in chunks(steps):
                query = select(*named, func.count()).where(columns.step_id.in_(ids)).group_by(*named)
                of_chunk: dict[str, list[tuple[str, str, int]]] = {}
                for step, target, parsed, count in connection.execute(query):
                    of_chunk.setdefault(step, []).append((target, parsed, count))
                self._verify(connection, ids, tallies=partial(_of_tallies, of_chunk))
                tallies |= of_chunk
        return {step: tuple(sorted(counts)) for step, counts in sorted(tallies.items())}

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self._of_answers(steps, "doc_id", "doc_hash")

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), only for steps that have equal documents."""
        columns = AnswerRow.__table__.c
        with_repeats: list[str] = []
        with self._reading() as connection:
            for ids in chunks(steps):
                counts = (func.count(columns.doc_hash.distinct()), func.count())
                query = select(columns.step_id, *counts).where(columns.step_id.in_(ids)).group_by(columns.step_id)
                rows = connection.execute(query).all()
                distinct = {step: names for step, names, _ in rows}
                self._verify(connection, ids, documents=partial(_count, distinct))
                with_repeats += [step for step, names, answers in rows if names < answers]
        return self.documents(sorted(with_repeats))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """The curves of a step's training, by name and step."""
        return self.curves([step]).get(step, ())

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        points = self._results("curve", steps)
        return grouped(sorted(points, key=lambda item: (item[0], item[1].name, item[1].step)))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> finding: other facts that the step recorded about itself."""
        findings: dict[str, dict[str, Mapping[str, Any]]] = {}
        rows = self._results("findings", steps)
        for step, finding in sorted(rows, key=lambda item: (item[0], item[1].name)):
            findings.setdefault(step, {})[finding.name] = finding.content
        return findings

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return dict(self._results("artifact", steps))

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> stored part -> its version, which changes whenever reading the part gives something else.

        `links` are the experiments' own, as `links_of` returns them; the parts are `PARTS`.
        """
        with self._reading() as connection:
            return versions_of(connection, links)

    def step_ids(self) -> tuple[str, ...]:
        """The ids of all steps, in order."""
        with self._reading() as connection:
            return tuple(connection.execute(select(StepRow.id).order_by(StepRow.id)).scalars())

    def count_steps(self) -> int:
        """The number of steps."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(StepRow)).scalar_one())

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[tuple[str | None, str], float]:
        """(class of device, kind of step) -> tokens per second, over this base model's steps that finished here.

        `sort` maps a step's kind and key to the name of its rate.
        """
        query = select(
            StepRow.kind, StepRow.tokens, StepRow.seconds, StepRow.config, StepRow.device, StepRow.device_name
        ).where(StepRow.status == "done", StepRow.tokens > 0, StepRow.seconds > 0, StepRow.imported.is_(False))
        sums: dict[tuple[str | None, str], list[float]] = {}
        with self._reading() as connection:
            for kind, tokens, seconds, config, device, name in connection.execute(query):
                if config.get("model", {}).get("identity") == model:
                    total = sums.setdefault((device_class(device, name), sort(kind, config)), [0.0, 0.0])
                    total[0] += tokens
                    total[1] += seconds
        return {kind: tokens / seconds for kind, (tokens, seconds) in sums.items()}

    def artifact_sizes(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, tuple[int, int]]:
        """Shape of a train step (`sort`) -> bytes of its artifact and trained parameters, for steps of a base model."""
        query = select(StepRow.kind, StepRow.config, StepRow.artifact_bytes, StepRow.trained_parameters).where(
            StepRow.status == "done", StepRow.artifact_bytes > 0, StepRow.trained_parameters > 0
        )
        with self._reading() as connection:
            return {
                sort(kind, config): (size, trained)
                for kind, config, size, trained in connection.execute(query.order_by(StepRow.id))
                if config.get("model", {}).get("identity") == model
            }

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step with that title."""
        keys: dict[str, Mapping[str, Any]] = {}
        with self._reading() as connection:
            for chunk in chunks(titles):
                query = select(StepRow.title, StepRow.config).where(StepRow.title.in_(chunk), StepRow.status == "done")
                rows = connection.execute(query.order_by(StepRow.finished, StepRow.id))
                keys.update((title, config) for title, config in rows)
        return keys

    def _of_answers(self, steps: Sequence[str], *names: str) -> dict[str, tuple[Any, ...]]:
        """Step id -> some columns of its answers, in the documents' order."""
        return {step: tuple(zip(*columns, strict=True)) for step, columns in self._answer_columns(steps, *names)}

    def _answer_columns(self, steps: Sequence[str], *names: str) -> Iterator[tuple[str, Sequence[Any]]]:
        """Yield (step id, columns of its answers in the documents' order), for steps with answers."""
        columns = AnswerRow.__table__.c
        selected = select(columns.step_id, *(columns[name] for name in names))
        with self._reading() as connection:
            for ids in chunks(steps):
                query = selected.where(columns.step_id.in_(ids)).order_by(columns.step_id, columns.doc_id)
                # the driver's own rows: a store has millions of answers, and wrapping each costs as much as reading it
                rows = _cursor(connection.execute(query)).fetchall()
                of_steps, *by_column = zip(*rows, strict=True) if rows else ((),)
                by_step = {step: [column[start:end] for column in by_column] for step, start, end in runs(of_steps)}
                self._verify_answers(connection, ids, names, by_step)
                yield from by_step.items()


def _of_step(records: Mapping[str, StepRecord], step: str) -> str:
    return of_step(records[step]) if step in records else ""


def _of_tallies(tallies: Mapping[str, Sequence[tuple[str, str, int]]], step: str) -> str:
    return of_tallies(tallies.get(step, ()))


def _count(counts: Mapping[str, int], step: str) -> int:
    return counts.get(step, 0)


def _cursor(result: CursorResult[Any]) -> Any:
    assert result.cursor is not None
    return result.cursor
