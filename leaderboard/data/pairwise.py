"""Comparisons of every two rows of a track as data for the comparison page; the same numbers as `suite compare`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaderboard.data.js_data import File, script
from leaderboard.view.urls import TrackUrls
from suite.analysis.board.compare import Comparison, TaskDifference
from suite.analysis.board.pairs import comparisons
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast

MOST = 100_000
"""The most differences (pairs of rows × tasks) that a track's pages hold: 100 rows of 20 tasks take 4 s and 5 MB."""


def compared(urls: TrackUrls) -> bool:
    """Whether a track has few enough rows to compare every two of them."""
    rows = urls.board.rows
    tasks = max((len(row.target_scores) + len(row.held_out) for row in rows), default=0)
    return len(rows) * (len(rows) - 1) // 2 * tasks <= MOST


def pairwise_files(store: ResultsReader, urls: TrackUrls, records: Mapping[str, ExperimentRecord]) -> Iterator[File]:
    """Yield a file for each row except the last: its comparisons with the rows after it, in the order of the table."""
    rows = urls.board.rows
    if not compared(urls) or len(rows) < 2:
        return
    members = [ExperimentResults.of_many(store, [records[name] for name in row.experiments]) for row in rows]
    for index, comparisons_of_row in zip(
        range(len(rows) - 1), comparisons(store, urls.board.track, members), strict=False
    ):
        tasks = [f"{role}.{shots}" for role, shots in members[index][0].evaluations()]
        comparisons_by_key = {
            urls.key(rows[other]): _comparison(tasks, comparison) for other, comparison in comparisons_of_row.items()
        }
        yield script(urls.pairs(rows[index]), {"tasks": tasks, "rows": comparisons_by_key})


def _comparison(tasks: Sequence[str], comparison: Comparison) -> list[Any]:
    """[the tasks' differences in the order of `tasks`, shots -> the difference in the held-out average]."""
    by_key = {f"{task.role}.{task.shots}": task for task in comparison.tasks}
    by_task = [_task(by_key[key]) if key in by_key else None for key in tasks]
    return [by_task, {str(shots): [*_numbers(contrast, contrast.p), contrast.documents, contrast.seeds]
                     for shots, contrast in comparison.averages.items()}]  # fmt: skip


def _task(task: TaskDifference) -> list[Any] | str:
    """The numbers as they are shown, or the reason why there are none."""
    difference = task.difference
    if difference is None:
        return task.why
    return [*_numbers(difference, task.corrected), difference.documents, difference.seeds, task.won, task.lost]


def _numbers(contrast: Contrast, p: float | None) -> list[Any]:
    """[difference, half-width of the interval (or both ends if it is asymmetric), p, minimum detectable effect].

    A p of 0 means less than 0.001; None means that nothing can differ. Numbers are rounded here, so that Python and
    JavaScript cannot round a half differently.
    """
    shown_p = None if p is None or not contrast.spread.stderr else 0 if p < 0.001 else round(p, 3)
    half = contrast.estimate.half
    interval = [round(contrast.low, 1), round(contrast.high, 1)] if half is None else round(half, 1)
    return [round(contrast.value, 1) + 0.0, interval, shown_p, round(contrast.resolvable, 1)]
