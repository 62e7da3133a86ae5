"""Makes lm-eval's task object of a task file: its rows, its exemplars drawn once, its templates compiled once."""

from __future__ import annotations

import ast
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import jinja2
import lm_eval.utils
from lm_eval.api.task import ConfigurableTask

import suite.tasks.filters
import suite.tasks.metrics  # noqa: F401  (both register what task files name)
from suite.errors import SuiteError
from suite.sandbox import run_programs
from suite.tasks.data import DataLocations, Row, row_hash, rows
from suite.tasks.definition import TaskFile
from suite.tasks.splits import draw_exemplars, reported_rows, training_rows


@dataclass(frozen=True)
class Example:
    """One training example, rendered by the templates that also make the evaluation's prompts."""

    prompt: str
    target: str
    doc: Row
    hash: str
    """`row_hash` of the document."""


class LoadedTask(ConfigurableTask):  # type: ignore[misc]
    """lm-eval's task, without its progress bar, and with the file it was made of."""

    def __init__(self, task: TaskFile, config: Mapping[str, Any]) -> None:
        self.file = task
        samples = (config.get("fewshot_config") or {}).get("samples") or ()
        self._exemplars = {id(row): row for row in samples}
        self._texts: dict[tuple[str, int, int], Any] = {}
        super().__init__(config=dict(config))
        template = task.metadata.get("program")
        self._program = None if template is None else lm_eval.utils.env.from_string(template)

    def doc_to_text(self, doc: Row, doc_to_text: Any = None) -> Any:
        """As lm-eval does; an exemplar's is made once, not once for each document."""
        return self._once(super().doc_to_text, doc, doc_to_text)

    def doc_to_target(self, doc: Row, doc_to_target: Any = None) -> Any:
        """As lm-eval does; an exemplar's is made once."""
        return self._once(super().doc_to_target, doc, doc_to_target)

    def _once(self, make: Callable[[Row, Any], Any], doc: Row, template: Any) -> Any:
        if self._exemplars.get(id(doc)) is not doc:
            return make(doc, template)
        key = (make.__name__, id(doc), id(template))
        if key not in self._texts:
            self._texts[key] = make(doc, template)
        return self._texts[key]

    def apply_filters(self) -> Any:
        """As lm-eval does; programs are then run side by side, before each is asked for."""
        done = super().apply_filters()
        if self._program is not None:
            said = [(each.doc, answer) for each in self.instances for answer in each.filtered_resps.values()]
            run_programs([self._source(doc, answer) for doc, answer in said])
        return done

    def process_results(self, doc: Row, results: Sequence[Any]) -> Mapping[str, Any]:
        """As lm-eval does; a program is right if it runs to its end."""
        if self._program is None:
            scores: Mapping[str, Any] = super().process_results(doc, results)
            return scores
        (outcome,) = run_programs([self._source(doc, results[0])])
        return {"pass@1": float(outcome.passed)}

    def _source(self, doc: Row, answer: Any) -> str:
        """The program of `metadata.program`."""
        assert self._program is not None
        return str(self._program.render(answer=answer, **doc))

    def build_all_requests(self, **options: Any) -> None:
        """As lm-eval does; its bar is written to standard error and cannot be turned off otherwise."""
        with redirect_stderr(io.StringIO()):
            super().build_all_requests(**options)


def load_task(
    task: TaskFile, locations: DataLocations, *, shots: int = 0, draw: int = 0, limit: int | None = None
) -> LoadedTask:
    """A task over its reported rows (the first `limit` of them), with exemplars that all documents share.

    Raises SuiteError for rows that are not there and templates that do not fit them.
    """
    docs = reported_rows(task, locations).docs[:limit]
    return _load(task, docs, draw_exemplars(task, locations, shots, draw), _others(task, locations))


def selection_task(task: TaskFile, locations: DataLocations, docs: Sequence[Row], *, shots: int = 0) -> LoadedTask:
    """The same task over other rows, to select a checkpoint by its own metric. Exemplars are never among the rows."""
    scored = {row_hash(row) for row in docs}
    exemplars = draw_exemplars(task, locations, shots, draw=0, besides=scored)
    return _load(task, docs, exemplars, _others(task, locations))


def training_examples(task: TaskFile, locations: DataLocations) -> tuple[Example, ...]:
    """The training split, in order: each prompt is the one that a 0-shot evaluation of the row would have."""
    found = training_rows(task, locations)
    loaded = _load(task, found.docs, (), _others(task, locations))
    pairs = zip(loaded.eval_docs, found.hashes, strict=True)
    return tuple(Example(loaded.fewshot_context(doc, 0), target_text(loaded, doc), doc, name) for doc, name in pairs)


class Prompts:
    """Training prompts, with other rows of the split before them as a few-shot evaluation shows them."""

    def __init__(self, task: TaskFile, locations: DataLocations) -> None:
        self._task = _load(task, training_rows(task, locations).docs[:1], (), _others(task, locations))

    def __call__(self, doc: Row, exemplars: Sequence[Row] = ()) -> str:
        """The prompt of a row (as `Example.doc` has it) behind exemplars."""
        self._task.sampler = _Given(exemplars)
        with quiet():
            return str(self._task.fewshot_context(doc, len(exemplars)))

    def exemplar(self, doc: Row) -> str:
        """What stands before a prompt when this row is its exemplar."""
        both, alone = self(doc, (doc,)), self(doc)
        description = alone.removesuffix(question(self._task, doc))
        return both.removesuffix(question(self._task, doc)).removeprefix(description)


class _Given:
    """A sampler of lm-eval's that gives the exemplars it was given."""

    def __init__(self, exemplars: Sequence[Row]) -> None:
        self._exemplars = list(exemplars)

    def sample(self, n: int, eval_doc: Row | None = None) -> list[Row]:
        return self._exemplars[:n]


def question(task: ConfigurableTask, doc: Row) -> str:
    """A document's own prompt, without exemplars and description."""
    text = task.doc_to_text(doc)
    return str(task.doc_to_choice(doc)[text]) if isinstance(text, int) else str(text)


def references(task: ConfigurableTask, doc: Row) -> tuple[str, ...]:
    """The right answers of a document, as texts; the first is the one that exemplars show."""
    target = task.doc_to_target(doc)
    if isinstance(target, list):
        return tuple(str(each) for each in target)
    if isinstance(target, int) and task.config.doc_to_choice is not None:
        return (str(task.doc_to_choice(doc)[target]),)
    return (str(target),)


def target_text(task: ConfigurableTask, doc: Row) -> str:
    """The answer that is trained on: the one that an exemplar would show."""
    return references(task, doc)[0]


class _Docs(Sequence[Row]):
    """Rows with as much of a `datasets.Dataset` as lm-eval asks for: an index, a length and `features`."""

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
    task: TaskFile, docs: Sequence[Row], exemplars: Sequence[Row], others: Mapping[str, Sequence[Row]]
) -> LoadedTask:
    """lm-eval's task over these rows, whatever split they are from."""
    config = _config(task)
    as_table = config.get("process_docs") is not None
    splits = {**others, task.reported_split: docs}
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
            return LoadedTask(task, config)
        except (jinja2.TemplateError, KeyError, IndexError) as error:
            have = ", ".join(sorted(docs[0]))
            raise SuiteError(
                f"the templates of task '{task.name}' do not fit its rows ({type(error).__name__}: {error})",
                where=str(task.path),
                fix=f"the rows have: {have}",
            ) from error


def _others(task: TaskFile, locations: DataLocations) -> Mapping[str, Sequence[Row]]:
    """Rows of further splits: lm-eval's Python functions may look at them, plain task files never do."""
    if not task.builtin:
        return {}
    names = (task.config.get(key) for key in ("training_split", "validation_split", "test_split"))
    return {name: rows(task, name, locations).docs for name in names if name and name != task.reported_split}


def _config(task: TaskFile) -> dict[str, Any]:
    """The task's config as lm-eval wants it, with templates as compiled functions."""
    if task.builtin:
        from lm_eval.tasks._yaml_loader import load_yaml

        config = {key: value for key, value in load_yaml(task.path).items() if key not in ("tag", "group", "task_list")}
        config["metadata"] = dict(task.config["metadata"])
    else:
        config = _lists(task.config)
    config = deepcopy(config)
    choices = config.get("doc_to_choice") is not None
    for key in ("doc_to_text", "doc_to_target"):
        if isinstance(config.get(key), str):
            config[key] = _renderer(config[key], choices=choices, lists=key == "doc_to_target")
    return config


def _lists(value: Any) -> Any:
    """Plain data with lists where our files have tuples: lm-eval asks `isinstance(…, list)`."""
    if isinstance(value, Mapping):
        return {key: _lists(each) for key, each in value.items()}
    return [_lists(each) for each in value] if isinstance(value, (tuple, list)) else value


def _renderer(template: str, *, choices: bool, lists: bool) -> Callable[[Row], Any]:
    """What lm-eval does with a template (its `doc_to_text` and `doc_to_target`), compiled once instead of for each row.

    lm-eval's way takes 0.4 ms a text, which is most of the time of a small evaluation.
    """
    compiled = lm_eval.utils.env.from_string(template)

    def render(doc: Row) -> Any:
        if template in doc:
            return doc[template]
        text = compiled.render(**doc)
        if choices and text.isdigit():
            return ast.literal_eval(text)
        if lists and len(text) >= 2 and text[0] == "[" and text[-1] == "]":
            try:
                return ast.literal_eval(text)
            except (SyntaxError, ValueError):
                return text
        return text

    return render


def _table(docs: Sequence[Row]) -> Any:
    import datasets

    return datasets.Dataset.from_list(list(docs))


def _processed(config: Mapping[str, Any], exemplars: Sequence[Row]) -> list[Row]:
    return list(config["process_docs"](_table(exemplars))) if exemplars else []


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of lm-eval about settings that are meant, and of sacrebleu about full stops."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "sacrebleu")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
