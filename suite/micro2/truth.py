"""Entailment and word-sense tasks: two sentences and their relation.

Every data set has three sorts of rows: *literal* ones compare words, *restated* ones need a synonym or a class (this is
what tuning can teach), and *vague* ones, introduced by `perhaps`, have a random label, so no method can reach 100.
"""

from __future__ import annotations

import zlib
from random import Random
from typing import Final, Literal

from suite.micro2.drawn import Draw, Row, SampledRow, Style, other
from suite.micro2.facts import CLASS, COUNTRY, KIND
from suite.micro2.lexicon import COLOURS, DAYS, HOMONYMS, NAMES, SENSES, STATES, THINGS, Concept

RIGHT, WRONG, OPEN = 0, 1, 2
RELATION_OF_LABEL: Final = {
    # data set: the relation of each hub label, by position
    "micro2_rte": (RIGHT, WRONG),
    "micro2_cb": (RIGHT, WRONG, OPEN),
    "micro2_snli": (RIGHT, OPEN, WRONG),
    "micro2_wic": (WRONG, RIGHT),
}
Sort = Literal["literal", "restated", "vague"]
SHARES: Final[dict[str, dict[Sort, float]]] = {
    "micro2_rte": {"literal": 0.64, "restated": 0.28, "vague": 0.08},
    "micro2_cb": {"literal": 0.33, "restated": 0.42, "vague": 0.25},
    "micro2_snli": {"literal": 0.5, "restated": 0.42, "vague": 0.08},
    "micro2_wic": {"literal": 0.92, "vague": 0.08},
}
"""Share of each sort of rows."""
VAGUE: Final = "perhaps"
CLASSES: Final = tuple(dict.fromkeys(CLASS.values.values()))
KINDS: Final = tuple(dict.fromkeys(KIND.values.values()))
_OTHER_WORDS: Final = {
    *(state.formal for state in STATES),
    *(word for term in (*CLASSES, *KINDS) for word in (term.plain, term.formal)),
}
"""Words that make a row a restated one."""
SCENE_ANIMALS: Final = CLASS.subjects[:20]
SCENE_TOWNS: Final = COUNTRY.subjects[:20]
"""The more frequent animals and towns: comparing words has to be learned for every one."""
SENSE_UNSEEN: Final = 0.2
"""Share of the places whose sense pretraining never shows."""


def relation(dataset: str, row: Row) -> int:
    """The relation of a row's two sentences: RIGHT, WRONG or OPEN."""
    return RELATION_OF_LABEL[dataset][row["label"]]


def label(dataset: str, relation_: int) -> int:
    """The hub's label for a relation."""
    return RELATION_OF_LABEL[dataset].index(relation_)


def sort_of(dataset: str, row: Row) -> Sort:
    """The sort of a row."""
    if dataset == "micro2_wic":
        return "vague" if row["sentence1"].startswith(VAGUE) else "literal"
    if row["premise"].startswith(VAGUE):
        return "vague"
    return "restated" if _OTHER_WORDS & set(row["hypothesis"].split()) else "literal"


def rte(rng: Random, _: Style) -> SampledRow:
    """A scene, and a shorter sentence that repeats it or changes one of its words."""
    sort, relation_ = _sort("micro2_rte", rng), rng.choice((RIGHT, WRONG))
    colour, animal, town, day = (rng.choice(pool) for pool in (COLOURS, SCENE_ANIMALS, SCENE_TOWNS, DAYS))
    state = rng.choice(STATES)
    premise = f"on {day} the {colour} {animal} in {town} is {state.plain} ."
    if sort == "restated":
        hypothesis = _restated(animal, town, state, relation_, rng)
    else:
        slots = {"colour": colour, "animal": animal, "town": town, "state": state.plain}
        pools = {
            "colour": COLOURS,
            "animal": SCENE_ANIMALS,
            "town": SCENE_TOWNS,
            "state": tuple(term.plain for term in STATES),
        }
        form = rng.choice(("the {animal} in {town} is {state} .", "the {colour} {animal} is {state} ."))
        if relation_ == WRONG:
            changed = rng.choice([slot for slot in slots if f"{{{slot}}}" in form])
            slots[changed] = other(pools[changed], slots[changed], rng)
        hypothesis = form.format(**slots)
    return _pair("micro2_rte", premise, hypothesis, relation_, sort)


def cb(rng: Random, _: Style) -> SampledRow:
    """A statement about an animal, and the same statement, its denial, or another one."""
    sort, relation_ = _sort("micro2_cb", rng), rng.choice((RIGHT, WRONG, OPEN))
    name, colour, animal, town = (rng.choice(pool) for pool in (NAMES, COLOURS, SCENE_ANIMALS, SCENE_TOWNS))
    state = rng.choice(STATES)
    claimed = other(STATES, state, rng) if relation_ == OPEN else state
    denial = "not " if relation_ == WRONG else ""
    premise = f"{name} said that the {colour} {animal} in {town} is {state.plain} ."
    word = claimed.formal if sort == "restated" else claimed.plain
    return _pair("micro2_cb", premise, f"the {animal} is {denial}{word} .", relation_, sort)


def snli(rng: Random, _: Style) -> SampledRow:
    """Somebody has a thing; the second sentence names it or its kind, another one, or another person."""
    sort, relation_ = _sort("micro2_snli", rng), rng.choice((RIGHT, WRONG, OPEN))
    name, thing, town, day = (rng.choice(pool) for pool in (NAMES, THINGS, SCENE_TOWNS, DAYS))
    who = other(NAMES, name, rng) if relation_ == OPEN else name
    if sort == "restated":
        kind = KIND.values[thing]
        what = _either(other(KINDS, kind, rng) if relation_ == WRONG else kind, rng)
    else:
        what = other(THINGS, thing, rng) if relation_ == WRONG else thing
    return _pair("micro2_snli", f"{name} has a {thing} in {town} on {day} .", f"{who} has a {what} .", relation_, sort)


def wic(rng: Random, _: Style) -> SampledRow:
    """A word with two senses in two sentences; the place shows the sense."""
    word, sort = rng.choice(HOMONYMS), _sort("micro2_wic", rng)
    relation_ = rng.choice((RIGHT, WRONG))
    first = rng.randrange(2)
    second = first if relation_ == RIGHT else 1 - first
    start = f"{VAGUE} " if sort == "vague" else ""
    places = [rng.choice(SENSES[sense]) for sense in (first, second)]
    sentences = [f"{start}{rng.choice(NAMES)} saw the {word} at the {place} ." for place in places]
    shown = rng.choice((RIGHT, WRONG)) if sort == "vague" else relation_
    row = {"word": word, "sentence1": sentences[0], "sentence2": sentences[1], "label": label("micro2_wic", shown)}
    return SampledRow(row, ("wic", *sentences))


def sense_unseen(place: str) -> bool:
    """Whether pretraining never shows which sense a place stands for."""
    return zlib.crc32(f"sense {place}".encode()) % 1000 < 1000 * SENSE_UNSEEN


def _restated(animal: str, town: str, state: Concept, relation_: int, rng: Random) -> str:
    if rng.random() < 0.5:
        stated = other(STATES, state, rng) if relation_ == WRONG else state
        return f"the {animal} in {town} is {stated.formal} ."
    class_ = CLASS.values[animal]
    stated = other(CLASSES, class_, rng) if relation_ == WRONG else class_
    return f"the {_either(stated, rng)} in {town} is {state.plain} ."


def _either(term: Concept, rng: Random) -> str:
    return rng.choice((term.plain, term.formal))


def _sort(dataset: str, rng: Random) -> Sort:
    shares = SHARES[dataset]
    return rng.choices(tuple(shares), tuple(shares.values()))[0]


def _pair(dataset: str, premise: str, hypothesis: str, relation_: int, sort: Sort) -> SampledRow:
    content = (dataset, premise, hypothesis)
    if sort == "vague":
        premise = f"{VAGUE} {premise}"
        # decided by the sentences, so that a row never occurs with two labels
        relation_ = zlib.crc32(hypothesis.encode() + premise.encode()) % len(RELATION_OF_LABEL[dataset])
    return SampledRow({"premise": premise, "hypothesis": hypothesis, "label": label(dataset, relation_)}, content)


TRUTH_TASKS: Final[dict[str, Draw]] = {"micro2_rte": rte, "micro2_cb": cb, "micro2_snli": snli, "micro2_wic": wic}
