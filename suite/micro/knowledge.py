"""Closed-book questions, free and with four choices, about the facts of the lexicon."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from suite.micro.drawn import Draw, SampledRow, other
from suite.micro.lexicon import (
    COLOUR_OF,
    COUNTRY_OF,
    DAYS,
    FOOD_OF,
    HOME_OF,
    KIND_OF,
    KINDS,
    LANGUAGE_OF,
    NAMES,
    TOWNS,
    TWIN_OF,
)

LETTERS: Final = ("A", "B", "C", "D")

_TRIVIA: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("what does the {about} that {name} saw in {town} eat ?", FOOD_OF),
    ("where does the {about} that {name} saw in {town} live ?", HOME_OF),
    ("what colour is the {about} that {name} saw in {town} ?", COLOUR_OF),
)
_WEB: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("{name} goes to {about} on {day} . what country is that ?", COUNTRY_OF),
    ("{name} goes to {about} on {day} . what language is spoken there ?", LANGUAGE_OF),
    ("{name} goes to {about} on {day} . what town is near ?", TWIN_OF),
)
_BOOK: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("{name} in {town} has a {about} . what does it eat ?", FOOD_OF),
    ("{name} in {town} has a {about} . where does it live ?", HOME_OF),
    ("{name} in {town} has a {about} . what kind is it ?", KIND_OF),
)


def triviaqa(rng: Random) -> SampledRow:
    """A fact about an animal or a thing that somebody saw somewhere."""
    question, answer = _ask(_TRIVIA, rng)
    return SampledRow({"question": question, "answer": {"aliases": [answer]}}, ("triviaqa", question))


def web_questions(rng: Random) -> SampledRow:
    """A fact about a town that somebody goes to."""
    question, answer = _ask(_WEB, rng)
    return SampledRow({"question": question, "answers": [answer]}, ("web_questions", question))


def openbookqa(rng: Random) -> SampledRow:
    """A fact with four choices of the same sort; the answer is a letter."""
    form, facts = rng.choice(_BOOK)
    question, answer = _fill(form, facts, rng)
    wrong = rng.sample(sorted(set(facts.values()) - {answer}), 3)
    choices, key = _shuffled(answer, wrong, rng)
    row = {"question_stem": question, "choices": choices, "answerKey": key}
    return SampledRow(row, ("openbookqa", question, *sorted(choices["text"])))


def choice_easy(rng: Random) -> SampledRow:
    """The one thing of a kind among things of other kinds."""
    kinds = rng.sample(tuple(KINDS), 4)
    answer, *wrong = (rng.choice(tuple(KINDS[kind])) for kind in kinds)
    return _choice("choice_easy", f"which one is a {kinds[0]} ?", answer, wrong, rng)


def choice_hard(rng: Random) -> SampledRow:
    """The one thing of another kind among things of one kind."""
    kind = rng.choice(tuple(KINDS))
    wrong = rng.sample(tuple(KINDS[kind]), 3)
    answer = rng.choice(tuple(KINDS[other(tuple(KINDS), kind, rng)]))
    return _choice("choice_hard", f"which one is not a {kind} ?", answer, wrong, rng)


def _ask(forms: tuple[tuple[str, Mapping[str, str]], ...], rng: Random) -> tuple[str, str]:
    return _fill(*rng.choice(forms), rng)


def _fill(form: str, facts: Mapping[str, str], rng: Random) -> tuple[str, str]:
    subject = rng.choice(tuple(facts))
    question = form.format(about=subject, name=rng.choice(NAMES), town=rng.choice(TOWNS), day=rng.choice(DAYS))
    return question, facts[subject]


def _choice(dataset: str, question: str, answer: str, wrong: list[str], rng: Random) -> SampledRow:
    choices, key = _shuffled(answer, wrong, rng)
    row = {"question": question, "choices": choices, "answerKey": key}
    return SampledRow(row, (dataset, question, *sorted(choices["text"])))


def _shuffled(answer: str, wrong: list[str], rng: Random) -> tuple[dict[str, list[str]], str]:
    texts = [answer, *wrong]
    rng.shuffle(texts)
    return {"text": texts, "label": list(LETTERS)}, LETTERS[texts.index(answer)]


KNOWLEDGE_TASKS: Final[dict[str, Draw]] = {
    "micro_openbookqa": openbookqa,
    "micro_triviaqa": triviaqa,
    "micro_web_questions": web_questions,
    "micro_choice_easy": choice_easy,
    "micro_choice_hard": choice_hard,
}
