"""Scores and answers of a stack on a task through lm-eval; the scores are exactly lm-eval's."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import lm_eval.evaluator
from lm_eval.api.metrics import mean

from suite import stats
from suite.core.diagnostics import Finding, JudgedWeaker
from suite.core.errors import SuiteError
from suite.evaluation import stderr
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.stats import Clusters
from suite.tasks.data import Row
from suite.tasks.load import LoadedTask, document_hashes, question, quiet, references
from suite.tasks.load import selection_task as selection_task
from suite.tasks.scoring import tokenizer
from suite.tasks.text import UNPARSABLE


@dataclass(frozen=True)
class Answer:
    """The answer to one document, with everything that rescoring or a paired comparison needs."""

    doc_id: int
    doc_hash: str
    """Identifies the document as the model reads it (`suite.tasks.identity`): equal documents have equal hashes."""
    prompt_hash: str
    """Hash of the whole prompt, including exemplars."""
    question: str
    """The document's own prompt, without exemplars."""
    target: str
    """The right answer; a JSON list if there are several."""
    output: str
    """The model's own text; for scored choices, the JSON list of their log-likelihoods."""
    parsed: str
    """The answer that a filter read from the output, which is scored."""
    value: float | None
    """The primary metric of this document, 0 to 100; None for metrics of a whole corpus."""
    unparsable: bool
    truncated: bool
    """Whether the beginning of the prompt was cut."""


@dataclass(frozen=True)
class Score:
    """A metric over all documents."""

    metric: str
    value: float | None
    """0 to 100 if the metric is a share or a point score, otherwise in lm-eval's unit."""
    stderr: float | None
    """Standard error over documents, on the scale of `value`; None if unknown."""
    n: int
    primary: bool


@dataclass(frozen=True)
class EvaluationResult:
    """The result of an evaluation."""

    scores: tuple[Score, ...]
    answers: tuple[Answer, ...]
    tokens: int
    """Tokens read and written, without soft prompts and padding."""
    seconds: float
    unparsable: int
    truncated: int
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()
    """Notices for the user."""
    devices: int = 1
    """How many devices answered together."""

    @property
    def primary(self) -> Score:
        """The score that ranks rows."""
        return next(score for score in self.scores if score.primary)


def evaluate(
    adapted: AdaptedModel,
    task: LoadedTask,
    *,
    batch_tokens: int,
    max_new_tokens: int | None = None,
    beams: int = 1,
    length_penalty: float | None = None,
    max_length: int | None = None,
) -> EvaluationResult:
    """Answer and score every document of a task.

    `batch_tokens` limits a batch (longest input with its answer, times rows) and never changes an answer.
    `max_new_tokens` limits the task's own limit; `max_length` limits the model's positions. Raises SuiteError if there
    is no room for a prompt, or if the task cannot be run here.
    """
    lm = StackLM(
        adapted, batch_tokens=batch_tokens, max_new_tokens=max_new_tokens, max_length=max_length, beams=beams,
        length_penalty=length_penalty,
    )  # fmt: skip
    return evaluate_with(lm, task)


def measured(result: EvaluationResult, task: LoadedTask) -> float:
    """The primary score (0 to 100), for selection. Raises SuiteError if it is missing or not finite, instead of taking
    0."""
    primary = result.primary
    if primary.value is None or not math.isfinite(primary.value):
        what = f"{primary.metric} of {primary.n} rows is {primary.value}"
        raise SuiteError(
            f"task '{task.file.name}' gives no score to select by: {what}",
            fix="name another metric (`metadata.primary`), or hold out more rows (`selection.documents`)",
        )
    return primary.value


class Answering(Protocol):
    """An lm-eval LM that counts its tokens."""

    truncated: set[str]
    """Prompts whose beginning was cut."""
    tokens: int


def evaluate_with(lm: Answering, task: LoadedTask) -> EvaluationResult:
    """Like `evaluate`, with the answers of `lm`. Raises SuiteError if the task cannot be run here."""
    if getattr(task, "UNSAFE_CODE", False) or getattr(task, "MULTIMODAL", False):
        raise SuiteError(f"task '{task.file.name}' runs answers as code or shows images", fix="choose another task")
    name = task.file.name
    started = time.perf_counter()
    with quiet():
        results = lm_eval.evaluator.evaluate(lm, {"tasks": {name: task}}, bootstrap_iters=0, log_samples=True)
    seconds = time.perf_counter() - started
    samples: list[Mapping[str, Any]] = results["samples"][name]
    metric, pipeline = _primary(task, samples)
    hash_of = document_hashes(task)
    answers = tuple(
        _answer(task, sample, metric, hash_of, lm.truncated) for sample in samples if sample["filter"] == pipeline
    )
    weaker = _judged_weaker(task, [sample for sample in samples if sample["filter"] == pipeline])
    return EvaluationResult(
        scores=_scores(task, results["results"][name], samples, (metric, pipeline), answers),
        answers=answers,
        tokens=lm.tokens,
        seconds=seconds,
        unparsable=sum(answer.unparsable for answer in answers),
        truncated=sum(answer.truncated for answer in answers),
        findings=() if weaker is None else (weaker,),
        notices=(*_left_out(task), *([] if weaker is None else [_weaker(task, weaker)])),
    )


_WEAKER: Final = (
    "{}: {} of {} programs could not be kept apart from their tests, and one that is made to look right could pass "
    "(docs/scoring.md)"
)


def _weaker(task: LoadedTask, weaker: JudgedWeaker) -> str:
    return _WEAKER.format(task.file.name, len(weaker.documents), weaker.tried)


def _left_out(task: LoadedTask) -> list[str]:
    """What a chat template has no place for."""
    if task.chat is None or task.chat.takes_system or not task.config.description:
        return []
    what = "the chat template takes no system message, so the task's description is left out"
    return [f"{task.file.name}: {what}"]


def _judged_weaker(task: LoadedTask, samples: Sequence[Mapping[str, Any]]) -> JudgedWeaker | None:
    """Documents whose programs could influence their own judging; None if there are none."""
    if not task.of_programs:
        return None
    documents = [
        int(sample["doc_id"]) for sample in samples if task.outcome(sample["doc"], sample["filtered_resps"][0]).weaker
    ]
    return JudgedWeaker(documents=tuple(sorted(documents)), tried=len(samples)) if documents else None


def _primary(task: LoadedTask, samples: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The primary metric, and the first filter pipeline that has it. Raises SuiteError if there is none."""
    metric = str(task.file.metadata["primary"])
    for sample in samples:
        if metric in sample["metrics"]:
            return metric, str(sample["filter"])
    raise SuiteError(f"task '{task.file.name}' reports no '{metric}'", where=str(task.file.path))


def _scores(
    task: LoadedTask, results: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], primary: tuple[str, str],
    answers: Sequence[Answer],
) -> tuple[Score, ...]:  # fmt: skip
    """Every metric of every pipeline, named and computed as in lm-eval."""
    pipelines = list(dict.fromkeys(str(sample["filter"]) for sample in samples))
    documents = {answer.doc_id: answer.doc_hash for answer in answers}
    scores: list[Score] = []
    for key, value in results.items():
        metric, comma, pipeline = key.partition(",")
        if not comma or metric.endswith("_stderr") or isinstance(value, str):
            continue
        of_metric = [sample for sample in samples if sample["filter"] == pipeline and metric in sample]
        values = [sample[metric] for sample in of_metric]
        factor = task.metric(metric).factor
        error = _stderr(task, metric, values, Clusters.of([documents[int(sample["doc_id"])] for sample in of_metric]))
        scores.append(
            Score(
                metric=metric if len(pipelines) == 1 else key,
                value=_on_scale(task, metric, float(value) * factor),
                stderr=None if error is None else error * factor,
                n=len(values),
                primary=(metric, pipeline) == primary,
            )
        )
    return tuple(sorted(scores, key=lambda score: not score.primary))


def _on_scale(task: LoadedTask, metric: str, value: float) -> float:
    """The value without rounding errors beyond the metric's range. Raises SuiteError if it is outside of the range."""
    (low, high), inside = stats.scale_of(metric), stats.on_scale(value, metric)
    definition = task.metric(metric).definition
    has_range = (definition is not None and definition.over != "likelihoods") or metric == task.file.metadata["primary"]
    if has_range and not math.isnan(value) and not low <= inside <= high:
        what = f"the metric '{metric}' of task '{task.file.name}' came to {value:g}, outside {low:g} to {high:g}"
        raise SuiteError(what, where=str(task.file.path), fix="a metric gives each answer 0 to 1")
    return inside


def _stderr(task: LoadedTask, metric: str, values: Sequence[Any], same: Clusters | None) -> float | None:
    aggregation = task.aggregation().get(metric, mean)
    if aggregation is mean:
        return stderr.of_mean(values, same)
    used = task.metric(metric)
    if used.of_classes:
        return stderr.inflated(task.class_score(metric, values).stderr, len(values), same)
    if used.definition is not None and used.definition.resampling is not None:
        return stderr.of_corpus(used.definition.resampling, values, tokenizer=tokenizer(used), same=same)
    return None


def _answer(
    task: LoadedTask, sample: Mapping[str, Any], metric: str, hash_of: Callable[[Row], str], truncated: set[str]
) -> Answer:
    doc, right = sample["doc"], references(task, sample["doc"])
    output, parsed = _outputs(task, sample)
    value = sample[metric]
    is_number = not isinstance(value, (tuple, list, str)) and task.aggregation().get(metric, mean) is mean
    return Answer(
        doc_id=int(sample["doc_id"]),
        doc_hash=hash_of(doc),
        prompt_hash=str(sample["prompt_hash"]),
        question=question(task, doc),
        target=right[0] if len(right) == 1 else json.dumps(right, ensure_ascii=False),
        output=output,
        parsed=parsed,
        value=float(value) * task.metric(metric).factor if is_number else None,
        unparsable=parsed == UNPARSABLE,
        truncated=any(arguments[0] in truncated for arguments in sample["arguments"]),
    )


def _outputs(task: LoadedTask, sample: Mapping[str, Any]) -> tuple[str, str]:
    """The raw output, and the answer that was read from it."""
    kind, answers = task.OUTPUT_TYPE, sample["filtered_resps"]
    if kind == "generate_until":
        parsed = answers[0]
        return str(sample["resps"][0][0]), str(parsed[0] if isinstance(parsed, list) and parsed else parsed)
    if kind == "multiple_choice":
        choices = task.doc_to_choice(sample["doc"])
        likely = [float(score) for score, _ in answers[: len(choices)]]
        return json.dumps(likely), str(choices[likely.index(max(likely))])
    if kind == "loglikelihood":
        score, is_greedy = answers[0]
        return json.dumps(float(score)), references(task, sample["doc"])[0] if is_greedy else ""
    return json.dumps(float(answers[0])), ""
