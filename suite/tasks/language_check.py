"""Detect right answers in another language than the task's: ROUGE, BLEU and TER would lose their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from suite.core.errors import Problem
from suite.core.metrics import metric_named
from suite.core.words import lost_letters
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile
from suite.tasks.metric_checks import metric_names

SHARE: Final = 0.1
"""Minimum share of rows for a problem; names alone cause up to 6 % of such rows in English corpora."""


def lost_words(task: TaskFile, rows: Rows, answers: Sequence[Sequence[str]]) -> Iterator[Problem]:
    """A problem if a metric's tokenizer for the task's language drops letters of the right answers.

    If the task gives no language, any lost letter of a row counts; otherwise, a loss of more than half of the letters.
    """
    given = task.metadata.get("language")
    for metric in metric_names(task.config):
        tokenizer = _tokenizer(metric, task.language)
        if tokenizer is None:
            continue
        least = 0.5 if given else 0.0
        lost = [index for index, right in enumerate(answers) if any(_share(each, tokenizer) > least for each in right)]
        if len(lost) <= SHARE * len(answers):
            continue
        said = f"`language: {given}`" if given else "no `language`, so English"
        what = f"{task.name}: {metric} would lose words of {len(lost)} of {len(answers)} right answers of {rows.source}"
        fix = "give the language of the right answers, as in `metadata: {language: de}`"
        yield Problem(rows.place(lost[0]), f"{what} ({said})", fix if given else f"{fix}, or {{language: en}}")
        return


def _tokenizer(metric: str, language: str) -> str | None:
    known = metric_named(metric)
    return None if known is None or known.tokenizer is None else known.tokenizer(language)


def _share(text: str, tokenizer: str) -> float:
    return lost_letters(text, tokenizer) / max(sum(map(str.isalpha, text)), 1)
