"""Lenient scores, from stored answers: what a model's answers say, in whatever form, beside the score that counts.

A document is right if its score has full marks, or if the lenient reading finds a right answer in the output. A task
without a reading of its own may have a second filter pipeline (lm-eval's `flexible-extract`); then its stored score is
the lenient one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite import stats
from suite.analysis.board.documents import FULL
from suite.analysis.board.formats import part_of_shares
from suite.analysis.board.schema import LenientScore
from suite.core.corpus import references_of
from suite.core.lenient import LenientReading, lenient_reading
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.results.store.records import AnswerColumns, StepRecord
from suite.stats import Clusters, Estimate, Parts
from suite.stats.sample import Numbers

Key = tuple[str, int]
"""(role, shots)"""
_Stored = tuple[float | None, float | None]
"""A stored score and its standard error."""


@dataclass(frozen=True, eq=False)
class _Read:
    """The answers of an evaluation, read twice."""

    names: tuple[str, ...]
    """Hashes of the documents."""
    strict: Numbers
    """Scores of the documents, 0 to 1."""
    lenient: Numbers


def lenient_scores(
    store: ResultsReader, members: Sequence[ExperimentResults], keys: Sequence[Key], base: ExperimentResults | None
) -> dict[Key, LenientScore]:
    """The lenient scores of a row; `base` is the pretrained model's experiment, None for itself."""
    roles = members[0].record.spec["roles"]
    readings = {key: reading for key in keys if (reading := lenient_reading(roles.get(key[0], {})))}
    done = {key: [step.id for member in members if (step := _done(member, key))] for key in readings}
    steps = {key: ids for key, ids in done.items() if len(ids) == len(members)}
    controls = {key: control for key in steps if base and (control := _control(members[0], base, key))}
    wanted = dict.fromkeys([*(step for ids in steps.values() for step in ids), *controls.values()])
    columns = store.answer_columns(list(wanted)) if wanted else {}
    scores: dict[Key, LenientScore] = {}
    for key, ids in steps.items():
        answers = [_read(columns[step], readings[key]) for step in dict.fromkeys(ids) if step in columns]
        found = _score(readings[key], answers, len(set(ids)))
        if found is not None:
            base_columns = columns.get(controls.get(key, ""))
            gain = None if base_columns is None else _format_gain(answers, _read(base_columns, readings[key]))
            scores[key] = LenientScore(readings[key].title, found, gain)
    return {**_of_pipelines(members, [key for key in keys if key not in readings]), **scores}


def _done(member: ExperimentResults, key: Key) -> StepRecord | None:
    """The evaluation of a task, once it is finished."""
    step = member.step(*key)
    return step if step is not None and step.status == "done" else None


def _control(member: ExperimentResults, base: ExperimentResults, key: Key) -> str | None:
    """The pretrained model's evaluation with the same questions; None without one."""
    own, step = member.step(*key), _done(base, key)
    if own is None or step is None:
        return None
    same = {**own.config, "stack": None, "dispatch": None} == {**step.config, "stack": None, "dispatch": None}
    return step.id if same else None


def _read(columns: AnswerColumns, reading: LenientReading) -> _Read | None:
    """The answers of an evaluation; None if right answers or scores of documents are not stored."""
    if not any(columns.target) or any(value is None for value in columns.value):
        return None
    strict = np.array(columns.value, dtype=np.float64) / FULL
    right = np.array(
        [
            reading.is_right(output, references_of(target))
            for output, target in zip(columns.output, columns.target, strict=True)
        ],
        dtype=np.float64,
    )
    return _Read(columns.doc_hash, strict, np.maximum(strict, right))


def _score(reading: LenientReading, answers: Sequence[_Read | None], evaluations: int) -> Estimate | None:
    read = [each for each in answers if each is not None]
    if not read or len(read) < evaluations or len({each.names for each in read}) > 1:
        return None
    part = part_of_shares(np.array([each.lenient for each in read]), Clusters.of(read[0].names), stats.PERCENT)
    return stats.estimates([Parts.of(part)])[0]


def _format_gain(answers: Sequence[_Read | None], base: _Read | None) -> Estimate | None:
    """Right answers in another form that the base has and the row has not, as points of the change."""
    read = [each for each in answers if each is not None]
    if base is None or any(each.names != base.names for each in read):
        return None
    hidden = np.array([(base.lenient - base.strict) - (each.lenient - each.strict) for each in read])
    part = part_of_shares(hidden, Clusters.of(base.names), (-FULL, FULL))
    return stats.estimates([Parts.of(part)])[0]


def _of_pipelines(members: Sequence[ExperimentResults], keys: Sequence[Key]) -> dict[Key, LenientScore]:
    """Stored scores of the primary metric by another filter pipeline, for the tasks that have one."""
    scores: dict[Key, LenientScore] = {}
    for key in keys:
        primary = members[0].primary(*key)
        if primary is None or "," not in primary.metric:
            continue
        metric = primary.metric.partition(",")[0]
        by_seed = [_other_pipelines(member, key, metric) for member in members]
        pipeline = next(iter(by_seed[0]), None)
        values = [of_seed[pipeline] for of_seed in by_seed if pipeline in of_seed] if pipeline else []
        measured = [value for value, _ in values if value is not None]
        if pipeline and len(measured) == len(members):
            errors = [error for _, error in values]
            estimate = stats.of_stderrs(measured, errors, float(primary.n), stats.scale_of(primary.metric))
            scores[key] = LenientScore(f"what the filters '{pipeline}' read", estimate)
    return scores


def _other_pipelines(member: ExperimentResults, key: Key, metric: str) -> Mapping[str, _Stored]:
    """Pipeline -> the metric's score and standard error, without the pipeline that counts."""
    step = member.step(*key)
    found = member.scores.get(step.id, ()) if step else ()
    parts = [(score.metric.partition(","), score) for score in found if not score.primary]
    return {
        pipeline: (score.value, score.stderr) for (name, comma, pipeline), score in parts if comma and name == metric
    }
