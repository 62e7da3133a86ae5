"""Nothing that is reported was trained on or shown: rows are compared by their content before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.errors import SuiteError
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile


def overlaps(rows: Rows, reported: Rows) -> tuple[str, ...]:
    """The hashes of the contents that are on both sides, sorted, each once."""
    return tuple(sorted(set(rows.hashes) & set(reported.hashes)))


def check_leaks(task: TaskFile, training: Mapping[str, Rows], exemplars: Rows | None, reported: Rows) -> list[str]:
    """What is to be noted: the listed exceptions, and exemplar rows that are left out of the draw.

    `training` holds the rows of every role that is trained on. Raises SuiteError if some of them are reported, and the
    task does not list as many under `metadata.known_overlap`.
    """
    notes: list[str] = []
    known: Mapping[str, Any] = task.metadata.get("known_overlap") or {"count": 0}
    for role, rows in training.items():
        found = overlaps(rows, reported)
        if len(found) > known["count"]:
            raise SuiteError(
                f"'{task.name}' reports {_rows(len(found))} of {reported.source} that '{role}' trains on "
                f"({rows.source}), first {found[0][:12]}",
                where=str(task.path),
                fix="cut the splits apart (`metadata.splits`), or list them: "
                "`metadata: {known_overlap: {count: …, reason: …}}`",
            )
        if found:
            notes.append(f"{task.name}: reports {_rows(len(found))} that {role} trains on: {known['reason']}")
    left_out = overlaps(exemplars, reported) if exemplars else ()
    if left_out:
        notes.append(f"{task.name}: leaves {_rows(len(left_out))} out of the exemplars, as they are reported")
    return notes


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
