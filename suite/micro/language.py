"""Translation and summarisation: sentences and short articles of the micro world."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Final

from suite.micro.drawn import Draw, SampledRow, other
from suite.micro.lexicon import (
    ADJECTIVE_WORDS,
    CARES,
    COLOURS,
    DAYS,
    MATERIALS,
    NAMES,
    NOUN_WORDS,
    STATES,
    THINGS,
    TIME_WORDS,
    TOWNS,
    VERB_WORDS,
)

LANGUAGES: Final = ("fr", "de", "ro")


def translation(rng: Random, *, language: str) -> SampledRow:
    """An English sentence and its translation; the three languages share one hold-out."""
    subject, object_ = rng.sample(tuple(NOUN_WORDS), 2)
    first, second = rng.sample(tuple(ADJECTIVE_WORDS), 2)
    verb, time = rng.choice(tuple(VERB_WORDS)), rng.choice(tuple(TIME_WORDS))
    words = (time, first, subject, verb, second, object_)
    english = f"{time} the {first} {subject} {verb} the {second} {object_} ."
    return SampledRow({"translation": {"en": english, language: translate(words, language)}}, ("translation", *words))


def translate(words: tuple[str, str, str, str, str, str], language: str) -> str:
    """Write (time, adjective, subject, verb, adjective, object) in a language, in its word order."""
    column = LANGUAGES.index(language)
    pools = (TIME_WORDS, ADJECTIVE_WORDS, NOUN_WORDS, VERB_WORDS, ADJECTIVE_WORDS, NOUN_WORDS)
    time, first, subject, verb, second, object_ = (pool[word][column] for pool, word in zip(pools, words, strict=True))
    if language == "fr":
        return f"{time} le {subject} {first} {verb} le {object_} {second} ."
    if language == "de":
        return f"{time} {verb} der {first}e {subject} den {second}en {object_} ."
    return f"{time} {subject} {first} {verb} {object_} {second} ."


def xsum(rng: Random) -> SampledRow:
    """News in three shuffled sentences, one about somebody else; the summary says who bought what where."""
    name, town, thing, colour = (rng.choice(pool) for pool in (NAMES, TOWNS, THINGS, COLOURS))
    bystander, state, day = other(NAMES, name, rng), rng.choice(STATES), rng.choice(DAYS)
    sentences = [
        f"{name} went to {town} on {day} .",
        f"{bystander} was {state} .",
        f"{name} bought a {colour} {thing} .",
    ]
    rng.shuffle(sentences)
    row = {"document": " ".join(sentences), "summary": f"{name} bought a {thing} in {town} ."}
    return SampledRow(row, ("xsum", row["document"]))


def wikilingua(rng: Random) -> SampledRow:
    """Instructions in three steps; the summary says what to do to which thing with what."""
    care, thing, material, day = (rng.choice(pool) for pool in (CARES, THINGS, MATERIALS, DAYS))
    name, colour = rng.choice(NAMES), rng.choice(COLOURS)
    steps = (
        f"first get {material} from {name} .",
        f"next take the {colour} {thing} .",
        f"then {care} it on {day} .",
    )
    row = {"source": " ".join(steps), "target": f"{care} the {thing} with {material} ."}
    return SampledRow(row, ("wikilingua", row["source"]))


LANGUAGE_TASKS: Final[dict[str, Draw]] = {
    "micro_wmt14_enfr": partial(translation, language="fr"),
    "micro_wmt16_ende": partial(translation, language="de"),
    "micro_wmt16_enro": partial(translation, language="ro"),
    "micro_xsum": xsum,
    "micro_wikilingua": wikilingua,
}
