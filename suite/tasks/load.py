"""Make lm-eval's task object from a task file: load rows, draw exemplars once, compile templates once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import jinja2

from suite.core.chat import ChatFormat
from suite.core.console import VERBOSE
from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget
from suite.tasks.builtin import runnable_config
from suite.tasks.data import DataLocations, Row, rows
from suite.tasks.definition import TaskFile
from suite.tasks.identity import Identities, identified, told
from suite.tasks.lm_eval_names import NO_OPTIONS, is_python
from suite.tasks.loaded import LoadedTask as LoadedTask
from suite.tasks.loaded import question as question
from suite.tasks.loaded import references as references
from suite.tasks.loaded import target_text as target_text
from suite.tasks.metrics import by_name
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.splits import draw_exemplars, reported_rows, training_rows
from suite.tasks.templates import Unfit
from suite.tasks.training_text import following_text, prompt_text, refuse_text_before_answers


@dataclass(frozen=True)
class Example:
    """A training example, rendered by the templates that also make evaluation's prompts."""

    prompt: str
    target: WrittenTarget
    """The answer, which also knows how it follows the prompt."""
    doc: Row
    hash: str
    """Its `Identity.question`: examples with an equal value ask the same question."""


def load_task(
    task: TaskFile, locations: DataLocations, *, shots: int = 0, draw: int = 0, limit: int | None = None,
    chat: ChatFormat | None = None,
) -> LoadedTask:  # fmt: skip
    """A task over its reported rows (the first `limit`), with exemplars that all documents share.

    Prompts are plain text, or follow a `chat` format. Raises SuiteError for missing rows, and for templates that do not
    fit them.
    """
    docs = reported_rows(task, locations).docs[:limit]
    return _load(task, docs, draw_exemplars(task, locations, shots, draw), locations, chat)


def selection_task(
    task: TaskFile, locations: DataLocations, docs: Sequence[Row], *, shots: int = 0, chat: ChatFormat | None = None
) -> LoadedTask:
    """The same task over other rows, to select a checkpoint by its own metric. Exemplars are never among these rows."""
    identity = Identities(task, fields_of(docs))
    scored = {identity.question(row) for row in docs}
    exemplars = draw_exemplars(task, locations, shots, draw=0, besides=scored)
    return _load(task, docs, exemplars, locations, chat)


def training_examples(task: TaskFile, locations: DataLocations, chat: ChatFormat | None = None) -> tuple[Example, ...]:
    """The training split, in order; each prompt equals that of a 0-shot evaluation of the row.

    Raises SuiteError for a chat template that cannot be trained with.
    """
    split = training_rows(task, locations)
    loaded = _load(task, split.docs, (), locations, chat)
    refuse_text_before_answers(loaded)
    pairs = zip(loaded.eval_docs, identified(task, split).questions, strict=True)
    with quiet():
        return tuple(
            Example(prompt_text(loaded, doc, 0), following_text(loaded, doc, target_text(loaded, doc)), doc, name)
            for doc, name in pairs
        )


def document_hashes(task: LoadedTask) -> Callable[[Row], str]:
    """Document -> `Identity.document`; from lm-eval's rendered prompts if Python functions make them."""
    identity = Identities(task.file, frozenset().union(*task.eval_docs))

    def rendered(doc: Row) -> str:
        choices = () if task.config.doc_to_choice is None else map(str, task.doc_to_choice(doc))
        return told("\n".join([question(task, doc), *sorted(choices)]), references(task, doc)).document

    return rendered if identity.texts is None else lambda doc: identity(doc).document


class Prompts:
    """Training prompts with exemplars from the split before them, as in a few-shot evaluation."""

    def __init__(self, task: TaskFile, locations: DataLocations, chat: ChatFormat | None = None) -> None:
        first = training_rows(task, locations).docs[:1]
        self._plain = _load(task, first, (), locations)
        self._task = self._plain if chat is None else _load(task, first, (), locations, chat)

    def __call__(self, doc: Row, exemplars: Sequence[Row] = ()) -> str:
        """The prompt of a row (see `Example.doc`) after exemplars."""
        return _behind(self._task, doc, exemplars)

    def exemplar(self, doc: Row) -> str:
        """The text before a prompt whose exemplar is this row; also plain text in a chat."""
        both, alone = _behind(self._plain, doc, (doc,)), _behind(self._plain, doc, ())
        description = self._plain.resolve_field(doc, self._plain.config.description) or ""
        return both.removeprefix(description)[: len(both) - len(alone)]


def _behind(task: LoadedTask, doc: Row, exemplars: Sequence[Row]) -> str:
    task.sampler = _Given(exemplars)
    with quiet():
        return prompt_text(task, doc, len(exemplars))


class _Given:
    """A sampler for lm-eval that returns given exemplars."""

    def __init__(self, exemplars: Sequence[Row]) -> None:
        self._exemplars = list(exemplars)

    def sample(self, n: int, eval_doc: Row | None = None) -> list[Row]:
        return self._exemplars[:n]


class _Docs(Sequence[Row]):
    """Rows with the parts of `datasets.Dataset` that lm-eval uses: indexing, a length and `features`."""

    def __init__(self, docs: Sequence[Row]) -> None:
        self._docs = docs
        self.features = dict.fromkeys(docs[0]) if docs else {}

    def __getitem__(self, index: Any) -> Any:
        return self._docs[index]

    def __len__(self) -> int:
        return len(self._docs)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._docs)


def _load(
    task: TaskFile, docs: Sequence[Row], exemplars: Sequence[Row], locations: DataLocations,
    chat: ChatFormat | None = None,
) -> LoadedTask:  # fmt: skip
    """lm-eval's task over these rows, from whatever split."""
    config = _config(task, docs)
    as_table = config.get("process_docs") is not None
    splits = {**_others(task, locations), task.reported_split: docs}
    dataset = {name: _table(part) if as_table else _Docs(part) for name, part in splits.items()}
    fewshot = dict(config.get("fewshot_config") or {})
    shown = _processed(config, exemplars) if as_table else list(exemplars)
    config |= {
        "custom_dataset": lambda **_: dataset,
        "num_fewshot": len(exemplars),
        "fewshot_split": None,  # a split here would take precedence over the samples
        "fewshot_config": {**fewshot, "split": None, "sampler": "first_n", "samples": shown},
    }
    with quiet():
        try:
            return LoadedTask(task, config, partial(_place, task, locations), _before(task, docs), chat)
        except (jinja2.TemplateError, KeyError, IndexError) as error:
            have = ", ".join(sorted(docs[0]))
            raise SuiteError(
                f"the templates of task '{task.name}' do not fit its rows ({type(error).__name__}: {error})",
                where=str(task.path),
                fix=f"the rows have: {have}",
            ) from error


def _place(task: TaskFile, locations: DataLocations, doc: Row) -> str:
    """Location of a reported or training row, for errors."""
    for split in dict.fromkeys((task.reported_split, task.training_split)):
        in_split = rows(task, split, locations) if split else None
        index = next((number for number, row in enumerate(in_split.docs) if row == doc), None) if in_split else None
        if in_split and index is not None:
            return in_split.place(index)
    return f"a row of '{task.name}'"


def _others(task: TaskFile, locations: DataLocations) -> Mapping[str, Sequence[Row]]:
    """Rows of further splits: Python functions of lm-eval's tasks may read them, task files never do."""
    return {name: rows(task, name, locations).docs for name in task.further_splits}


def _config(task: TaskFile, docs: Sequence[Row]) -> dict[str, Any]:
    """The task's configuration for lm-eval, with templates as compiled functions."""
    if task.builtin:
        return runnable_config(task.path, task.config["metadata"])
    config: dict[str, Any] = deepcopy(_lists(task.config))
    texts = Texts(task, fields_of(docs))
    made = {"doc_to_text": texts.question, "doc_to_target": texts.target, "doc_to_choice": texts.choices}
    for pipeline in config.get("filter_list") or ():
        pipeline["filter"] = [step if isinstance(step, Mapping) else {"function": step} for step in pipeline["filter"]]
    if "metric_list" in config:
        config["metric_list"] = [_named(entry, task) for entry in config["metric_list"]]
    config["fewshot_config"] = {"doc_to_target": _told(task, "doc_to_target", texts.shown)}
    return config | {key: _told(task, key, made[key]) for key in made if key in config}


def _before(task: TaskFile, docs: Sequence[Row]) -> Mapping[str, Callable[[Row], str]]:
    """Templates of a task's description and answer prefix, by their text in its file; empty for lm-eval's own tasks."""
    if task.builtin:
        return {}
    texts, keys = Texts(task, fields_of(docs)), ("description", "gen_prefix")
    return {task.config[key]: _told(task, key, partial(texts.before, key)) for key in keys if task.config.get(key)}


def _named(entry: dict[str, Any], task: TaskFile) -> dict[str, Any]:
    """A `metric_list` entry for lm-eval's registry; a metric from the user is only a name to lm-eval."""
    name = entry["metric"]
    if not is_python(name) and name not in task.plugins:
        return entry
    options = {key: value for key, value in entry.items() if key not in NO_OPTIONS}
    return {**options, "metric": by_name(name), "aggregation": "mean", "higher_is_better": True}


def _told(task: TaskFile, key: str, render: Callable[[Row], Any]) -> Callable[[Row], Any]:
    """Wrap a template so that its errors name the task."""

    def rendered(doc: Row) -> Any:
        try:
            return render(doc)
        except Unfit as error:
            what = f"the templates of task '{task.name}' do not fit its rows: {key} {error}"
            raise SuiteError(what, where=str(task.path)) from error

    return rendered


def _lists(value: Any) -> Any:
    """Plain data with lists instead of tuples, because lm-eval checks `isinstance(…, list)`."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, (tuple, list)) else value


def _table(docs: Sequence[Row]) -> Any:
    import datasets

    return datasets.Dataset.from_list(list(docs))


def _processed(config: Mapping[str, Any], exemplars: Sequence[Row]) -> list[Row]:
    return list(config["process_docs"](_table(exemplars))) if exemplars else []


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager without warnings of lm-eval about intended settings and of sacrebleu about full stops.

    `suite run -v` shows them.
    """
    if VERBOSE.get():
        yield
        return
    loggers = [logging.getLogger(name) for name in ("lm_eval", "sacrebleu")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
