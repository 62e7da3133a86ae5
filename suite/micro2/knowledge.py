"""Closed-book questions, free and with four choices, about the facts of the world."""

from __future__ import annotations

from random import Random
from typing import Final

from suite.micro2.drawn import Draw, SampledRow, Style, other
from suite.micro2.facts import CLASS, COUNTRY, CRAFT, FOOD, HOME, LANGUAGE, Attribute
from suite.micro2.lexicon import DAYS, KINDS, NAMES, TOWNS, UNKNOWN

LETTERS: Final = ("A", "B", "C", "D")
Form = tuple[str, Attribute]

TRIVIA: Final[tuple[Form, ...]] = (
    ("what does the {about} that {name} saw in {town} eat ?", FOOD),
    ("where does the {about} that {name} saw in {town} live ?", HOME),
    ("what sort of animal is the {about} that {name} saw in {town} ?", CLASS),
)
WEB: Final[tuple[Form, ...]] = (
    ("{name} goes to {about} on {day} . what country is that ?", COUNTRY),
    ("{name} goes to {about} on {day} . what language is spoken there ?", LANGUAGE),
    ("{name} goes to {about} on {day} . what is made there ?", CRAFT),
)
BOOK: Final[tuple[Form, ...]] = (
    ("{name} in {town} has a {about} . what does it eat ?", FOOD),
    ("{name} in {town} has a {about} . where does it live ?", HOME),
)


def triviaqa(rng: Random, style: Style) -> SampledRow:
    """A fact about an animal that somebody saw somewhere."""
    form, facts = rng.choice(TRIVIA)
    return asked("triviaqa", form, facts, rng.choice(facts.subjects), style, rng)


def web_questions(rng: Random, style: Style) -> SampledRow:
    """A fact about a town that somebody goes to."""
    form, facts = rng.choice(WEB)
    return asked("web_questions", form, facts, rng.choice(facts.subjects), style, rng)


def asked(dataset: str, form: str, facts: Attribute, subject: str, style: Style, rng: Random) -> SampledRow:
    """A question about a subject; of one without facts, the answer is `unknown`."""
    question = _filled(form, subject, rng)
    answer = UNKNOWN
    if subject in facts.values:
        answer = style.word(facts.values[subject], facts.topic(subject))
    fields = {"answer": {"aliases": [answer]}} if dataset == "triviaqa" else {"answers": [answer]}
    return SampledRow({"question": question, **fields}, ("question", question))


def openbookqa(rng: Random, style: Style) -> SampledRow:
    """A fact with four choices of the same sort; the answer is a letter."""
    form, facts = rng.choice(BOOK)
    subject = rng.choice(facts.subjects)
    question = _filled(form, subject, rng)
    pool = sorted({style.word(term, facts.topic(subject)) for term in facts.values.values()})
    answer = style.word(facts.values[subject], facts.topic(subject))
    wrong = rng.sample([word for word in pool if word != answer], 3)
    return _choices("openbookqa", {"question_stem": question}, answer, wrong, rng)


def choice_easy(rng: Random, style: Style) -> SampledRow:
    """The one thing of a kind among things of other kinds."""
    kinds = rng.sample(tuple(KINDS), 4)
    answer, *wrong = (rng.choice(KINDS[kind]) for kind in kinds)
    return _choices("choice_easy", {"question": f"which one is a {kinds[0].plain} ?"}, answer, wrong, rng)


def choice_hard(rng: Random, style: Style) -> SampledRow:
    """The one thing of another kind among things of one kind."""
    kind = rng.choice(tuple(KINDS))
    wrong = rng.sample(KINDS[kind], 3)
    answer = rng.choice(KINDS[other(tuple(KINDS), kind, rng)])
    return _choices("choice_hard", {"question": f"which one is not a {kind.plain} ?"}, answer, wrong, rng)


def _filled(form: str, subject: str, rng: Random) -> str:
    return form.format(about=subject, name=rng.choice(NAMES), town=rng.choice(TOWNS), day=rng.choice(DAYS))


def _choices(dataset: str, fields: dict[str, str], answer: str, wrong: list[str], rng: Random) -> SampledRow:
    texts = [answer, *wrong]
    rng.shuffle(texts)
    row = {**fields, "choices": {"text": texts, "label": list(LETTERS)}, "answerKey": LETTERS[texts.index(answer)]}
    return SampledRow(row, (dataset, *fields.values(), *sorted(texts)))


KNOWLEDGE_TASKS: Final[dict[str, Draw]] = {
    "micro2_openbookqa": openbookqa,
    "micro2_triviaqa": triviaqa,
    "micro2_web_questions": web_questions,
    "micro2_choice_easy": choice_easy,
    "micro2_choice_hard": choice_hard,
}
