"""Scores of written answers, as pure functions of references and an answer; light, so that a plan can use them too.

An answer is right if it is right by one of its references: each metric takes its own best over them. What lm-eval does
otherwise is listed in docs/scoring.md; how a metric scores is in the table (`suite.core.metrics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.core.corpus import Pair
from suite.core.metrics import MetricDefinition, MetricSettings, metric_named
from suite.core.words import DEFAULT_BLEU, bleu_tokenizer, bleu_words, composed
from suite.tasks.definition import TaskFile
from suite.tasks.lm_eval_names import NO_OPTIONS
from suite.tasks.metric_checks import metric_names
from suite.tasks.python_metric import PythonMetric

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """A metric as a task names it."""

    name: str
    options: Options = field(default_factory=dict)
    """What `metric_list` says beside its name: `{ignore_case: true}`."""
    language: str = "en"
    """The language of the references: it decides what a word is."""
    labels: tuple[str, ...] = ()
    """The classes of the task, for metrics of classes."""
    python: PythonMetric | None = None
    """The user's function, where the name is `module:function`."""
    outside: MetricDefinition | None = None
    """What it is, where a package or a workspace adds it."""

    @property
    def definition(self) -> MetricDefinition | None:
        """What it is; None for the user's functions, and for what lm-eval alone knows."""
        return self.outside or metric_named(self.name)

    @property
    def settings(self) -> MetricSettings:
        """What the task says of it."""
        return MetricSettings(self.options, self.language, self.labels)

    @property
    def factor(self) -> float:
        """What its value is multiplied with to be stored and shown: shares lie on 0 to 100."""
        if self.definition is None:
            return 1.0 if self.python is None else 100.0
        return self.definition.factor

    @property
    def of_all_answers(self) -> bool:
        """Whether it scores all answers together, and none alone."""
        return self.definition is not None and self.definition.together

    @property
    def of_corpus(self) -> bool:
        """Whether it scores all answers together by their texts."""
        return self.definition is not None and self.definition.over == "corpus"

    @property
    def of_classes(self) -> bool:
        """Whether it scores all answers together by class."""
        return self.definition is not None and self.definition.over == "classes"

    @property
    def of_programs(self) -> bool:
        """Whether it runs the answers."""
        return self.definition is not None and self.definition.runs_programs

    @property
    def computed(self) -> bool:
        """Whether it is computed here, from the texts of answers."""
        return self.python is not None or (self.definition is not None and self.definition.computed)

    @property
    def of_the_user(self) -> bool:
        """Whether it is code of the user's, which may take long or fail."""
        return self.python is not None or self.outside is not None


def metric_of(task: TaskFile, name: str, options: Options) -> Metric:
    """A metric as a task has it."""
    outside = task.metric(name) if name in task.plugins else None
    return Metric(name, options, task.language, task.labels, task.python.get(name), outside)


def metrics_of(task: TaskFile) -> tuple[Metric, ...]:
    """The metrics of a task, in order."""
    entries = task.config.get("metric_list")
    if entries is None:
        return tuple(metric_of(task, name, {}) for name in metric_names(task.config))
    return tuple(
        metric_of(task, str(entry["metric"]), {key: entry[key] for key in entry if key not in NO_OPTIONS})
        for entry in entries
    )


def score(metric: Metric, references: Sequence[str], answer: str) -> float:
    """An answer's score, 0 to 1: the best over the references, whichever way their accents are written.

    A function of the user's sees them all at once. Raises SuiteError where code of the user's fails.
    """
    if metric.python is not None:
        return metric.python.score(references, answer)
    definition, text, settings = metric.definition, composed(answer), metric.settings
    assert definition is not None
    assert definition.document_score is not None
    return max(definition.document_score(composed(reference), text, settings) for reference in references)


def of_all(metric: Metric, pairs: Sequence[Pair]) -> float:
    """The score of all answers together, 0 to 100."""
    assert metric.definition is not None
    return metric.definition.corpus_score(pairs, tokenizer(metric))


def tokenizer(metric: Metric) -> str:
    """How a metric of all answers splits texts into words."""
    definition = metric.definition
    return DEFAULT_BLEU if definition is None or definition.tokenizer is None else definition.tokenizer(metric.language)


def words(metric: Metric, text: str) -> list[str]:
    """The words of a text as a metric of all answers sees them."""
    return bleu_words(text, bleu_tokenizer(metric.language))
