"""Notes in a plan about right answers that miss full marks by their own task's filters and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from suite.core.errors import Problem, SuiteError
from suite.core.metrics import IGNORING, metric_named
from suite.core.words import bleu_tokenizer, missing_tokenizer
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile
from suite.tasks.gold import Misses, gold
from suite.tasks.metric_checks import metric_names, runs_programs

HALF: Final = 0.5
"""Above this share of rows, the template, filter or metric is the likely cause, not single rows."""
_LONGEST: Final = 60


def gold_notes(used: Sequence[tuple[TaskFile, Rows]]) -> list[str]:
    """Notes about the right answers of rows that are trained on, shown or reported.

    Raises SuiteError for rows that their templates do not fit. Raises it also if more right answers miss full marks in
    the primary metric than the task allows (`metadata.gold_misses`).
    """
    problems: list[Problem] = []
    notes: list[str] = []
    for task, rows in used:
        try:
            misses = gold(task, rows)
        except SuiteError as error:
            problems += error.problems
            continue
        for missed in misses:
            limit = 1 - 1e-9 if runs_programs([missed.metric]) else task.gold_misses
            refused = missed.primary and missed.share > limit
            if refused:
                where = missed.rows[0].place if missed.rows else str(task.path)
                problems.append(Problem(where, misses_line(task, rows, missed), _remedy(task, missed)))
            else:
                first = f", first {missed.rows[0].place}" if missed.rows else ""
                notes.append(f"{misses_line(task, rows, missed)}{first}")
        notes += _tokenizers(task)
    if problems:
        raise SuiteError.of(problems)
    return list(dict.fromkeys(notes))


def misses_line(task: TaskFile, rows: Rows, misses: Misses) -> str:
    """One line about the right answers that miss full marks: their number, and what was parsed from the first."""
    metric = misses.metric if misses.pipeline == "none" else f"{misses.metric} (filter {misses.pipeline})"
    if misses.corpus is not None:
        return f"{task.name}: the right answers of {rows.source} themselves score {misses.corpus:.1f} in {metric}"
    first, count = misses.rows[0], len(misses.rows)
    what = f"{count} of {misses.tried} right answers of {rows.source} {'miss' if count > 1 else 'misses'} full marks"
    if runs_programs([misses.metric]):
        return f"{task.name}: {what} in {metric}: {_short(first.read)}"
    return f"{task.name}: {what} in {metric}: '{_short(first.read)}' is read from '{_short(first.reference)}'"


def _remedy(task: TaskFile, misses: Misses) -> str:
    if misses.corpus is not None:
        return "give the `language` of the answers in `metadata`, or name a metric that reads short texts, such as chrf"
    if runs_programs([misses.metric]):
        return "fix `metadata.program`, the target or `target_delimiter`"
    first, metric = misses.rows[0], task.metric(misses.metric)
    if metric is not None and metric.tokenizer and first.read == first.reference and not first.read.isascii():
        return "give the `language` of the answers in `metadata`: it decides what a word is"
    if metric is not None and metric.options & IGNORING and first.read.strip() == first.reference.strip():
        return "fix the metric's options: they ignore all of this answer"
    if misses.share > HALF:
        return "fix the template, the filter or the metric"
    share = -(-len(misses.rows) * 1000 // misses.tried) / 1000
    return f"fix the row, the filter or the metric, or allow it: `metadata: {{gold_misses: {share:g}}}`"


def _tokenizers(task: TaskFile) -> Iterator[str]:
    """Yield a note about what to install so that a language is split into words."""
    install = missing_tokenizer(task.language)
    if install and any(map(_splits_as_bleu, metric_names(task.config))):
        yield f"{task.name}: BLEU counts characters, as no tokenizer of words is installed ({install})"


def _splits_as_bleu(name: str) -> bool:
    metric = metric_named(name)
    return metric is not None and metric.tokenizer is bleu_tokenizer


def _short(text: str) -> str:
    """A text on one line; of a long text the end, where the answer is."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"…{line[1 - _LONGEST :]}"
