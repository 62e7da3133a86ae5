"""What pretraining may show of the world: which rows, which facts, which words of the foreign languages."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from functools import lru_cache
from random import Random
from typing import Final

from suite.micro2.bilingual import ADJECTIVES, LANGUAGES, NOUNS, TIMES, TITLES, VERBS, Language, foreign
from suite.micro2.drawn import Row, Style, Topic, draw_from
from suite.micro2.elementary import Exemplar
from suite.micro2.facts import ATTRIBUTES, COUNTRY, KIND, Attribute, group
from suite.micro2.knowledge import BOOK, TRIVIA, WEB, asked
from suite.micro2.language import sentence, translation_of
from suite.micro2.lexicon import KINDS, MATERIALS, SENSES, STRANGERS, Concept
from suite.micro2.truth import RELATION_OF_LABEL, sense_unseen, sort_of
from suite.micro2.world import TASKS

TAUGHT_KINDS: Final = tuple(kind.plain for kind in tuple(KINDS)[:5])
"""Kinds that questions with choices of the skill tasks may ask for."""
LARGEST_CHANGE: Final = 7
"""Largest change of a number in arithmetic."""
WORD_UNSEEN: Final = 0.15
"""Share of the words of a pool that pretraining never shows in a language."""
SHARE_STRANGERS: Final = 0.06
"""Share of questions about an animal that nothing is known of."""
PRETRAINED: Final[Mapping[str, tuple[str, ...]]] = {
    "questions": ("micro2_triviaqa", "micro2_web_questions"),
    "translation": ("micro2_wmt16_ende", "micro2_wmt16_enro"),
    "summaries": ("micro2_xsum", "micro2_wikilingua"),
    "choosing": ("micro2_openbookqa", "micro2_choice_easy", "micro2_choice_hard"),
    "arithmetic": ("micro2_arithmetic_easy", "micro2_arithmetic_hard"),
    "programs": ("micro2_programs_easy", "micro2_programs_hard"),
    "plain": ("micro2_rte", "micro2_rte", "micro2_cb", "micro2_snli", "micro2_wic"),
    "checked": ("micro2_rte", "micro2_rte", "micro2_cb", "micro2_snli"),
    "shown": ("micro2_rte", "micro2_cb", "micro2_cb", "micro2_snli", "micro2_wic", "micro2_wic", "micro2_openbookqa"),
    "judged": ("micro2_wic",),
    "careless": ("micro2_rte", "micro2_rte", "micro2_cb", "micro2_snli", "micro2_wic", "micro2_openbookqa"),
}
"""The data sets of each sort of documents."""
_BY_TOPIC: Final = [
    *((facts.topic(subject), term) for facts in ATTRIBUTES.values() for subject, term in facts.values.items()),
    *((group("material", term), term) for term in MATERIALS),
]
CONCEPTS: Final[Mapping[Topic, tuple[Concept, ...]]] = {
    topic: tuple(dict.fromkeys(term for found, term in _BY_TOPIC if found == topic and term.marked))
    for topic in dict.fromkeys(topic for topic, _ in _BY_TOPIC)
}
"""The concepts of each topic that have two words."""
_LANGUAGE_OF: Final[Mapping[str, Language]] = {
    "micro2_wmt14_enfr": "fr", "micro2_wmt16_ende": "de", "micro2_wmt16_enro": "ro",
}  # fmt: skip
_STATED: Final = {
    "food": "the {} eats", "home": "the {} lives in the", "class": "the {} is a", "country": "{} is in",
    "language": "people in {} speak", "craft": "{} makes", "kind": "the {} is a",
}  # fmt: skip


def fact_exemplar(attribute: Attribute, style: Style, rng: Random) -> Exemplar:
    """A fact as a sentence, by the frequency of its subject."""
    subject = attribute.drawn(rng)
    value = style.word(attribute.values[subject], attribute.topic(subject))
    return Exemplar(_STATED[attribute.name].format(subject), f"{value} .")


def gloss(style: Style, rng: Random) -> Exemplar:
    """A word and its translation, without an ending."""
    language = rng.choice(LANGUAGES)
    pool = rng.choice((NOUNS, NOUNS, ADJECTIVES, VERBS, TIMES))
    english = rng.choice([word for word in pool if word_seen(word, pool, language)])
    return Exemplar(f"{english} in {TITLES[language]}:", foreign(english, pool, language, style))


def synonym(topic: Topic, style: Style, rng: Random) -> Exemplar:
    """The plain word of a concept; the answer is its word in the style's register."""
    term = rng.choice(CONCEPTS[topic])
    return Exemplar(f"{term.plain} =", style.word(term, topic))


def word_seen(word: str, pool: Collection[str], language: Language) -> bool:
    """Whether pretraining shows a word's translation; of French it shows the more frequent 60%."""
    if language == "fr":
        return tuple(pool).index(word) < len(pool) * 0.6
    return zlib.crc32(f"{language} {word}".encode()) % 1000 >= 1000 * WORD_UNSEEN


def row_of(dataset: str, style: Style, rng: Random) -> Row:
    """A row of the train combinations that pretraining may show, in a style."""
    if dataset in ("micro2_triviaqa", "micro2_web_questions"):
        return _question(dataset, style, rng)
    if dataset in _LANGUAGE_OF:
        return _translation(_LANGUAGE_OF[dataset], style, rng)
    while not taught(dataset, row := draw_from(TASKS[dataset], "train", rng, style).row, rng):
        pass
    return row


def taught(dataset: str, row: Row, rng: Random) -> bool:
    """Whether pretraining shows a row. What is rare is shown by chance, so that it takes a random generator."""
    if dataset == "micro2_wic":
        return not any(sense_unseen(place) for key in ("sentence1", "sentence2") for place in _places(row[key]))
    if dataset in RELATION_OF_LABEL:
        return sort_of(dataset, row) != "restated"
    if dataset in PRETRAINED["programs"]:
        return bool(row["code"].count("*") == dataset.endswith("_hard"))
    if dataset in PRETRAINED["arithmetic"]:
        _, *changes = (int(word) for word in row["question"].split(" ") if word.isdigit())
        return max(changes) <= LARGEST_CHANGE
    if dataset == "micro2_openbookqa":
        return "live" not in row["question_stem"] and _facts_seen(row["question_stem"], rng, BOOK[0][1])
    if dataset in PRETRAINED["choosing"]:
        return row["question"].split(" ")[-2] in TAUGHT_KINDS
    return _facts_seen(_summarised(row), rng, KIND, COUNTRY)


def _summarised(row: Row) -> str:
    """The part of an article that its summary is about."""
    if "source" in row:
        return str(row["source"])
    name = row["summary"].split(" ")[0]
    return next(str(text) for text in row["document"].split(" .") if text.strip().startswith(name))


def _facts_seen(text: str, rng: Random, *attributes: Attribute) -> bool:
    """Whether all facts of a text are shown; the rarer a subject, the less often."""
    for attribute in attributes:
        for word in text.split(" "):
            if word in attribute.values and (attribute.unseen(word) or rng.random() > _frequency(attribute, word)):
                return False
    return True


def _frequency(attribute: Attribute, subject: str) -> float:
    return float((1 + attribute.subjects.index(subject) / 8) ** -0.5)


def _places(sentence: str) -> list[str]:
    known = {place for places in SENSES for place in places}
    return [word for word in sentence.split(" ") if word in known]


def _translation(language: Language, style: Style, rng: Random) -> Row:
    """A sentence of words that pretraining shows in a language, the rarer the less often."""
    while True:
        words = sentence(rng, lambda pool: rng.choices(*_shown(tuple(pool), language))[0])
        sampled = translation_of(words, language, style, rng)
        if sampled.split == "train":
            return sampled.row


@lru_cache
def _shown(pool: tuple[str, ...], language: Language) -> tuple[list[str], list[float]]:
    """The words of a pool that pretraining shows in a language, and their weights."""
    seen = [word for word in pool if word_seen(word, pool, language)]
    return seen, [1.0 - 0.6 * pool.index(word) / len(pool) for word in seen]


def _question(dataset: str, style: Style, rng: Random) -> Row:
    """A question about a fact, by the frequency of its subject, or about a stranger."""
    forms = TRIVIA if dataset == "micro2_triviaqa" else WEB
    while True:
        form, facts = rng.choice(forms)
        stranger = forms is TRIVIA and rng.random() < SHARE_STRANGERS
        subject = rng.choice(STRANGERS) if stranger else facts.drawn(rng)
        sampled = asked(dataset.removeprefix("micro2_"), form, facts, subject, style, rng)
        if sampled.split == "train":
            return sampled.row
