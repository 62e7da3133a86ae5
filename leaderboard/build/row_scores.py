"""A row's scores, document by document, as data for the comparison of two rows and for the view of answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leaderboard.build.cache import Written
from leaderboard.data.answers import TaskAnswers, answer_chunks, answers_by_task, chunk_counts, chunk_paths
from leaderboard.data.difficulty import AnswerPass, remember
from leaderboard.data.experiment_records import RowRecords
from leaderboard.data.js_data import File, script
from leaderboard.view import numbers
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Row
from suite.results.store import ResultsReader
from suite.stats import Estimate


def row_files(
    store: ResultsReader, urls: TrackUrls, row: Row, row_records: RowRecords, answer_pass: AnswerPass
) -> Iterator[File | Written]:
    """Yield a row's scores and the chunks of its answers, then a `Written` that lists these files."""
    tasks: list[dict[str, Any]] = []
    chunks: dict[str, int] = {}
    answered: list[Any] = []
    for (role, shots), sheet in answers_by_task(store, row_records):
        chunks |= chunk_counts(sheet)
        for column in sheet.columns:
            scored = zip(column.answers.doc_id, column.answers.value, strict=True)
            scores = ((document, value) for document, value in scored if value is not None)
            remember(answer_pass, (urls.slug, role, shots), column.step, column.document_set, scores)
            answered.append([role, shots, column.step, column.document_set])
        yield from answer_chunks(sheet, answer_pass.written)
        tasks.append(_task(row, role, shots, sheet))
    yield script(
        urls.scores(row),
        {
            "name": row.name,
            "method": row.method,
            "track": urls.board.title,
            "board": urls.page,
            "page": urls.row(row),
            "targets": list(row.targets),
            "seeds": list(row.seeds),
            "averages": {str(shots): _estimate(average) for shots, average in row.norm_avg.items()},
            "tasks": tasks,
        },
    )
    paths = [urls.scores(row), *(path for name_and_count in chunks.items() for path in chunk_paths(*name_and_count))]
    yield Written(tuple(paths), [list(chunks.items()), answered])


def _task(row: Row, role: str, shots: int, sheet: TaskAnswers) -> dict[str, Any]:
    cell = next(
        (cell for cell in (*row.target_scores, *row.held_out) if (cell.role, cell.shots) == (role, shots)), None
    )
    return {
        "key": f"{role}.{shots}",
        "label": f"{role}, {numbers.shots(shots)}",
        "target": role in row.targets,
        "metric": cell.metric if cell else "",
        "score": _estimate(cell.score if cell else None),
        "sheet": sheet.name,
        "columns": [
            {
                "seeds": list(column.seeds),
                "documents": column.documents,
                "asked": column.document_set,
                "count": len(column.answers),
                "values": column.values,
            }
            for column in sheet.columns
        ],
    }


def _estimate(score: Estimate | None) -> list[float | str] | None:
    """[value, interval as shown]; None without a score."""
    if score is None:
        return None
    return [round(score.value, 6), numbers.margin(score)]
