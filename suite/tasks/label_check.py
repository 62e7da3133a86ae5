"""Reject labels in the data that the task does not list; each is reported with its first row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from suite.core.errors import Problem, did_you_mean
from suite.core.labels import as_label
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile

LISTED = 5
"""Maximum number of unknown labels in messages; more are probably texts, not labels."""
SHOWN = 12
"""Maximum number of known labels in a line."""


def unknown_labels(task: TaskFile, rows: Rows, answers: Sequence[Sequence[str]]) -> Iterator[Problem]:
    """Problems of right answers that are not labels of the task; none for a task without labels.

    Labels are compared as in scoring: case, spaces and number formats are ignored.
    """
    if not task.labels:
        return
    unknown = [
        (one, index) for index, right in enumerate(answers) for one in right if as_label(one, task.labels) is None
    ]
    first = dict(reversed(unknown))
    for label, count in list(Counter(one for one, _ in unknown).items())[:LISTED]:
        where = f"{'1 row' if count == 1 else f'{count} rows'} of {rows.source}"
        what = f"task '{task.name}' does not list the label '{_short(label)}' ({where})"
        yield Problem(rows.place(first[label]), what, f"{_known(label, task.labels)}; or add it to {_lists(task)}")
    if len(first) > LISTED:
        yield Problem(
            str(task.path), f"task '{task.name}' does not list {len(first) - LISTED} more labels of {rows.source}"
        )


def _lists(task: TaskFile) -> str:
    """Where the labels of a task are listed: as classes, and for the filters that read them from an answer."""
    places = [("`metadata.labels`", task.where("metadata", "labels"))]
    if not (task.config.get("metadata") or {}).get("labels"):
        places = [("`doc_to_choice`", task.where("doc_to_choice"))]
    for index, pipeline in enumerate(task.config.get("filter_list") or ()):
        for step, given in enumerate(pipeline["filter"]):
            if isinstance(given, Mapping) and "labels" in given:
                where = task.where("filter_list", index, "filter", step, "labels")
                places.append((f"the labels of the filter {given['function']}", where))
    file = places[0][1].rpartition(":")[0]
    told = [(name, where.replace(f"{file}:", "line ") if at else where) for at, (name, where) in enumerate(places)]
    return " and to ".join(f"{name} ({where})" for name, where in told)


def _known(label: str, labels: Sequence[str]) -> str:
    """A hint: ``did you mean 'x'? known: x, y``."""
    named = "known: " + ", ".join(labels[:SHOWN]) + (f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")
    near = did_you_mean(label, labels)
    return f"{near} {named}" if near.endswith("?") else named


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
