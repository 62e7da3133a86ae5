"""A row's scores, document by document, as data: what the comparison of two rows and the view of answers start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard import numbers
from leaderboard.answers import Sheet, chunk_counts, chunk_paths, chunks_of, sheets_of
from leaderboard.chunks import File, script
from leaderboard.history import History
from leaderboard.kept import Made
from leaderboard.places import Place
from suite.analysis.board import Row
from suite.stats import Estimate
from suite.store import Store


@dataclass
class Hardness:
    """What all rows scored on each document of a task, summed up as they pass by."""

    step: str
    """A step that answered them all, for their texts."""
    sums: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, scores: Iterable[tuple[int, float]]) -> None:
        """Take up one step's scores by document."""
        for number, value in scores:
            self.sums[number] = self.sums.get(number, 0.0) + value
            self.counts[number] = self.counts.get(number, 0) + 1


@dataclass
class Passing:
    """What is remembered while all rows' answers pass by once."""

    written: set[str] = field(default_factory=set)
    """Chunks that are written, over all tracks."""
    seen: set[tuple[str, str, int, str]] = field(default_factory=set)
    """(track, role, shots, step) that hardness has taken up: shared steps count once."""
    hardness: dict[tuple[str, str, int], dict[str, Hardness]] = field(default_factory=dict)
    """(track, role, shots) -> the documents' key -> how hard they are."""


def row_files(
    store: Store, place: Place, row: Row, history: History, passing: Passing, key: str
) -> Iterator[File | Made]:
    """A row's scores, and the chunks of its answers. `key`: what all these are made of."""
    tasks: list[dict[str, Any]] = []
    chunks: dict[str, int] = {}
    asked: list[Any] = []
    for (role, shots), sheet in sheets_of(store, history):
        chunks |= chunk_counts(sheet)
        for column in sheet.columns:
            scored = zip(column.answers.doc_id, column.answers.value, strict=True)
            scores = ((document, value) for document, value in scored if value is not None)
            _remember(passing, (place.slug, role, shots), column.step, column.asked, scores)
            asked.append([role, shots, column.step, column.asked])
        yield from chunks_of(sheet, passing.written)
        tasks.append(_task(row, role, shots, sheet))
    yield script(
        place.scores(row),
        {
            "name": row.name,
            "method": row.method,
            "track": place.board.title,
            "board": place.page,
            "page": place.row(row),
            "targets": list(row.targets),
            "seeds": list(row.seeds),
            "averages": {str(shots): _estimate(average) for shots, average in row.norm_avg.items()},
            "tasks": tasks,
        },
    )
    paths = [place.scores(row), *(path for each in chunks.items() for path in chunk_paths(*each))]
    yield Made(place.scores(row), key, tuple(paths), [list(chunks.items()), asked])


def recall(store: Store, passing: Passing, place: Place, asked: Sequence[Sequence[Any]]) -> None:
    """Take up the scores of a row whose files are kept; `asked` is what was kept of it."""
    scores = store.values([step for _, _, step, _ in asked])
    for role, shots, step, documents in asked:
        pairs = zip(*(each.tolist() for each in scores[step]), strict=True) if step in scores else ()
        _remember(passing, (place.slug, role, shots), step, documents, pairs)


def _remember(
    passing: Passing, key: tuple[str, str, int], step: str, documents: str, scores: Iterable[tuple[int, float]]
) -> None:
    if (*key, step) not in passing.seen:
        passing.seen.add((*key, step))
        passing.hardness.setdefault(key, {}).setdefault(documents, Hardness(step)).add(scores)


def _task(row: Row, role: str, shots: int, sheet: Sheet) -> dict[str, Any]:
    cell = next(
        (each for each in (*row.target_scores, *row.held_out) if (each.role, each.shots) == (role, shots)), None
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
                "asked": column.asked,
                "count": len(column.answers),
                "values": column.values,
            }
            for column in sheet.columns
        ],
    }


def _estimate(score: Estimate | None) -> list[float | str] | None:
    """Value, and its interval as it is shown."""
    if score is None:
        return None
    return [round(score.value, 6), numbers.margin(score)]
