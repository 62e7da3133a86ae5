"""Entailment and word-sense tasks: two sentences and their relation."""

from __future__ import annotations

from random import Random
from typing import Final

from suite.micro.drawn import Draw, Row, SampledRow, other
from suite.micro.lexicon import (
    ANIMALS,
    COLOURS,
    DAYS,
    HOMONYMS,
    KIND_OF,
    KINDS,
    NAMES,
    SENSES,
    STATES,
    THINGS,
    TOWNS,
)

RIGHT, WRONG, OPEN = 0, 1, 2
RELATION_OF_LABEL: Final = {
    # data set: the relation of each hub label, by position
    "micro_rte": (RIGHT, WRONG),
    "micro_cb": (RIGHT, WRONG, OPEN),
    "micro_snli": (RIGHT, OPEN, WRONG),
    "micro_wic": (WRONG, RIGHT),
}


def relation(dataset: str, row: Row) -> int:
    """The relation of a row's two sentences: RIGHT, WRONG or OPEN."""
    return RELATION_OF_LABEL[dataset][row["label"]]


def label(dataset: str, relation_: int) -> int:
    """The hub's label for a relation."""
    return RELATION_OF_LABEL[dataset].index(relation_)


def rte(rng: Random) -> SampledRow:
    """A scene, and a shorter sentence that repeats it or changes one of its words."""
    pools = {"colour": COLOURS, "animal": ANIMALS, "state": STATES, "town": TOWNS, "day": DAYS}
    scene = {slot: rng.choice(pool) for slot, pool in pools.items()}
    premise = "on {day} the {colour} {animal} in {town} is {state} .".format(**scene)
    form = rng.choice(("the {animal} in {town} is {state} .", "the {colour} {animal} is {state} ."))
    stated = dict(scene)
    relation_ = rng.choice((RIGHT, WRONG))
    if relation_ == WRONG:
        changed = rng.choice([slot for slot in pools if f"{{{slot}}}" in form])
        stated[changed] = other(pools[changed], stated[changed], rng)
    return _pair("micro_rte", premise, form.format(**stated), relation_)


def cb(rng: Random) -> SampledRow:
    """A statement about an animal, and the same statement, its denial, or another one."""
    name, colour, animal, town = (rng.choice(pool) for pool in (NAMES, COLOURS, ANIMALS, TOWNS))
    state = rng.choice(STATES)
    relation_ = rng.choice((RIGHT, WRONG, OPEN))
    claimed = other(STATES, state, rng) if relation_ == OPEN else state
    denial = "not " if relation_ == WRONG else ""
    premise = f"{name} said that the {colour} {animal} in {town} is {state} ."
    return _pair("micro_cb", premise, f"the {animal} is {denial}{claimed} .", relation_)


def snli(rng: Random) -> SampledRow:
    """Somebody has a thing; the second sentence names its kind, another kind, or another person."""
    name, thing, town, day = (rng.choice(pool) for pool in (NAMES, THINGS, TOWNS, DAYS))
    relation_ = rng.choice((RIGHT, WRONG, OPEN))
    who = other(NAMES, name, rng) if relation_ == OPEN else name
    kind = other(tuple(KINDS), KIND_OF[thing], rng) if relation_ == WRONG else KIND_OF[thing]
    return _pair("micro_snli", f"{name} has a {thing} in {town} on {day} .", f"{who} has a {kind} .", relation_)


def wic(rng: Random) -> SampledRow:
    """A word with two senses in two sentences; the place shows the sense."""
    word = rng.choice(HOMONYMS)
    relation_ = rng.choice((RIGHT, WRONG))
    first = rng.randrange(2)
    second = first if relation_ == RIGHT else 1 - first
    sentences = [f"{rng.choice(NAMES)} saw the {word} {rng.choice(SENSES[sense])} ." for sense in (first, second)]
    row = {
        "word": word,
        "sentence1": sentences[0],
        "sentence2": sentences[1],
        "label": label("micro_wic", relation_),
    }
    return SampledRow(row, ("wic", *sentences))


def _pair(dataset: str, premise: str, hypothesis: str, relation_: int) -> SampledRow:
    row = {"premise": premise, "hypothesis": hypothesis, "label": label(dataset, relation_)}
    return SampledRow(row, (dataset, premise, hypothesis))


TRUTH_TASKS: Final[dict[str, Draw]] = {"micro_rte": rte, "micro_cb": cb, "micro_snli": snli, "micro_wic": wic}
