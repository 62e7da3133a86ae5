"""The result of a generator of the micro world: a row, and the content words that decide its split."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeVar, get_args

from suite.micro2.lexicon import Concept

Row = Mapping[str, Any]
Split = Literal["train", "validation", "test"]
Item = TypeVar("Item")


Topic = Literal[
    "food", "home", "class", "country-0", "country-1", "language-0", "language-1", "craft", "kind-0", "kind-1",
    "material-0", "material-1", "persons", "animals", "adjectives", "verbs",
]  # fmt: skip
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


@dataclass(frozen=True)
class Style:
    """How a document speaks; it is the same for all of its exemplars and is stated nowhere.

    One exemplar shows the register of one or two topics, several show more: that is why more shots help.
    """

    formal: frozenset[Topic] = frozenset(TOPICS)
    """The topics in the formal register; the others are in the plain one."""
    perspective: Literal["first", "last"] = "last"
    """Which of two equal parties a summary is about."""

    def word(self, term: Concept, topic: Topic) -> str:
        """The word of a concept of a topic."""
        return term.formal if topic in self.formal else term.plain


HELD_OUT_STYLE: Final = Style(frozenset(TOPICS) - {"adjectives", "verbs"})
"""The style of every data set: nearly all topics are formal. Hardly any pretraining document has it."""


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


Draw = Callable[[Random, Style], SampledRow]


def draw_from(draw: Draw, split: Split, rng: Random, style: Style = HELD_OUT_STYLE) -> SampledRow:
    """Draw rows until one belongs to `split`, and return it."""
    while (drawn := draw(rng, style)).split != split:
        pass
    return drawn


def other(choices: tuple[Item, ...], taken: Item, rng: Random) -> Item:
    """One of `choices` that is not `taken`."""
    while (chosen := rng.choice(choices)) == taken:
        pass
    return chosen
