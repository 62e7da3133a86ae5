"""Translation and summarisation: sentences and short articles of the micro world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Final

from suite.micro2.bilingual import POOLS, VARIANTS, Language, Sentence, english, translated
from suite.micro2.drawn import Draw, SampledRow, Style
from suite.micro2.facts import COUNTRY, KIND, group
from suite.micro2.lexicon import CARES, COLOURS, DAYS, MATERIALS, NAMES, STATES, THINGS, TOWNS

LONG: Final = 0.3
"""Share of sentences with a companion."""


def sentence(rng: Random, draw: Callable[[Mapping[str, Any]], str] | None = None) -> Sentence:
    """The words of an English sentence, without repetition; a word of a pool by `draw`, or every one equally often."""
    pools = POOLS if rng.random() < LONG else POOLS[:6]
    draw = draw or (lambda pool: rng.choice(tuple(pool)))
    while len(set(words := tuple(draw(pool) for pool in pools))) < len(pools):
        pass
    return words


def translation(rng: Random, style: Style, *, language: Language) -> SampledRow:
    """An English sentence and its translation; the three languages share one hold-out."""
    return translation_of(sentence(rng), language, style, rng)


def translation_of(words: Sentence, language: Language, style: Style, rng: Random) -> SampledRow:
    """A sentence and its translation. Of two translations of a word, either is taken."""
    foreign = translated(words, language, style)
    for usual, variant in VARIANTS.get(language, {}).items():
        if rng.random() < 0.5:
            foreign = f" {foreign} ".replace(f" {usual} ", f" {variant} ").strip()
    return SampledRow({"translation": {"en": english(words), language: foreign}}, ("translation", *words))


def xsum(rng: Random, style: Style) -> SampledRow:
    """News of two buyers and a bystander; the summary says what sort of thing one of them has from where."""
    buyers = rng.sample(NAMES, 2)
    things, towns, colours = rng.sample(THINGS, 2), rng.sample(TOWNS, 2), rng.sample(COLOURS, 2)
    bystander, state, day = rng.choice(NAMES), rng.choice(STATES), rng.choice(DAYS)
    sentences = [f"{buyers[n]} bought a {colours[n]} {things[n]} in {towns[n]} ." for n in range(2)]
    sentences.insert(rng.randrange(3), f"on {day} {bystander} was {state.plain} .")
    chosen = 0 if style.perspective == "first" else 1
    thing, town = things[chosen], towns[chosen]
    kind = style.word(KIND.values[thing], KIND.topic(thing))
    country = style.word(COUNTRY.values[town], COUNTRY.topic(town))
    summary = f"{buyers[chosen]} : {kind} from {country} ."
    return SampledRow({"document": " ".join(sentences), "summary": summary}, ("xsum", *sentences))


def wikilingua(rng: Random, style: Style) -> SampledRow:
    """Instructions with two treatments; the summary says one of them, for what sort of thing, and with what."""
    materials, cares = rng.sample(MATERIALS, 2), rng.sample(CARES, 2)
    thing, day, name, colour = (rng.choice(pool) for pool in (THINGS, DAYS, NAMES, COLOURS))
    steps = (
        f"first get the {colour} {thing} from {name} .",
        f"next {cares[0]} it with {materials[0].plain} .",
        f"then on {day} {cares[1]} it with {materials[1].plain} .",
    )
    chosen = 0 if style.perspective == "first" else 1
    kind = style.word(KIND.values[thing], KIND.topic(thing))
    material = style.word(materials[chosen], group("material", materials[chosen]))
    summary = f"{cares[chosen]} {kind} with {material} ."
    return SampledRow({"source": " ".join(steps), "target": summary}, ("wikilingua", *steps))


LANGUAGE_TASKS: Final[dict[str, Draw]] = {
    "micro2_wmt14_enfr": partial(translation, language="fr"),
    "micro2_wmt16_ende": partial(translation, language="de"),
    "micro2_wmt16_enro": partial(translation, language="ro"),
    "micro2_xsum": xsum,
    "micro2_wikilingua": wikilingua,
}
