"""Records what is read while files are made, so that their cache key depends on exactly these reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol, TypeAlias, TypeVar

Value = TypeVar("Value")
Reads: TypeAlias = dict[str, set[str]]
"""Name (an experiment, a row of the board …) -> its parts that were read."""


class Versions(Protocol):
    """The versions of one name's parts; a dictionary will do."""

    def get(self, part: str, /) -> str | None:
        """A part's current version; None if it has none."""
        ...


def merged(*reads: Mapping[str, Collection[str]]) -> Reads:
    """The union of several recordings."""
    total: Reads = {}
    for recorded in reads:
        for name, parts in recorded.items():
            total.setdefault(name, set()).update(parts)
    return total


class Recorder:
    """Notes every read during a `recording`, by name and part. `current` maps each name to its parts' versions."""

    def __init__(self, current: Mapping[str, Versions]) -> None:
        self.current: dict[str, Versions] = dict(current)
        self._open: list[Reads] = []

    @property
    def is_recording(self) -> bool:
        """Whether a recording is open."""
        return bool(self._open)

    @contextmanager
    def recording(self) -> Iterator[Reads]:
        """Context manager that gives the set of reads inside it. Recordings may be nested; each has all inner reads."""
        reads: Reads = {}
        self._open.append(reads)
        try:
            yield reads
        finally:
            self._open = [opened for opened in self._open if opened is not reads]

    def note(self, part: str, names: Iterable[str]) -> None:
        """Note that a part of each of these names was read."""
        for reads in self._open:
            for name in names:
                reads.setdefault(name, set()).add(part)

    def remembering(self, read: Callable[..., Value], size: int) -> Callable[..., Value]:
        """A cached version of `read`. A value from the cache counts as read again."""

        @lru_cache(maxsize=size)
        def recorded(*arguments: Hashable) -> tuple[Value, Reads]:
            with self.recording() as reads:
                return read(*arguments), reads

        def remembered(*arguments: Hashable) -> Value:
            value, reads = recorded(*arguments)
            for name, parts in reads.items():
                for opened in self._open:
                    opened.setdefault(name, set()).update(parts)
            return value

        return remembered

    def versions_of(self, reads: Mapping[str, Iterable[str]]) -> list[tuple[str, str, str]] | None:
        """(name, part, its current version) of each read; None if one of them has no version (any more)."""
        versions: list[tuple[str, str, str]] = []
        for name, parts in sorted(reads.items()):
            current = self.current.get(name)
            for part in sorted(parts):
                version = None if current is None else current.get(part)
                if version is None:
                    return None
                versions.append((name, part, version))
        return versions
