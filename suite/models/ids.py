"""A cache of token ids: experiments on one base model use the same prompts again and again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from typing import Final

MOST: Final = 4_000_000
"""Maximum number of cached ids (16 MB); the cache is then emptied."""


class KnownIds:
    """Token ids by key; each backbone has one cache for its tokenizer."""

    def __init__(self) -> None:
        self._ids: dict[Hashable, array[int]] = {}
        self._count = 0

    def of(
        self, keys: Sequence[Hashable], read: Callable[[list[int]], Sequence[Sequence[int]]]
    ) -> list[tuple[int, ...]]:
        """The ids of each key. `read` is called for the indices of keys that are not cached, and returns their ids."""
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
        """Empty the cache."""
        self._ids.clear()
        self._count = 0
