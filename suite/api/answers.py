"""The questions to an experiment, the model's answers, and how these were parsed and scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.experiments import experiment_named, seeds_of
from suite.api.paths import File, folder_of
from suite.api.stored import base_of
from suite.core.corpus import is_one_of, references_of
from suite.core.diagnostics import RoutingReport, read
from suite.core.errors import SuiteError, did_you_mean
from suite.core.metrics import metric_named
from suite.results.store import AnswerRecord, ExperimentRecord, ResultsReader, ScoreRecord, StepRecord
from suite.results.store.experiment_results import ExperimentResults

if TYPE_CHECKING:
    from suite.core.chat import ChatFormat
    from suite.evaluation.prompts import RenderedPrompts


@dataclass(frozen=True)
class AskedTask:
    """An evaluation of an experiment, in the list of all of them."""

    role: str
    shots: int
    status: str
    """Status of its step: `done`, or why there are no answers."""


@dataclass(frozen=True)
class DocumentAnswer:
    """One document: its question, the model's output, the parsed answer and its score."""

    document: int
    document_hash: str
    prompt_hash: str
    question: str
    """The document's own prompt, without description and exemplars; empty if texts were not exported."""
    output: str
    """The model's completion; for scored choices, the JSON list of their log-likelihoods."""
    parsed: str
    """The answer that the filters parsed from the output."""
    right_answers: tuple[str, ...]
    """Empty if texts were not exported."""
    score: float | None
    """0 to 100; None for a metric that scores all documents together."""
    is_right: bool | None
    """Whether it has full marks; without a score of its own, whether it matches a right answer. None: not known.

    The match ignores case and spaces.
    """
    unparsable: bool
    truncated: bool
    """Whether the beginning of the prompt was cut off to fit the model's input."""
    skill: str | None
    """The skill that a router found in the prompt, if a router chose who answers."""
    prompt: str | None = None
    """The whole prompt, if `prompts` was set and the prompt has the stored hash."""
    choices: tuple[str, ...] = ()
    """With the prompt: the choices that were scored, in the order of `output`."""


@dataclass(frozen=True)
class TaskEvaluation:
    """The answers of an experiment to a task at a shot count."""

    experiment: str
    """The id of the experiment."""
    name: str
    track: str
    seed: int
    role: str
    task: str
    shots: int
    step: str
    title: str
    """Title of the step: the task, and the artifacts that answered it."""
    artifacts: tuple[str, ...]
    """The artifacts that were applied to the base model: the kind of each and the step that made it."""
    score: ScoreRecord | None
    """The primary metric."""
    documents: int
    """Number of documents in the evaluation; `answers` may hold only some of them."""
    has_texts: bool
    """Whether questions and right answers are stored; a record may leave them out."""
    evaluations: tuple[AskedTask, ...]
    """All evaluations of the experiment, targets first."""
    matching: int
    """Number of documents that match the selection, before `limit`."""
    answers: tuple[DocumentAnswer, ...]
    seeds: tuple[int, ...] = ()
    """The seeds that the experiment was run with."""
    no_prompts: tuple[str, ...] = ()
    """Reasons why prompts are missing although `prompts` was set; each reason once."""


def answers(
    store: ResultsReader,
    experiment: str,
    *,
    track: str | None = None,
    seed: int | None = None,
    role: str | None = None,
    shots: int | None = None,
    document: int | None = None,
    wrong: bool = False,
    prompts: bool = False,
    limit: int | None = None,
    data: File | None = None,
    models: File | None = None,
) -> TaskEvaluation:
    """An experiment's questions and answers; the experiment is given by its name or the beginning of its id.

    Without `seed`, the first; without `role`, the first target; without `shots`, the fewest. `document`, `wrong`
    (documents without full marks) and `limit` select documents. With `prompts`, each whole prompt is rendered from its
    task and data (`data`, as in a run), for a chat also from the model's tokenizer (`models`), and returned if it has
    the stored hash. Raises SuiteError if there is no such experiment, evaluation or document.
    """
    record = experiment_named(store, experiment, track, seed, first_seed=True)
    results = ExperimentResults.of(store, record)
    wanted, count = _evaluation(results, role, shots)
    step = _finished(results, wanted, count)
    evaluation = _evaluated(store, results, wanted, count, step)
    chosen = _chosen(evaluation, document, wrong=wrong)
    shown = replace(evaluation, matching=len(chosen), answers=chosen[:limit])
    if not prompts:
        return shown
    return _with_prompts(shown, record, step, folder_of(data, "SUITE_DATA"), folder_of(models, "SUITE_MODELS"))


def _evaluation(results: ExperimentResults, role: str | None, shots: int | None) -> tuple[str, int]:
    """The selected role and shot count. Raises SuiteError with the existing ones if there is no match."""
    name, asked = results.record.name, list(dict.fromkeys(results.evaluations()))
    if not asked:
        raise SuiteError(f"'{name}' was not asked anything yet", fix="`suite run` it first")
    roles = list(dict.fromkeys(each for each, _ in asked))
    if role is not None and role not in roles:
        raise SuiteError(f"'{name}' was not asked '{role}'", where="--role", fix=did_you_mean(role, roles))
    fitting = [(each, count) for each, count in asked if role in (None, each) and shots in (None, count)]
    if not fitting:
        what = f"'{name}' was not asked {'any task' if role is None else repr(role)} with {shots} shots"
        known = sorted({count for each, count in asked if role in (None, each)})
        raise SuiteError(what, where="--shots", fix=f"known: {', '.join(map(str, known))}")
    first = fitting[0][0]
    return first, min(count for each, count in fitting if each == first)


def _finished(results: ExperimentResults, role: str, shots: int) -> StepRecord:
    """The step of an evaluation. Raises SuiteError if it has no answers yet."""
    step = results.step(role, shots)
    assert step is not None, "it is among the evaluations"
    if step.status != "done":
        why = f": {step.reason}" if step.reason else ""
        others = [_named(each) for each in _evaluations(results) if each.status == "done"]
        fix = f"there are answers to {', '.join(others)}" if others else "`suite run` it first"
        what = f"'{results.record.name}' has no answers to {role} {shots}-shot: its step is {step.status}{why}"
        raise SuiteError(what, fix=fix)
    return step


def _named(evaluated: AskedTask) -> str:
    return f"{evaluated.role} {evaluated.shots}-shot"


def _evaluations(results: ExperimentResults) -> Iterator[AskedTask]:
    for role, shots in dict.fromkeys(results.evaluations()):
        step = results.step(role, shots)
        yield AskedTask(role, shots, step.status if step else "pending")


def _evaluated(
    store: ResultsReader, results: ExperimentResults, role: str, shots: int, step: StepRecord
) -> TaskEvaluation:
    """An evaluation with all its answers."""
    record, score = results.record, results.primary(role, shots)
    stored, skills = store.answers(step.id), _skills(store, step)
    has_texts = any(answer.question or answer.target for answer in stored)
    return TaskEvaluation(
        experiment=record.id, name=record.name, track=record.track, seed=record.seed, role=role,
        task=str(record.spec["roles"][role]["task"]), shots=shots, step=step.id, title=step.title,
        artifacts=_artifacts(store, step), score=score, documents=len(stored), has_texts=has_texts,
        evaluations=tuple(_evaluations(results)), matching=len(stored), seeds=seeds_of(store, record),
        answers=tuple(
            _answer(each, score, skills[place] if place < len(skills) else None, has_texts=has_texts)
            for place, each in enumerate(stored)
        ),
    )  # fmt: skip


def _artifacts(store: ResultsReader, step: StepRecord) -> tuple[str, ...]:
    """The artifacts that were applied when the task was answered."""
    applied = [str(each) for each in step.config.get("stack") or ()]
    titles, kinds = store.steps(applied), store.artifacts(applied)
    return tuple(f"{kinds[each].kind} ({titles[each].title})" for each in applied if each in kinds and each in titles)


def _skills(store: ResultsReader, step: StepRecord) -> tuple[str, ...]:
    """The skill that was found in each document's prompt, in order; empty without routing."""
    content = store.findings([step.id]).get(step.id, {}).get(RoutingReport.NAME)
    report = None if content is None else read(RoutingReport.NAME, content)
    return tuple(report.skills[each] for each in report.of_documents) if isinstance(report, RoutingReport) else ()


def _answer(stored: AnswerRecord, score: ScoreRecord | None, skill: str | None, *, has_texts: bool) -> DocumentAnswer:
    right = references_of(stored.target) if has_texts else ()
    return DocumentAnswer(
        document=stored.doc_id, document_hash=stored.doc_hash, prompt_hash=stored.prompt_hash,
        question=stored.question, output=stored.output, parsed=stored.parsed, right_answers=right, score=stored.value,
        is_right=_is_right(stored, score, right), unparsable=stored.unparsable, truncated=stored.truncated, skill=skill,
    )  # fmt: skip


def _is_right(stored: AnswerRecord, score: ScoreRecord | None, right: Sequence[str]) -> bool | None:
    if stored.value is not None:
        return stored.value >= 100
    metric = None if score is None else metric_named(score.metric)
    if not right or (metric is not None and metric.over == "likelihoods"):
        return None
    return is_one_of(stored.parsed, right)


def _chosen(evaluation: TaskEvaluation, document: int | None, *, wrong: bool) -> tuple[DocumentAnswer, ...]:
    """The selected documents. Raises SuiteError if there are none, or if it is unknown which answers are wrong."""
    chosen = evaluation.answers
    if document is not None:
        chosen = tuple(each for each in chosen if each.document == document)
        if not chosen:
            known = [each.document for each in evaluation.answers]
            fix = f"they are {min(known)} to {max(known)}" if known else "it has no documents"
            raise SuiteError(
                f"{evaluation.role} {evaluation.shots}-shot has no document {document}", where="--doc", fix=fix
            )
    if wrong and all(each.is_right is None for each in chosen):
        metric = evaluation.score.metric if evaluation.score else "its metric"
        why = (
            "calls no answer wrong"
            if evaluation.has_texts
            else "scores no answer alone, and right answers are not stored"
        )
        raise SuiteError(f"{metric} {why}", where="--wrong", fix="leave it out")
    return tuple(each for each in chosen if not wrong or each.is_right is False)


def _with_prompts(
    evaluation: TaskEvaluation, record: ExperimentRecord, step: StepRecord, data: Path | None, models: Path | None
) -> TaskEvaluation:
    """The evaluation with every prompt that can be rendered unchanged, and the reasons for the others."""
    reasons: dict[str, None] = {}
    filled: list[DocumentAnswer] = []
    try:
        prompts = _prompts(evaluation.task, record, step.config, data, models)
    except SuiteError as error:
        return replace(evaluation, no_prompts=(str(error.problems[0]),))
    for answer in evaluation.answers:
        try:
            prompt = prompts.of(answer.document, answer.prompt_hash)
        except SuiteError as error:
            reasons.setdefault(str(error.problems[0]))
            filled.append(answer)
        else:
            filled.append(replace(answer, prompt=prompt.text, choices=prompt.choices))
    return replace(evaluation, answers=tuple(filled), no_prompts=tuple(reasons))


def _prompts(
    task: str, record: ExperimentRecord, config: Mapping[str, Any], data: Path | None, models: Path | None
) -> RenderedPrompts:
    from suite.evaluation.prompts import RenderedPrompts
    from suite.specs.workspace import Workspace
    from suite.tasks.data import DataLocations

    # the file path in an imported record is not read
    files = [] if record.imported else [Path(str(record.spec.get("file", "")))]
    chat = _chat(record, config, models) if "chat" in config else None
    return RenderedPrompts(task, config, Workspace.here(*files).task_folders, DataLocations.of(data), chat)


def _chat(record: ExperimentRecord, config: Mapping[str, Any], models: Path | None) -> ChatFormat:
    """How the model was asked. Raises SuiteError where its tokenizer is not here, or has another template now."""
    from suite.core.hashing import fingerprint
    from suite.models.chat import Chat, load_tokenizer, prompt_format, template_in

    located = base_of(record, models)
    title, template = located.source.title, template_in(located)
    if located.folder is None or located.identity != config["model"]["identity"]:
        what = f"the prompts are chats, and the tokenizer of {title} that wrote them is not here"
        raise SuiteError(what, fix="name the folder it is in with --models (or SUITE_MODELS)")
    if template is None or fingerprint(template) != config["chat"]["template"]:
        raise SuiteError(f"the chat template of {title} was changed since", where=str(located.file or located.folder))
    asked = {name: value for name, value in config["chat"].items() if name != "template"}
    return prompt_format(load_tokenizer(located), Chat.model_validate(asked), title)
