"""The facts of the micro world: invented, with a stated share that pretraining never shows.

How often pretraining states a fact falls with the rank of its subject (Zipf's law); a fixed share of facts it never
states. So a base model knows a part of them, which grows with its size and its age.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Final, cast

from suite.micro2.drawn import Topic
from suite.micro2.lexicon import ANIMALS, CLASSES, COUNTRIES, CRAFTS, FOODS, HOMES, KINDS, TOWNS, Concept

UNSEEN: Final = 0.2
"""Share of the facts that pretraining never states."""
EXPONENT: Final = 1.2
"""Exponent of Zipf's law: the subject of rank r is stated in proportion to r to the power of minus this."""
ALWAYS: Final = ("class", "kind")
"""Attributes whose facts pretraining states for every subject."""


def group(name: str, term: Concept) -> Topic:
    """The topic of a concept whose sort has two."""
    return cast(Topic, f"{name}-{zlib.crc32(term.plain.encode()) % 2}")


@dataclass(frozen=True)
class Attribute:
    """What can be asked of the subjects of one sort, and the answers."""

    name: str
    values: Mapping[str, Concept]
    """The answer for each subject."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects, the most frequent first."""
        return tuple(self.values)

    def topic(self, subject: str) -> Topic:
        """The topic of a fact: values of countries, languages and kinds are of two topics each."""
        if self.name in ("food", "home", "class", "craft"):
            return cast(Topic, self.name)
        return group(self.name, self.values[subject])

    def unseen(self, subject: str) -> bool:
        """Whether pretraining never states the fact."""
        if self.name in ALWAYS:
            return False
        return zlib.crc32(f"unseen {self.name} {subject}".encode()) % 1000 < 1000 * UNSEEN

    def drawn(self, rng: Random) -> str:
        """A subject whose fact pretraining states, by its frequency."""
        seen, weights = self._frequencies
        return rng.choices(seen, weights)[0]

    @cached_property
    def _frequencies(self) -> tuple[list[str], list[float]]:
        seen = [subject for subject in self.subjects if not self.unseen(subject)]
        return seen, [(1 + self.subjects.index(subject)) ** -EXPONENT for subject in seen]


def _dealt(name: str, subjects: Sequence[str], pool: Sequence[Concept]) -> Attribute:
    """Deal the values of a pool to subjects, each equally often, by a seeded shuffle."""
    rng = Random(f"facts {name}")
    order = _ranked(subjects)
    values = [pool[number % len(pool)] for number in range(len(order))]
    rng.shuffle(values)
    return Attribute(name, dict(zip(order, values, strict=True)))


def _ranked(subjects: Sequence[str]) -> list[str]:
    """The subjects in a fixed order that says how frequent they are."""
    return sorted(subjects, key=lambda subject: zlib.crc32(f"rank {subject}".encode()))


def _given(name: str, groups: Mapping[Concept, Sequence[str]]) -> Attribute:
    of = {subject: term for term, subjects in groups.items() for subject in subjects}
    return Attribute(name, {subject: of[subject] for subject in _ranked(tuple(of))})


FOOD: Final = _dealt("food", ANIMALS, FOODS)
HOME: Final = _dealt("home", ANIMALS, HOMES)
CLASS: Final = _given("class", CLASSES)
COUNTRY: Final = _given("country", {country: towns for country, (_, towns) in COUNTRIES.items()})
LANGUAGE: Final = _given("language", dict(COUNTRIES.values()))
CRAFT: Final = _dealt("craft", TOWNS, CRAFTS)
KIND: Final = _given("kind", KINDS)
ATTRIBUTES: Final = {item.name: item for item in (FOOD, HOME, CLASS, COUNTRY, LANGUAGE, CRAFT, KIND)}
