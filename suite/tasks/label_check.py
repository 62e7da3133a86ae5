"""Labels in the data that a task does not list: each is refused with the first row that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from suite.core.errors import Problem, did_you_mean
from suite.core.labels import as_label
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile

LISTED = 5
"""Unknown labels that are listed one by one: more are probably no labels at all, but texts."""
SHOWN = 12
"""Known labels that a line names."""


def unknown_labels(task: TaskFile, rows: Rows, answers: Sequence[Sequence[str]]) -> Iterator[Problem]:
    """A problem for each right answer of some rows that is none of the task's labels; none for a task without labels.

    Labels are read as scoring reads them: case, spaces and ways to write a number make no difference.
    """
    if not task.labels:
        return
    unknown = [
        (one, index) for index, right in enumerate(answers) for one in right if as_label(one, task.labels) is None
    ]
    first = dict(reversed(unknown))
    for label, count in list(Counter(one for one, _ in unknown).items())[:LISTED]:
        where = f"{'1 row' if count == 1 else f'{count} rows'} of {rows.source}"
        what = f"the label '{_short(label)}' is none of task '{task.name}' ({where})"
        yield Problem(rows.place(first[label]), what, f"{_known(label, task.labels)}; or list it in `metadata.labels`")
    if len(first) > LISTED:
        yield Problem(str(task.path), f"{len(first) - LISTED} more labels of {rows.source} are none of '{task.name}'")


def _known(label: str, labels: Sequence[str]) -> str:
    """``did you mean 'x'? known: x, y``."""
    named = "known: " + ", ".join(labels[:SHOWN]) + (f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")
    near = did_you_mean(label, labels)
    return f"{near} {named}" if near.endswith("?") else named


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
