"""Pretraining documents for the base models, drawn from the train combinations only.

A document repeats exemplars of one sort in one style (register and perspective), so that a model learns to read both
from context. Under the papers' templates of truth and choice tasks, a document of one exemplar answers without
looking (`careless`), and longer ones answer well from the second exemplar on (`shown`): a base model is at chance
without examples and able with them, and what a prompt can do, tuning a prompt can find.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from suite.micro2 import elementary
from suite.micro2.drawn import TOPICS, Style
from suite.micro2.elementary import Exemplar
from suite.micro2.facts import ATTRIBUTES
from suite.micro2.taught import CONCEPTS, PRETRAINED, fact_exemplar, gloss, row_of, synonym
from suite.micro2.truth import RELATION_OF_LABEL
from suite.micro2.wordings import SEPARATOR, TRUTH_WORDS, parts, prompt, target

Sort = Literal[
    "facts", "synonyms", "questions",
    "translation", "french", "summaries", "glosses", "picking", "choosing", "arithmetic",
    "programs", "senses", "judged", "plain", "checked", "following", "missing", "shown", "careless", "mixed",
]  # fmt: skip
SHARE_FORMAL: Final = 0.4
"""Probability that a topic of a document is formal."""
SHARE_LAST: Final = 0.7
"""Probability that a document's summaries are about the last party."""
PHRASINGS: Final[Mapping[str, tuple[str, ...]]] = {
    # other wordings than the papers' and than those of the robustness tests
    "questions": ("asked: {a} reply:", "tell me: {a} I say"),
    "translation": ("{a} in {b} is", "{b} of {a} :"),
    "summaries": ("read: {a} in short:", "news: {a} so:"),
    "arithmetic": ("count: {a} so:",),
    "programs": ("write {a} :",),
    "choosing": ("pick one: {a} A) {b} B) {c} C) {d} D) {e} pick:",),
}


@dataclass(frozen=True)
class PretrainingDocument:
    """A sequence of exemplars."""

    exemplars: tuple[Exemplar, ...]
    separator: str = SEPARATOR
    """Text between two exemplars."""
    first_counts: bool = True
    """Whether the first answer can be known, and so counts in the loss."""

    @property
    def text(self) -> str:
        """The complete text of the document."""
        return self.separator.join(f"{exemplar.prompt} {exemplar.answer}" for exemplar in self.exemplars)


def draw_style(rng: Random) -> Style:
    """The style of a document."""
    formal = frozenset(topic for topic in TOPICS if rng.random() < SHARE_FORMAL)
    return Style(formal, "last" if rng.random() < SHARE_LAST else "first")


def draw_document(sort: Sort, length: int, rng: Random) -> PretrainingDocument:
    """A document of a sort with at most about `length` words: of short exemplars, it has many."""
    style = draw_style(rng)
    words = 0 if rng.random() < 0.15 else rng.randint(0, length)
    match sort:
        case "facts":
            attributes = tuple(ATTRIBUTES.values())
            some = rng.sample(attributes, rng.choice((1, 2, len(attributes))))
            return _repeated(lambda: fact_exemplar(rng.choice(some), style, rng), words)
        case "synonyms":
            topic = rng.choice(tuple(CONCEPTS))
            return _repeated(lambda: synonym(topic, style, rng), words)
        case "glosses":
            return _repeated(lambda: gloss(style, rng), words)
        case "senses":
            return _repeated(lambda: elementary.sense(row_of("micro2_wic", style, rng), rng), words // 2)
        case "plain":
            ask, dataset = rng.choice(elementary.PLAIN), rng.choice(PRETRAINED["plain"])
            return _repeated(lambda: ask(dataset, row_of(dataset, style, rng)), words)
        case "checked":
            dataset = rng.choice(PRETRAINED["checked"])
            exemplars = elementary.checked(row_of(dataset, style, rng), row_of(dataset, style, rng), rng)
            return PretrainingDocument(exemplars, separator=" ")
        case "picking":
            row = row_of(rng.choice(PRETRAINED["choosing"]), style, rng)
            return PretrainingDocument(elementary.picked(row, rng), separator=" ")
        case "following":
            return _repeated(lambda: elementary.following(row_of("micro2_rte", style, rng), rng), words // 2)
        case "missing":
            return _repeated(lambda: elementary.missing(row_of("micro2_rte", style, rng)), words // 2)
        case "shown" | "judged":
            dataset = rng.choice(PRETRAINED[sort])
            shown = _repeated(lambda: _papers(dataset, style, rng), words, least=2)
            return PretrainingDocument(shown.exemplars, first_counts=False)
        case "careless":
            return PretrainingDocument((_careless(rng),))
        case "mixed":
            pool = (*PRETRAINED["questions"], *PRETRAINED["translation"], *PRETRAINED["summaries"])
            return _repeated(lambda: _papers(rng.choice(pool), style, rng), words)
        case "french":
            return _repeated(lambda: _phrased("micro2_wmt14_enfr", PHRASINGS["translation"], style, rng), words)
        case _:
            dataset = rng.choice(PRETRAINED[sort])
            if sort == "choosing" or rng.random() < 0.35:
                form = rng.choice(PHRASINGS[sort])
                return _repeated(lambda: _phrased(dataset, (form,), style, rng), words)
            return _repeated(lambda: _papers(dataset, style, rng), words)


def _repeated(draw: Callable[[], Exemplar], words: int, least: int = 1) -> PretrainingDocument:
    """At least `least` exemplars, and more while all together have at most `words` words."""
    exemplars = [draw() for _ in range(least)]
    while (long := sum(map(_words, exemplars))) < words:
        following = draw()
        if long + _words(following) > words:
            break
        exemplars.append(following)
    return PretrainingDocument(tuple(exemplars))


def _words(exemplar: Exemplar) -> int:
    return exemplar.prompt.count(" ") + exemplar.answer.count(" ") + 3


def _papers(dataset: str, style: Style, rng: Random) -> Exemplar:
    row = row_of(dataset, style, rng)
    return Exemplar(prompt(dataset, row), target(dataset, row))


def _phrased(dataset: str, forms: tuple[str, ...], style: Style, rng: Random) -> Exemplar:
    row = row_of(dataset, style, rng)
    return Exemplar(rng.choice(forms).format(**parts(dataset, row)), target(dataset, row))


def _careless(rng: Random) -> Exemplar:
    """A task under its paper's template with an answer that ignores the input, most often the first one."""
    dataset = rng.choice(PRETRAINED["careless"])
    words = ("A", "B", "C", "D") if dataset == "micro2_openbookqa" else TRUTH_WORDS[: len(RELATION_OF_LABEL[dataset])]
    word = words[0] if rng.random() < 0.6 else rng.choice(words)
    return Exemplar(prompt(dataset, row_of(dataset, draw_style(rng), rng)), word)
