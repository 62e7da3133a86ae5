"""The result of a micro-world generator: a row, and the content words that decide its split."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Row = Mapping[str, Any]
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class SampledRow:
    """A row with the fields of the hub's data set, and the words that identify its combination."""

    row: Row
    content: tuple[str, ...]

    @property
    def split(self) -> Split:
        """Of all combinations, a tenth is for testing and a tenth for validation; pretraining sees neither."""
        bucket = zlib.crc32(" ".join(self.content).encode()) % 10
        return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


Draw = Callable[[Random], SampledRow]


def draw_from(draw: Draw, split: Split, rng: Random) -> SampledRow:
    """Draw rows until one belongs to `split`, and return it."""
    while (drawn := draw(rng)).split != split:
        pass
    return drawn


def other(choices: tuple[str, ...], word: str, rng: Random) -> str:
    """A word of `choices` that is not `word`."""
    return rng.choice([choice for choice in choices if choice != word])
