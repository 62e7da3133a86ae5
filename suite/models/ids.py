"""Token ids of texts that were read before: experiments on one base ask the same prompts again and again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from typing import Final

MOST: Final = 4_000_000
"""Ids that are kept (16 MB); beyond them all are forgotten."""


class KnownIds:
    """Ids by what they are of; a backbone has one, for its own tokenizer."""

    def __init__(self) -> None:
        self._ids: dict[Hashable, array[int]] = {}
        self._count = 0

    def of(
        self, keys: Sequence[Hashable], read: Callable[[list[int]], Sequence[Sequence[int]]]
    ) -> list[tuple[int, ...]]:
        """The ids of each key; `read` gives those of the keys at some indices, which were not read before."""
        if self._count > MOST:
            self.forget()
        missing = {key: index for index, key in enumerate(keys) if key not in self._ids}
        if missing:
            indices = list(missing.values())
            for index, ids in zip(indices, read(indices), strict=True):
                self._ids[keys[index]] = array("i", ids)
                self._count += len(ids)
        return [tuple(self._ids[key]) for key in keys]

    def forget(self) -> None:
        """Know nothing again."""
        self._ids.clear()
        self._count = 0
