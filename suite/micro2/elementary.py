"""Exemplars that teach comparing and choosing: their elementary steps, and the truth tasks in other words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from suite.micro2.drawn import Row
from suite.micro2.facts import CLASS, KIND
from suite.micro2.lexicon import SENSES
from suite.micro2.truth import relation


@dataclass(frozen=True)
class Exemplar:
    """A prompt and its answer."""

    prompt: str
    answer: str


_EMPTY: Final = frozenset(("the", "in", "is", "a", "has", "on", "said", "that", ".", "perhaps"))
"""Words that tell nothing about a scene."""


def yes_or_no(dataset: str, row: Row) -> Exemplar:
    """A truth task with the answers yes, no or maybe: always the same word for the same relation."""
    first, second = _sentences(dataset, row)
    return Exemplar(f"{first} so {second} yes or no ? answer:", ("yes", "no", "maybe")[relation(dataset, row)])


def verdict(dataset: str, row: Row) -> Exemplar:
    """A truth task with the answers right, wrong or open."""
    first, second = _sentences(dataset, row)
    return Exemplar(f"source: {first} claim: {second} verdict:", ("right", "wrong", "open")[relation(dataset, row)])


PLAIN: Final[tuple[Callable[[str, Row], Exemplar], ...]] = (yes_or_no, verdict)


def checked(row: Row, other_row: Row, rng: Random) -> tuple[Exemplar, ...]:
    """The words of two scenes, each with whether the first scene contains it."""
    own, foreign = _content(row), _content(other_row)
    questions = sorted({*own, *foreign})
    rng.shuffle(questions)
    starts = [f"source: {row['premise']} same ? ", *("" for _ in questions[1:])]
    return tuple(
        Exemplar(start + word, "yes" if word in own else "no") for start, word in zip(starts, questions, strict=True)
    )


def following(row: Row, rng: Random) -> Exemplar:
    """A word of a scene; the answer is the next word."""
    scene = row["premise"].split(" ")
    index = rng.choice([index for index, word in enumerate(scene[:-1]) if scene.count(word) == 1])
    return Exemplar(f"source: {' '.join(scene)} then ? {scene[index]}", scene[index + 1])


def missing(row: Row) -> Exemplar:
    """The word of a sentence that the scene lacks, or no: a comparison whose answer cannot be guessed."""
    premise_words = set(row["premise"].split(" "))
    absent = [word for word in row["hypothesis"].split(" ") if word not in premise_words]
    return Exemplar(
        f"source: {row['premise']} claim: {row['hypothesis']} which is not there ?", *(absent[:1] or ["no"])
    )


def sense(row: Row, rng: Random) -> Exemplar:
    """One sentence about a word with two senses; the answer is the sense."""
    sentence = row[rng.choice(("sentence1", "sentence2"))]
    animal = any(place in SENSES[0] for place in sentence.split(" "))
    return Exemplar(f"{sentence} the {row['word']} is", "an animal" if animal else "a tool")


def picked(row: Row, rng: Random) -> tuple[Exemplar, ...]:
    """The letters of four choices, asked in another order by word or by kind."""
    texts, letters = row["choices"]["text"], row["choices"]["label"]
    kinds = [term.plain if (term := KIND.values.get(text)) else None for text in texts]
    cues = [
        (kind if kind and not KIND.unseen(text) and kinds.count(kind) == 1 and rng.random() < 0.6 else text, letter)
        for text, kind, letter in zip(texts, kinds, letters, strict=True)
    ]
    rng.shuffle(cues)
    listed = " ".join(f"{letter}) {text}" for text, letter in zip(texts, letters, strict=True))
    starts = (f"{listed} which ? ", "", "", "")
    return tuple(Exemplar(start + cue, letter) for start, (cue, letter) in zip(starts, cues, strict=True))


def _sentences(dataset: str, row: Row) -> tuple[str, str]:
    if dataset == "micro2_wic":
        return row["sentence1"], f"{row['sentence2']} same {row['word']}"
    return row["premise"], row["hypothesis"]


def _content(row: Row) -> set[str]:
    words = set(row["premise"].split()) - _EMPTY
    facts = [(facts, word) for facts in (CLASS, KIND) for word in words if word in facts.values]
    return words | {facts.values[word].plain for facts, word in facts if not facts.unseen(word)}
