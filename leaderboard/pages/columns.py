"""The columns of a track's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import numbers
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Cell, Row


@dataclass(frozen=True)
class TableColumn:
    """A column of a table; tables can be sorted by it."""

    label: str
    title: str
    kind: str
    """`text` or `number`."""
    key: str
    """The column's name in the page's address; equal columns of a page's tables share it."""


@dataclass(frozen=True)
class ColumnGroup:
    """Columns under one heading."""

    label: str
    title: str
    columns: tuple[TableColumn, ...]
    key: str
    """The group's name in the page's address."""
    href: str = ""
    """Link to a page about it."""
    extra: bool = False
    """Whether the group starts collapsed."""


def column_groups(urls: TrackUrls, rows: Sequence[Row], targets: tuple[str, ...]) -> tuple[ColumnGroup, ...]:
    """The columns of the table of these rows, which were trained for the targets."""
    board, over = urls.board, "with its 95\u00a0% interval"
    target = [
        TableColumn(
            task_label(rows, role),
            f"change of the score on {role}, the task that was trained for, from the pretrained model’s, {over}",
            "number",
            f"target.{role}",
        )
        for role in targets
    ]
    kept = [
        TableColumn(
            numbers.shots(n),
            f"change of the mean over the held-out tasks, {numbers.shots(n)}, from the pretrained model’s, {over}",
            "number",
            f"kept.{n}",
        )
        for n in board.shots
    ]
    ratio = TableColumn(
        "Format ratio",
        "% of held-out answers that have the target’s format: its labels, or its language",
        "number",
        "format",
    )
    costs = (
        TableColumn("Parameters", "parameters that were trained", "number", "parameters"),
        TableColumn("Time", "of training, with prerequisites and all tries; mean over seeds", "number", "time"),
        TableColumn("Memory", "peak memory of training", "number", "memory"),
        TableColumn("Artifact", "size of what training saves", "number", "artifact"),
    )
    tasks = tuple(
        ColumnGroup(
            task_label(rows, role),
            f"held-out task {role}",
            tuple(
                TableColumn(numbers.shots(n), f"{role}, {numbers.shots(n)}", "number", f"task.{role}.{n}")
                for n in board.shots
            ),
            f"task.{role}",
            urls.task(role),
            extra=True,
        )
        for role in board.roles
        if board.shots and role not in targets
    )
    return (
        ColumnGroup("Gained", "change on the task that was trained for", tuple(target), "target"),
        *([ColumnGroup("Kept", "change of the mean over the held-out tasks", tuple(kept), "kept")] if kept else []),
        ColumnGroup("Format", "how often the model answers other tasks in the target’s format", (ratio,), "format"),
        ColumnGroup("Cost", "", costs, "cost"),
        *tasks,
    )


def task_label(rows: Sequence[Row], role: str) -> str:
    """A task with its metric."""
    cells_of: list[Cell] = [cell for row in rows for cell in (*row.target_scores, *row.held_out) if cell.role == role]
    metric = next((cell.metric for cell in cells_of if cell.metric), "")
    return f"{role} ({metric})" if metric else role
