"""URLs of the site: safe and unique file names of tracks, rows, tasks and methods, whatever characters names have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from suite.analysis.board import Board, Row
from suite.core.hashing import fingerprint

LONGEST = 80
"""The most characters of a file name without its extension."""


@dataclass(frozen=True)
class TrackUrls:
    """A track's board and the URLs of its pages, relative to the site's folder."""

    board: Board
    slug: str
    files: Mapping[tuple[str, ...], str]
    """A row's experiments -> the name of its files."""
    tasks: Mapping[str, str]
    """Role -> the name of its page."""
    methods: Mapping[str, str]
    """Method -> the name of its page, the same for all tracks."""
    shipped: frozenset[str] = frozenset()
    """Experiments that come with suite as records."""

    @property
    def page(self) -> str:
        """The track's page."""
        return f"tracks/{self.slug}.html"

    @property
    def shipped_rows(self) -> int:
        """The number of rows that consist only of records that come with suite."""
        return sum(self.shipped.issuperset(row.experiments) for row in self.board.rows)

    @property
    def data(self) -> str:
        """The path of the track's table for download, without the extension."""
        return f"data/{self.slug}"

    def key(self, row: Row) -> str:
        """The name of a row in links and scripts."""
        return f"{self.slug}/{self.files[row.experiments]}"

    def row(self, row: Row) -> str:
        """An experiment's page."""
        return f"experiments/{self.key(row)}.html"

    def scores(self, row: Row) -> str:
        """A row's scores as a script."""
        return f"rows/{self.key(row)}.js"

    def classes(self, row: Row) -> str:
        """A row's confusion matrices as CSV."""
        return f"classes/{self.key(row)}.csv"

    def pairs(self, row: Row) -> str:
        """A row's comparisons with the rows after it, as a script."""
        return f"pairs/{self.key(row)}.js"

    def task(self, role: str) -> str:
        """A task's page."""
        return f"tasks/{self.slug}/{self.tasks[role]}.html"

    def method(self, name: str) -> str:
        """A method's page."""
        return f"methods/{self.methods[name]}.html"

    def answers(self, row: Row, role: str, shots: int) -> str:
        """The link to a row's answers to a task."""
        return f"answers.html#{query(row=self.key(row), task=f'{role}.{shots}')}"


def query(**values: str) -> str:
    """Settings of a page, as a query string."""
    return urlencode({name: value.encode("utf-8", "replace") for name, value in values.items()})


def track_urls(boards: Sequence[Board], shipped: frozenset[str] = frozenset()) -> tuple[TrackUrls, ...]:
    """The URLs of every track."""
    tracks = slugs(board.track for board in boards)
    methods = slugs(sorted({row.method for board in boards for row in board.rows}))
    return tuple(
        TrackUrls(board, tracks[board.track], _files(board), _tasks(board), methods, shipped) for board in boards
    )


def own_first(tracks: Sequence[TrackUrls]) -> tuple[TrackUrls, ...]:
    """Tracks with runs of this store, by name, and then those that hold only records that come with suite."""
    return tuple(sorted(tracks, key=lambda urls: urls.shipped_rows == len(urls.board.rows)))


def _tasks(board: Board) -> dict[str, str]:
    cells = (cell.role for row in board.rows for cell in (*row.target_scores, *row.held_out))
    return slugs((*board.targets, *board.roles, *cells))


def _files(board: Board) -> dict[tuple[str, ...], str]:
    keys = {row.experiments: f"{row.slug}\n{'.'.join(row.experiments)}" for row in board.rows}
    plain = slugs(row.slug for row in board.rows)
    taken: dict[str, int] = {}
    for row in board.rows:
        taken[row.slug] = taken.get(row.slug, 0) + 1
    unique = slugs(keys.values())
    files = {key: plain[name.partition("\n")[0]] for key, name in keys.items()}
    files.update({row.experiments: unique[keys[row.experiments]] for row in board.rows if taken[row.slug] > 1})
    return files


def slug(name: str) -> str:
    """A safe file name. If the name had to be changed, a hash of the original is appended, to keep slugs distinct."""
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip(".-")[:LONGEST].rstrip(".-")
    return safe if safe and safe == name else f"{safe or 'x'}-{fingerprint(name.encode('utf-8', 'replace').hex(), 8)}"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Name -> slug; slugs are distinct even on a file system that ignores case."""
    by_name: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        unique = slug(name)
        if unique.casefold() in taken:
            unique = f"{unique}-{fingerprint(name.encode('utf-8', 'replace').hex(), 12)}"
        taken.add(unique.casefold())
        by_name[name] = unique
    return by_name
