"""Scores of written answers, as pure functions of references and an answer; light, so that a plan can use them too.

An answer is right if it is right by one of its references: each metric takes its own best over them. What lm-eval does
otherwise is listed in docs/scoring.md.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from suite.core.corpus import Pair
from suite.core.metrics import metric_named
from suite.core.numbers import same_number
from suite.core.words import DEFAULT_BLEU, bleu_tokenizer, bleu_words, composed, rouge_tokenizer, rouge_words
from suite.tasks.definition import TaskFile
from suite.tasks.latex import last_boxed, same
from suite.tasks.lm_eval_names import NO_OPTIONS
from suite.tasks.metric_checks import metric_names
from suite.tasks.python_metric import PythonMetric
from suite.tasks.text import normalised, symbols_agree, without_punctuation

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

    @property
    def of_all_answers(self) -> bool:
        """Whether it scores all answers together, and none alone."""
        defined = metric_named(self.name)
        return defined is not None and defined.together

    @property
    def of_corpus(self) -> bool:
        """Whether it scores all answers together by their texts."""
        defined = metric_named(self.name)
        return defined is not None and defined.over == "corpus"

    @property
    def of_classes(self) -> bool:
        """Whether it scores all answers together by class."""
        return self.of_all_answers and not self.of_corpus

    @property
    def known(self) -> bool:
        """Whether it is computed here."""
        return self.name in EACH or self.of_all_answers or self.python is not None


def metric_of(task: TaskFile, name: str, options: Options) -> Metric:
    """A metric as a task has it."""
    return Metric(name, options, task.language, task.labels, task.python.get(name))


def metrics_of(task: TaskFile) -> tuple[Metric, ...]:
    """The metrics of a task, in order."""
    given = task.config.get("metric_list")
    if given is None:
        return tuple(metric_of(task, name, {}) for name in metric_names(task.config))
    return tuple(
        metric_of(task, str(each["metric"]), {key: each[key] for key in each if key not in NO_OPTIONS})
        for each in given
    )


def score(metric: Metric, references: Sequence[str], answer: str) -> float:
    """An answer's score, 0 to 1: the best over the references, whichever way their accents are written.

    A function of the user's sees them all at once. Raises SuiteError where it fails.
    """
    if metric.python is not None:
        return metric.python.score(references, answer)
    value, said = EACH[metric.name], composed(answer)
    return max(value(composed(reference), said, metric) for reference in references)


def of_all(metric: Metric, pairs: Sequence[Pair]) -> float:
    """The score of all answers together, 0 to 100."""
    defined = metric_named(metric.name)
    assert defined is not None
    return defined.corpus_score(pairs, tokenizer(metric))


def tokenizer(metric: Metric) -> str:
    """How a metric of all answers splits texts into words."""
    defined = metric_named(metric.name)
    return DEFAULT_BLEU if defined is None or defined.tokenizer is None else defined.tokenizer(metric.language)


def words(metric: Metric, text: str) -> list[str]:
    """The words of a text as a metric of all answers sees them."""
    return bleu_words(text, bleu_tokenizer(metric.language))


def exact_match(reference: str, answer: str, metric: Metric) -> float:
    """1 if both are the same text, except for white space around it and for what the options say to ignore.

    A reference that is ignored as a whole equals nothing, so that the gold check finds it.
    """
    return float(_same_bare(reference, answer, metric.options))


def number_match(reference: str, answer: str, metric: Metric) -> float:
    """1 if both are the same number, however it is written, or the same text; options as for `exact_match`."""
    said, right = _with_punctuation(answer, metric.options), _with_punctuation(reference, metric.options)
    return float(_same_bare(reference, answer, metric.options) or same_number(said, right))


def accuracy(reference: str, answer: str, metric: Metric) -> float:
    """1 if the answer is the reference, white space around it ignored."""
    return float(answer.strip() == reference.strip())


def normalised_match(reference: str, answer: str, metric: Metric) -> float:
    """1 if both are equal without case, punctuation and articles, or with them where a reference is nothing else."""
    said, right = normalised(answer), normalised(reference)
    if not right:
        return float(answer.strip().lower() == reference.strip().lower())
    return float(said == right and symbols_agree(answer, reference))


def math_equal(reference: str, answer: str, metric: Metric) -> float:
    """1 if the answer has in its last box (or is) what the reference has there, but for the way it is written."""
    said, right = last_boxed(answer), last_boxed(reference)
    return float(same(answer if said is None else said, reference if right is None else right))


def rouge(length: int | None) -> Callable[[str, str, Metric], float]:
    """ROUGE's F of two texts: over their n-grams of a length, or (None) over their longest common subsequence.

    A text is all of itself, also where it is too short for an n-gram.
    """

    def value(reference: str, answer: str, metric: Metric) -> float:
        tokenizer = rouge_tokenizer(metric.language)
        right, said = rouge_words(reference, tokenizer), rouge_words(answer, tokenizer)
        if right == said and right:
            return 1.0
        if length is None:
            return _f(_common(right, said), len(right), len(said))
        ours, theirs = _ngrams(said, length), _ngrams(right, length)
        return _f((ours & theirs).total(), theirs.total(), ours.total())

    return value


EACH: Final[dict[str, Callable[[str, str, Metric], float]]] = {
    "exact_match": exact_match,
    "number_match": number_match,
    "accuracy": accuracy,
    "normalised_match": normalised_match,
    "math_equal": math_equal,
    "rouge1": rouge(1),
    "rouge2": rouge(2),
    "rougeL": rouge(None),
}
"""Metrics of one answer: (reference, answer, the metric with its options) -> 0 to 1."""


def _same_bare(reference: str, answer: str, options: Options) -> bool:
    """Whether two texts are equal without what is to be ignored, and something of them is left."""
    right = _bare(reference, options)
    if not right or _bare(answer, options) != right:
        return False
    if not options.get("ignore_punctuation"):
        return True
    return symbols_agree(_with_punctuation(answer, options), _with_punctuation(reference, options))


def _with_punctuation(text: str, options: Options) -> str:
    """A text without what else is to be ignored."""
    return _bare(text, {**options, "ignore_punctuation": False})


def _bare(text: str, options: Options) -> str:
    """A text without what is to be ignored, in the order of lm-eval's `exact_match`."""
    for pattern in options.get("regexes_to_ignore") or ():
        text = re.sub(pattern, "", text)
    if options.get("ignore_case"):
        text = text.lower()
    if options.get("ignore_punctuation"):
        text = without_punctuation(text)
    if options.get("ignore_numbers"):
        text = text.translate(str.maketrans("", "", string.digits))
    return text.strip()


def _ngrams(tokens: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[at : at + length]) for at in range(len(tokens) - length + 1))


def _common(right: Sequence[str], said: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(said) + 1)
    for one in right:
        before = 0
        for place, other in enumerate(said, 1):
            before, row[place] = row[place], before + 1 if one == other else max(row[place], row[place - 1])
    return row[-1]


def _f(both: int, right: int, said: int) -> float:
    precision, recall = both / max(said, 1), both / max(right, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
