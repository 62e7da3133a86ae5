"""Questions of reported rows that stand somewhere within longer texts, such as documents of pretraining."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from suite.tasks.data import Row, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.identity import Identities
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.sameness import normalised
from suite.tasks.templates import Unfit

_BEGINNING: Final = 4
"""Words by which a question is looked up; a shorter one is not looked for, as it would be found by chance."""


def contained(task: TaskFile, reported: Rows, texts: TaskFile, rows: Rows) -> Mapping[int, int]:
    """Index of a reported row -> index of the first text that contains its whole question, word by word.

    The texts are prompts and answers of a task's rows. Rows that templates do not render are not looked for.
    """
    questions: dict[tuple[str, ...], list[tuple[list[str], int]]] = defaultdict(list)
    for place, words in enumerate(_words(task, reported, answers=False)):
        if len(words) >= _BEGINNING:
            questions[tuple(words[:_BEGINNING])].append((words, place))
    found: dict[int, int] = {}
    for number, words in enumerate(_words(texts, rows, answers=True)):
        for start in range(len(words) - _BEGINNING + 1):
            for question, place in questions.get(tuple(words[start : start + _BEGINNING]), ()):
                if words[start : start + len(question)] == question:
                    found.setdefault(place, number)
    return dict(sorted(found.items()))


def _words(task: TaskFile, rows: Rows, *, answers: bool) -> list[list[str]]:
    texts = Identities(task, fields_of(rows.docs)).texts
    if texts is None:  # Python functions or filters of lm-eval make its prompts
        return [[] for _ in rows.docs]
    return [_row_words(texts, row, answers=answers) for row in rows.docs]


def _row_words(texts: Texts, row: Row, *, answers: bool) -> list[str]:
    try:
        parts = [str(texts.question(row)), *(texts.references(row) if answers else ())]
    except Unfit:
        return []
    return normalised(" ".join(parts)).split()
