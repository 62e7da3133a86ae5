"""lm-eval's task object with our templates, filters and metrics in place of its own, where these are wrong."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from functools import partial
from typing import Any

from lm_eval.api.metrics import f1_score, matthews_corrcoef
from lm_eval.api.task import ConfigurableTask

import suite.tasks.filters  # noqa: F401  (registers what task files name)
from suite.core.chat import ChatFormat
from suite.core.confusion import Measured
from suite.core.errors import SuiteError
from suite.core.metrics import score_of_choices, score_of_labels
from suite.sandbox.judging import Program, ProgramOutcome, parted, run_programs
from suite.tasks.data import Row
from suite.tasks.definition import TaskFile
from suite.tasks.metrics import register_own
from suite.tasks.reading import readers, written
from suite.tasks.scoring import Metric, metric_of, of_all, score
from suite.tasks.templates import as_text, compiled


class LoadedTask(ConfigurableTask):  # type: ignore[misc]
    """lm-eval's task, without its progress bar, and with the file it was made of."""

    def __init__(
        self, task: TaskFile, config: Mapping[str, Any], place: Callable[[Row], str],
        before: Mapping[str, Callable[[Row], str]] | None = None, chat: ChatFormat | None = None,
    ) -> None:  # fmt: skip
        """`place` tells where a row stands; `before` renders descriptions and prefixes of answers."""
        self.file, self._place, self.chat = task, place, chat
        self._before = before or {}
        samples = (config.get("fewshot_config") or {}).get("samples") or ()
        self._exemplars = {id(row): row for row in samples}
        self._texts: dict[tuple[str, int, int], Any] = {}
        register_own()
        super().__init__(config=dict(config))
        template = task.metadata.get("program")
        self._program = None if template is None else compiled(template)
        written = self.OUTPUT_TYPE == "generate_until"
        self._choices = 0
        self._readers = readers(task, chat=chat is not None) if written and not task.builtin else None

    def doc_to_text(self, doc: Row, doc_to_text: Any = None) -> Any:
        """As lm-eval does; an exemplar's is made once, not once for each document."""
        return self._once(super().doc_to_text, doc, doc_to_text)

    def doc_to_target(self, doc: Row, doc_to_target: Any = None) -> Any:
        """As lm-eval does; an exemplar's is made once."""
        return self._once(super().doc_to_target, doc, doc_to_target)

    def doc_to_prefix(self, doc: Row) -> Any:
        """The `gen_prefix` of a document, by our templates where the task is ours."""
        render = self._before.get(self.config.gen_prefix)
        return super().doc_to_prefix(doc) if render is None else render(doc)

    def resolve_field(self, doc: Row, field: str | None = None) -> Any:
        """The description of a document, or the `gen_prefix` of an exemplar."""
        render = self._before.get(field or "")
        return super().resolve_field(doc, field) if render is None else render(doc)

    def fewshot_context(self, doc: Row, num_fewshot: int, **options: Any) -> Any:
        """As lm-eval does; as its `--apply_chat_template` does where the model is asked as a chat."""
        asked = options if self.chat is None else {**options, **self.chat.of_lm_eval}
        return super().fewshot_context(doc, num_fewshot=num_fewshot, **asked)

    def construct_requests(self, doc: Row, ctx: Any, **options: Any) -> Any:
        """As lm-eval does; of a chat, a choice follows without a delimiter."""
        asked = options if self.chat is None else {**options, "apply_chat_template": True}
        return super().construct_requests(doc, ctx, **asked)

    def _once(self, make: Callable[[Row, Any], Any], doc: Row, template: Any) -> Any:
        if self._exemplars.get(id(doc)) is not doc:
            return make(doc, template)
        key = (make.__name__, id(doc), id(template))
        if key not in self._texts:
            self._texts[key] = make(doc, template)
        return self._texts[key]

    def apply_filters(self) -> Any:
        """What is read from each output, by pipeline; programs are then run side by side, before each is asked for."""
        if self._readers is None:
            done = super().apply_filters()
        else:
            for instance in self.instances:
                for name, read in self._readers.items():
                    instance.filtered_resps[name] = read(instance.resps[0], instance.doc)
            done = self.instances
        if self._program is not None:
            answers = [(one.doc, answer) for one in self.instances for answer in one.filtered_resps.values()]
            run_programs([self._program_of(doc, answer) for doc, answer in answers])
        return done

    def process_results(self, doc: Row, results: Sequence[Any]) -> Mapping[str, Any]:
        """The metrics of a document; a program is right if its tests run to their end."""
        if self._program is not None:
            passed = float(self.outcome(doc, results[0]).passed)
            return {name: passed for name in self._metric_fn_list if self.metric(name).of_programs}
        if self.OUTPUT_TYPE == "generate_until" and not callable(self.config.process_results):
            answer = results[0]
            return self._scores(doc, str(answer[0] if isinstance(answer, list) and answer else answer))
        if self.OUTPUT_TYPE == "multiple_choice":  # lm-eval asks the first row how many answers are right
            target = self.doc_to_target(doc)
            self.multiple_target = len(target) if isinstance(target, list) else 0
            self._choices = max(self._choices, len(self.doc_to_choice(doc)))
        scores: Mapping[str, Any] = super().process_results(doc, results)
        return scores

    def aggregation(self) -> dict[str, Any]:
        """lm-eval's, and ours of metrics of all answers, which take as many references of a document as there are."""
        aggregations: dict[str, Any] = dict(super().aggregation())
        metrics = {name: self.metric(name) for name in aggregations}
        aggregations |= {name: partial(of_all, metric) for name, metric in metrics.items() if metric.of_corpus}
        by_class = {name: partial(self._class_value, name) for name, metric in metrics.items() if metric.of_classes}
        return aggregations | by_class

    def class_score(self, name: str, values: Sequence[Any]) -> Measured:
        """A metric of classes of what `process_results` gives for each document."""
        metric, theirs = self.metric(name), super().aggregation()[name]
        assert metric.definition is not None
        if metric.outside is None and theirs not in (f1_score, matthews_corrcoef):  # a task of lm-eval's has its own
            return Measured(float(theirs(values)), None)
        if self.OUTPUT_TYPE != "multiple_choice":
            return score_of_labels(metric.definition, metric.settings, values)
        if any(isinstance(right, int) and right < 0 for right, _ in values):  # its mark for rows without a right choice
            return Measured(float(theirs(values)), None)
        return score_of_choices(metric.definition, metric.settings, values, self._choices)

    def _class_value(self, name: str, values: Sequence[Any]) -> float:
        return self.class_score(name, values).value

    def metric(self, name: str) -> Metric:
        """A metric as this task has it."""
        return metric_of(self.file, name, self._metric_fn_kwargs.get(name, {}))

    def _scores(self, doc: Row, answer: str) -> dict[str, Any]:
        """Of a written answer, every metric's best over the references."""
        right = references(self, doc)
        scores: dict[str, Any] = {}
        for name, function in self._metric_fn_list.items():
            metric = self.metric(name)
            if metric.of_all_answers:
                scores[name] = (right, answer)
            elif metric.of_the_user:
                scores[name] = self._score_of_the_user(metric, doc, right, answer)
            elif metric.computed and not self.file.builtin:
                scores[name] = score(metric, right, answer)
            else:
                scores |= _best(name, [_of_lm_eval(function, one, answer, metric.options) for one in right])
        return scores

    def _score_of_the_user(self, metric: Metric, doc: Row, right: Sequence[str], answer: str) -> float:
        """A score by code of the user's. Raises SuiteError with the row where it fails."""
        try:
            return score(metric, right, answer)
        except SuiteError as error:
            (problem,) = error.problems
            what = f"{problem.what}, on {self._place(doc)} with the answer {answer[:40]!r}"
            raise SuiteError(what, where=problem.where, fix=problem.fix) from error

    @property
    def of_programs(self) -> bool:
        """Whether answers are programs."""
        return self._program is not None

    def outcome(self, doc: Row, answer: Any) -> ProgramOutcome:
        """How an answer that is a program ended; run once, whoever asks."""
        (outcome,) = run_programs([self._program_of(doc, answer)])
        return outcome

    def _program_of(self, doc: Row, answer: Any) -> Program:
        """The program of `metadata.program`."""
        render = self._program
        assert render is not None
        right = None
        if self._readers is not None:
            read = next(iter(self._readers.values()))
            right = read(written(self.file, references(self, doc)[0], chat=self.chat is not None), doc)
        return parted(lambda row: as_text(render(row)), doc, answer, right)

    def build_all_requests(self, **options: Any) -> None:
        """As lm-eval does; its bar is written to standard error and cannot be turned off otherwise."""
        with redirect_stderr(io.StringIO()):
            super().build_all_requests(**options)


def question(task: ConfigurableTask, doc: Row) -> str:
    """A document's own prompt, without exemplars and description."""
    text = task.doc_to_text(doc)
    return str(task.doc_to_choice(doc)[text]) if isinstance(text, int) else str(text)


def references(task: ConfigurableTask, doc: Row) -> tuple[str, ...]:
    """The right answers of a document, as texts; the first is the one that exemplars show."""
    target = task.doc_to_target(doc)
    targets: Iterable[Any] = target if isinstance(target, list) else (target,)
    choices = None if task.config.doc_to_choice is None else task.doc_to_choice(doc)
    return tuple(str(choices[one]) if choices and isinstance(one, int) else str(one) for one in targets)


def target_text(task: ConfigurableTask, doc: Row) -> str:
    """The answer that is trained on: the one that an exemplar would show."""
    return references(task, doc)[0]


def _of_lm_eval(function: Any, reference: str, answer: str, options: Mapping[str, Any]) -> Any:
    """A metric of lm-eval's of one reference: a number, or a mapping of several."""
    try:
        return function(references=[reference], predictions=[answer], **options)
    except TypeError:  # its own metrics have another interface than those of Hugging Face's `evaluate`
        return function([reference, answer])


def _best(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Take the best of each number over the references, and other values from the first reference."""
    by_reference = [value if isinstance(value, Mapping) else {name: value} for value in values]
    best = dict(by_reference[0])
    for scores in by_reference[1:]:
        for key, value in scores.items():
            if isinstance(value, (int, float)) and isinstance(best.get(key), (int, float)):
                best[key] = max(best[key], value)
    return best
