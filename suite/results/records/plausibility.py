"""Checks that a record is plausible: that a run can have produced it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np

from suite.core.metrics import names_over, resampled
from suite.results.records.schema import RecordFile, StepPart
from suite.results.store import AnswerRecord, ScoreRecord
from suite.stats.sample import Clusters, sample_of_values

LONGEST: Final = 10 * 366 * 86_400
"""The most seconds that a step may have taken, over all its attempts."""
RELATIVE: Final = 1e-6


def find_implausible(record: RecordFile) -> str | None:
    """The first property of the record that no run can produce; None if there is none."""
    wrong = (f"step '{step.id}' {fault}" for step in record.steps for fault in _impossible(step))
    return next(wrong, None) or next(_differing(record), None)


def _impossible(step: StepPart) -> Iterator[str]:
    if step.attempts < 1:
        yield f"was tried {step.attempts} times, and is done"
    if step.started is None or step.finished is None:
        yield "does not say when it began and ended"
    elif datetime.fromisoformat(step.finished) < datetime.fromisoformat(step.started):
        yield f"ended at {step.finished}, before it began at {step.started}"
    if step.costs.seconds is not None and step.costs.seconds > LONGEST:
        yield f"took {step.costs.seconds:.4g} seconds: more than ten years"
    yield from _wrongly_trained(step) if step.kind == "train" else _wrongly_answered(step)


def _wrongly_trained(step: StepPart) -> Iterator[str]:
    costs, artifact = step.costs, step.artifact
    if step.scores or step.answers:
        yield "is a training, and has answers or scores"
    if artifact is None:
        yield "is a training that left no artifact"
        return
    if costs.artifact_bytes != artifact.bytes:
        yield f"has an artifact of {artifact.bytes} bytes, and says {costs.artifact_bytes}"
    if costs.trained_parameters is None:
        yield "does not say how many parameters were trained"
    for point, following in pairwise(step.curve):
        if point.name == following.name and following.step <= point.step:
            yield f"has '{point.name[:40]}' of step {following.step} after that of step {point.step}"


def _wrongly_answered(step: StepPart) -> Iterator[str]:
    costs, count = step.costs, len(step.answers)
    if step.artifact is not None or costs.artifact_bytes is not None or costs.trained_parameters is not None:
        yield "is an evaluation, and has what training leaves"
    if step.curve:
        yield "is an evaluation, and has a curve of training"
    numbers = [answer.doc_id for answer in step.answers]
    if sorted(numbers) != list(range(count)):
        missing = next((number for number in range(count) if number not in set(numbers)), count)
        yield f"leaves out the document {missing}: its documents are numbered from 0 without a gap"
    limit = step.config.get("documents")
    if isinstance(limit, int) and count > limit:
        yield f"has {count} documents, and was asked for {limit}"
    for score in step.scores:
        if score.n > count:
            yield f"has '{score.metric[:40]}' over {score.n} documents, and {count} were answered"
        if score.primary:
            yield from _wrongly_scored(score, step.answers)


def _wrongly_scored(score: ScoreRecord, answers: Sequence[AnswerRecord]) -> Iterator[str]:
    """Yield a message if a primary score or its standard error does not match the answers."""
    values = [answer.value for answer in answers if answer.value is not None]
    name = score.metric.partition(",")[0]
    if answers and not values:
        if score.value is not None and name in names_over("documents"):
            yield f"is scored by '{name}', which every document has, and none of its answers has one"
        if score.stderr is None and resampled(name) and len({answer.doc_hash for answer in answers}) > 1:
            yield f"has no standard error of its {name}"
        return
    if len(values) < len(answers) or not values:
        return
    expected = _errors(values, Clusters.of([answer.doc_hash for answer in answers]))
    if not any(_equal(score.stderr, stderr) for stderr in expected):
        right = "none" if expected[0] is None else f"{expected[0]:.6g}"
        yield f"has the standard error {score.stderr}, and that of its answers' values is {right}"


def _errors(values: Sequence[float], same: Clusters | None) -> list[float | None]:
    """The standard error of the mean. For repeated documents also that of older versions, which ignored repetition."""
    plain = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    if same is None:
        return [plain]
    return [sample_of_values(np.asarray(values), same).stderr, plain] if same.count > 1 else [None]


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE)


def _differing(record: RecordFile) -> Iterator[str]:
    """Yield a message if two steps evaluated the same task with different documents or metrics."""
    first_steps: dict[tuple[Any, ...], StepPart] = {}
    for step in record.steps:
        config = step.config
        if step.kind != "evaluate" or not config.get("task") or not config.get("data"):
            continue
        first = first_steps.setdefault((config["task"], config["data"], config.get("documents")), step)
        if _documents(first) != _documents(step):
            yield f"the steps '{first.id}' and '{step.id}' answered the same task, and not the same documents"
        metrics = {score.metric for score in first.scores} ^ {score.metric for score in step.scores}
        if metrics:
            yield f"the steps '{first.id}' and '{step.id}' answered the same task, and one has no '{min(metrics)[:40]}'"


def _documents(step: StepPart) -> dict[int, str]:
    return {answer.doc_id: answer.doc_hash for answer in step.answers}
