"""Scores of written answers, as functions of references and an answer; light, so that plans can use them.

An answer is right if it is right for one of its references: each metric takes the best over them. Differences from
lm-eval are listed in docs/scoring.md; the table (`suite.core.metrics`) defines each metric.
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
    """A metric with a task's settings."""

    name: str
    options: Options = field(default_factory=dict)
    """Its `metric_list` entry without the name: `{ignore_case: true}`."""
    language: str = "en"
    """Language of the references; it decides how texts are split into words."""
    labels: tuple[str, ...] = ()
    """The task's classes, for metrics of classes."""
    python: PythonMetric | None = None
    """The user's function if the name is `module:function`."""
    outside: MetricDefinition | None = None
    """Its definition if a package or a workspace adds it."""

    @property
    def definition(self) -> MetricDefinition | None:
        """Its definition; None for the user's functions and for metrics that only lm-eval knows."""
        return self.outside or metric_named(self.name)

    @property
    def settings(self) -> MetricSettings:
        """The task's settings of it."""
        return MetricSettings(self.options, self.language, self.labels)

    @property
    def factor(self) -> float:
        """Factor from computed to stored values: 100 for shares."""
        if self.definition is None:
            return 1.0 if self.python is None else 100.0
        return self.definition.factor

    @property
    def of_all_answers(self) -> bool:
        """Whether it scores all answers together and none separately."""
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
        """Whether it runs answers as programs."""
        return self.definition is not None and self.definition.runs_programs

    @property
    def computed(self) -> bool:
        """Whether it is computed here, from the texts of answers."""
        return self.python is not None or (self.definition is not None and self.definition.computed)

    @property
    def of_the_user(self) -> bool:
        """Whether it is the user's code, which may take long or fail."""
        return self.python is not None or self.outside is not None


def metric_of(task: TaskFile, name: str, options: Options) -> Metric:
    """A metric with a task's settings."""
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
    """An answer's score, 0 to 1: the best over the references, with composed accents.

    A user's function gets all references at once. Raises SuiteError if the user's code fails.
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
    """The tokenizer with which a corpus metric splits texts into words."""
    definition = metric.definition
    return DEFAULT_BLEU if definition is None or definition.tokenizer is None else definition.tokenizer(metric.language)


def words(metric: Metric, text: str) -> list[str]:
    """The words of a text as a corpus metric counts them."""
    return bleu_words(text, bleu_tokenizer(metric.language))
