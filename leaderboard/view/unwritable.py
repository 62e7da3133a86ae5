"""Warnings about tasks whose right answers the model cannot write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suite.analysis.board import Cell


@dataclass(frozen=True)
class UnwritableTask:
    """A task with right answers that the model cannot write."""

    role: str
    documents: int
    """Number of documents with such an answer."""
    total: int

    @property
    def text(self) -> str:
        """The warning after the task's name."""
        why = "its tokenizer lacks them, or the task’s token limit is too small"
        if self.documents >= self.total:
            end = "Training does not change that. Scores on this task say nothing about the methods."
            return f"the model cannot write any right answer ({why}). {end}"
        which = f"{self.documents} of {self.total} documents"
        return f"the model cannot write the right answers to {which} ({why}). They are scored as wrong for all rows."


def unwritable_tasks(cells: Iterable[Cell]) -> tuple[UnwritableTask, ...]:
    """The tasks among these scores with right answers that the model cannot write, in their order."""
    tasks: dict[str, UnwritableTask] = {}
    for cell in cells:
        if cell.unwritable > (tasks[cell.role].documents if cell.role in tasks else 0):
            tasks[cell.role] = UnwritableTask(cell.role, cell.unwritable, cell.documents)
    return tuple(tasks.values())
