"""Checks a record: its types, its hash, its ids and its totals."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from suite.core import diagnostics
from suite.core.errors import SuiteError
from suite.core.hashing import experiment_id, fingerprint, variant_id
from suite.core.words import can_split, tokenizer_of
from suite.results.record_bundles import RecordName
from suite.results.records import corpora
from suite.results.records.completeness import find_incomplete, out_of_range
from suite.results.records.consistency import find_inconsistent
from suite.results.records.plausibility import find_implausible
from suite.results.records.schema import SCHEMA, RecordFile, StepPart
from suite.results.records.writing import record_hash
from suite.results.store import AnswerRecord, ScoreRecord

TOLERANCE = 1e-6
BESIDE = ("file", "variant", "sets", "origin")
"""Fields of a spec that its id does not depend on."""


def checked_record(where: str, text: str, named: RecordName | None = None) -> RecordFile:
    """Read and check a record's text; `where` is its place, for messages, and `named` what its bundle calls it.

    Raises SuiteError with one line if it is none or fails a check.
    """
    try:
        content = json.loads(text, object_pairs_hook=_each_once)
        if not isinstance(content, dict) or "schema_version" not in content:
            raise SuiteError("is not a record of `suite export`", where=where)
        version = content["schema_version"]
        if type(version) is not int or version < 1:
            what = f"has the record schema {str(version)[:20]!r}, which there never was"
            raise SuiteError(what, where=where, fix="export it again where it was made")
        if version > SCHEMA:
            what = f"was written by a newer version of suite (record schema {version}, this one knows {SCHEMA})"
            raise SuiteError(what, where=where, fix="upgrade finetune-suite")
        digest = record_hash(content)
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"is not JSON ({error})", where=where) from None
    record = parsed_record(where, text)
    wrong = "its content does not have the hash it states" if digest != record.sha256 else _wrong(record)
    if not wrong and named not in (None, RecordName.of(record.experiment)):
        wrong = "its bundle gives it another name"
    if wrong:
        raise SuiteError(f"is refused: {wrong}", where=where, fix="export it again where it was made")
    return record


def parsed_record(where: str, text: str) -> RecordFile:
    """Read a record's text without checking what it says: of records that come with this program and its tests check.

    Raises SuiteError with one line if it is none.
    """
    try:
        return RecordFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise SuiteError(f"is not a record: {path}: {first['msg']}", where=where) from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object as a dictionary. Raises ValueError for a duplicate key: readers differ in which value they take."""
    unique = dict(pairs)
    if len(unique) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return unique


def _wrong(record: RecordFile) -> str | None:
    """The first inconsistency in a record; None if there is none."""
    experiment, kinds = record.experiment, {step.id: step.kind for step in record.steps}
    spec = experiment.spec
    resolved = {key: value for key, value in spec.items() if key not in BESIDE}
    stated = (
        spec["name"],
        spec["track"]["name"],
        spec["seed"],
        spec["method"]["name"],
        spec["targets"],
        spec["source"],
    )
    if stated != (
        experiment.name,
        experiment.track,
        experiment.seed,
        experiment.method,
        list(experiment.targets),
        experiment.source,
    ):
        return "its name, track, seed, method, targets or source are not those of its spec"
    if experiment.id != experiment_id(resolved) or spec["variant"] != variant_id(resolved):
        return "its id is not the fingerprint of its spec"
    if len(kinds) < len(record.steps) or _repeated(link.position for link in record.links):
        return "it lists a step or a link twice"
    for link in record.links:
        if kinds.get(link.step_id) != link.part:
            return f"it links to the step '{link.step_id}', which is not in it as '{link.part}'"
    if {link.step_id for link in record.links} != set(kinds):
        return "it holds a step that it does not link to"
    wrong = find_incomplete(record) or out_of_range(record)
    wrong = wrong or next((f"step '{step.id}': {fault}" for step in record.steps if (fault := _wrong_step(step))), None)
    return wrong or find_inconsistent(record) or find_implausible(record)


def _wrong_step(step: StepPart) -> str | None:
    if step.id != fingerprint(step.config) or step.config.get("kind") != step.kind:
        return "its id is not the fingerprint of its config"
    if _repeated(score.metric for score in step.scores) or _repeated(answer.doc_id for answer in step.answers):
        return "it has a metric or a document twice"
    if _repeated((point.name, point.step) for point in step.curve):
        return "it has a point of a curve twice"
    for record in step.findings:
        try:
            finding = diagnostics.read(record.name, record.content)
        except ValueError as error:
            return f"its finding '{record.name}' is not one ({_why(error)})"
        if isinstance(finding, diagnostics.RoutingReport) and len(finding.of_documents) != len(step.answers):
            return f"its dispatch is of {len(finding.of_documents)} documents, and {len(step.answers)} were answered"
        most = max((count.tried for count in diagnostics.counts(finding)), default=0)
        if most > len(step.answers):
            return f"its finding '{finding.NAME}' is of {most} documents, and {len(step.answers)} were answered"
    if _repeated(record.name for record in step.findings):
        return "it has a finding twice"
    primary = [score for score in step.scores if score.primary]
    if len(primary) != (step.kind == "evaluate"):
        return "an evaluation has one primary score, and training none"
    wrong = _wrong_score(primary[0], step.answers) if primary else None
    return wrong or next((wrong for score in step.scores if (wrong := _wrong_corpus(score, step))), None)


def _wrong_score(score: ScoreRecord, answers: Sequence[AnswerRecord]) -> str | None:
    values = [answer.value for answer in answers if answer.value is not None]
    if len(answers) != score.n:
        return f"'{score.metric}' is over {score.n} documents, and {len(answers)} were answered"
    if score.value is not None and not answers:
        return f"'{score.metric}' is {score.value:g}, and no document was answered"
    if values and len(values) < len(answers):
        return "some answers are scored, and others not"
    if values and (score.value is None or not math.isclose(statistics.fmean(values), score.value, abs_tol=TOLERANCE)):
        return f"the answers' mean is {statistics.fmean(values):.6g}, and '{score.metric}' is {score.value}"
    if score.unparsable != sum(answer.unparsable for answer in answers):
        return "the count of unparsable answers is not theirs"
    return None


def _wrong_corpus(score: ScoreRecord, step: StepPart) -> str | None:
    """An error message if a corpus metric does not match the answers, or None.

    Answers store only the reading of the primary metric's filter.
    """
    answers = step.answers
    name, _, filtered = score.metric.partition(",")
    metric = corpora.corpus_metric(name)
    if metric is None or not answers or (filtered and not score.primary) or _without_texts(answers):
        return None
    pairs = [(answer.target, answer.parsed) for answer in answers]
    tokenizer = tokenizer_of(step.config, name)
    if not can_split(tokenizer):
        return None
    recomputed = corpora.scores_of(metric, pairs, tokenizer)
    if score.value is None or not any(math.isclose(value, score.value, abs_tol=TOLERANCE) for value in recomputed):
        return f"the answers' {name} is {recomputed[0]:.6g}, and '{score.metric}' is {score.value}"
    if metric.resampling is None or not score.primary:
        return None
    errors = corpora.errors_of(metric.resampling, pairs, [answer.doc_hash for answer in answers], tokenizer)
    if any(_close(score.stderr, stderr) for stderr in errors) or not (errors or score.stderr):
        return None
    return f"the answers' {name} has a standard error of about {max(errors, default=0):.3g}, not {score.stderr}"


def _close(stated: float | None, recomputed: float) -> bool:
    """Whether both standard errors can come from a bootstrap of the same answers: they differ by a factor up to 2."""
    return stated is not None and recomputed / 2 - TOLERANCE <= stated <= recomputed * 2 + TOLERANCE


def _without_texts(answers: Sequence[AnswerRecord]) -> bool:
    return not any(answer.target or answer.question for answer in answers)


def unchecked(record: RecordFile) -> tuple[str, ...]:
    """The primary metrics that cannot be recomputed.

    Texts were left out, the metric needs more than texts, or its tokenizer is missing.
    """
    metrics = [
        score.metric
        for step in record.steps
        for score in step.scores
        if score.primary and score.value is not None and all(answer.value is None for answer in step.answers)
        if corpora.corpus_metric(score.metric) is None
        or _without_texts(step.answers)
        or not can_split(tokenizer_of(step.config, score.metric.partition(",")[0]))
    ]
    return tuple(dict.fromkeys(metrics))


def _repeated(values: Iterable[object]) -> bool:
    return any(count > 1 for count in Counter(values).values())


def _why(error: ValueError) -> str:
    """The first error in words."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    return str(error)
