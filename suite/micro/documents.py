"""Pretraining documents for the base models, drawn from the train combinations only.

A document repeats exemplars of one sort, so that a model learns to infer the task from context. Under the papers'
templates, True and False have no fixed meaning without context: a header announces the label words, they are reassigned
in each document (`mapped`), or answers ignore the input (`careless`). Other documents ask the comparison in other words
(`plain`, `checked`). French occurs only word by word (`glosses`), so that its sentences, and a part of every reasoning
task (`taught`), are left to be learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from suite.micro import templates
from suite.micro.drawn import Row, draw_from
from suite.micro.lexicon import ADJECTIVE_WORDS, KIND_OF, KINDS, NOUN_WORDS, TIME_WORDS, VERB_WORDS, facts
from suite.micro.templates import SEPARATOR
from suite.micro.truth import RELATION_OF_LABEL, relation
from suite.micro.world import TASKS

Sort = Literal[
    "facts",
    "questions",
    "translation",
    "summaries",
    "glosses",
    "picking",
    "choosing",
    "arithmetic",
    "programs",
    "plain",
    "checked",
    "following",
    "missing",
    "mapped",
    "careless",
    "mixed",
]


@dataclass(frozen=True)
class Exemplar:
    """A prompt and its answer."""

    prompt: str
    answer: str


@dataclass(frozen=True)
class PretrainingDocument:
    """A sequence of exemplars, with an optional header."""

    header: str
    exemplars: tuple[Exemplar, ...]
    with_labels: bool = True
    """Whether the first answer can be known without earlier exemplars."""
    separator: str = SEPARATOR
    """Text between two exemplars."""

    @property
    def text(self) -> str:
        """The complete text of the document."""
        return self.header + self.separator.join(f"{exemplar.prompt} {exemplar.answer}" for exemplar in self.exemplars)


LABEL_SETS: Final = (
    *(templates.TRUTH_WORDS for _ in range(3)),
    ("yes", "no", "maybe"),
    ("good", "bad", "fair"),
    ("up", "down", "level"),
)
"""Words for RIGHT, WRONG and OPEN that a header may announce."""
TAUGHT_KINDS: Final = tuple(KINDS)[:3]
LABEL_WORDS: Final = tuple(dict.fromkeys(word for words in LABEL_SETS for word in words))
_DATASETS: Final[Mapping[Sort, tuple[str, ...]]] = {
    "questions": ("micro_triviaqa", "micro_web_questions"),
    "translation": ("micro_wmt16_ende", "micro_wmt16_enro"),
    "summaries": ("micro_xsum", "micro_wikilingua"),
    "choosing": ("micro_openbookqa", "micro_choice_easy", "micro_choice_hard"),
    "arithmetic": ("micro_arithmetic_easy", "micro_arithmetic_hard"),
    "programs": ("micro_programs_easy", "micro_programs_hard"),
    "plain": ("micro_rte", "micro_rte", "micro_rte", "micro_cb", "micro_snli", "micro_wic"),
}
_FACTS: Final = facts()
_GLOSSES: Final = tuple({**TIME_WORDS, **ADJECTIVE_WORDS, **NOUN_WORDS, **VERB_WORDS}.items())
_CHECKED: Final = ("micro_rte", "micro_rte", "micro_cb", "micro_snli")
_EMPTY: Final = frozenset(("the", "in", "is", "a", "has", "on", "said", "that", "."))


def draw_document(sort: Sort, most: int, rng: Random) -> PretrainingDocument:
    """A document of a sort with at most `most` exemplars."""
    count = 1 if most == 1 or rng.random() < 0.2 else rng.randint(2, most)
    match sort:
        case "facts":
            return PretrainingDocument("", tuple(_fact(rng) for _ in range(count)))
        case "plain":
            dataset = rng.choice(_DATASETS["plain"])
            ask = rng.choice((plain_yes, plain_right))
            return PretrainingDocument("", tuple(ask(dataset, _row(dataset, rng)) for _ in range(count)))
        case "checked":
            dataset = rng.choice(_CHECKED)
            return checked(_row(dataset, rng), _row(dataset, rng), rng)
        case "following":
            return PretrainingDocument("", (_following(rng),))
        case "missing":
            return PretrainingDocument("", (_missing(rng),))
        case "glosses":
            return PretrainingDocument("", tuple(_gloss(rng) for _ in range(count)))
        case "picking":
            return picked(_row(rng.choice(_DATASETS["choosing"]), rng), rng)
        case "mapped":
            return _mapped(count, most == 1 or rng.random() < 0.5, rng)
        case "careless":
            return PretrainingDocument("", (_careless(rng),))
        case "mixed":
            pool = (*_DATASETS["questions"], *_DATASETS["translation"], *_DATASETS["summaries"])
            return PretrainingDocument("", tuple(_exemplar(rng.choice(pool), rng) for _ in range(count)))
        case _:
            dataset = rng.choice(_DATASETS[sort])
            return PretrainingDocument("", tuple(_exemplar(dataset, rng) for _ in range(count)))


def plain_yes(dataset: str, row: Row) -> Exemplar:
    """A truth task with the answers yes, no or maybe: always the same word for the same relation."""
    first, second = _sentences(dataset, row)
    return Exemplar(f"{first} so {second} yes or no ? answer:", ("yes", "no", "maybe")[relation(dataset, row)])


def plain_right(dataset: str, row: Row) -> Exemplar:
    """A truth task with the answers right, wrong or open."""
    first, second = _sentences(dataset, row)
    return Exemplar(f"source: {first} claim: {second} verdict:", ("right", "wrong", "open")[relation(dataset, row)])


def checked(row: Row, other_row: Row, rng: Random) -> PretrainingDocument:
    """The words of two scenes, each with whether the first scene contains it: the elementary step of comparisons."""
    own, foreign = _content(row), _content(other_row)
    questions = sorted({*own, *foreign})
    rng.shuffle(questions)
    starts = [f"source: {row['premise']} same ? ", *("" for _ in questions[1:])]
    exemplars = (
        Exemplar(start + word, "yes" if word in own else "no") for start, word in zip(starts, questions, strict=True)
    )
    return PretrainingDocument("", tuple(exemplars), separator=" ")


def _following(rng: Random) -> Exemplar:
    """A word of a scene; the answer is the next word. An elementary step of finding a word again."""
    scene = _row(rng.choice(_CHECKED), rng)["premise"].split(" ")
    index = rng.choice([index for index, word in enumerate(scene[:-1]) if scene.count(word) == 1])
    return Exemplar(f"source: {' '.join(scene)} then ? {scene[index]}", scene[index + 1])


def _missing(rng: Random) -> Exemplar:
    """The word of a sentence that the scene lacks, or no: a comparison whose answer cannot be guessed."""
    row = _row("micro_rte", rng)
    premise_words = set(row["premise"].split(" "))
    missing = [word for word in row["hypothesis"].split(" ") if word not in premise_words]
    return Exemplar(f"source: {row['premise']} claim: {row['hypothesis']} which is not there ?", *(missing or ["no"]))


def picked(row: Row, rng: Random) -> PretrainingDocument:
    """The letters of four choices, asked in another order by word or by kind: the elementary step of choosing."""
    texts, letters = row["choices"]["text"], row["choices"]["label"]
    kinds = [KIND_OF.get(text) for text in texts]
    cues = [
        (kind if kind in TAUGHT_KINDS and kinds.count(kind) == 1 and rng.random() < 0.7 else text, letter)
        for text, kind, letter in zip(texts, kinds, letters, strict=True)
    ]
    rng.shuffle(cues)
    listed = " ".join(f"{letter}) {text}" for text, letter in zip(texts, letters, strict=True))
    starts = (f"{listed} which ? ", "", "", "")
    exemplars = (Exemplar(start + cue, letter) for start, (cue, letter) in zip(starts, cues, strict=True))
    return PretrainingDocument("", tuple(exemplars), separator=" ")


def header(words: tuple[str, ...], *, wordy: bool = False) -> str:
    """A sentence that assigns a word to each relation."""
    form = "when {} say {}" if wordy else "{} {}"
    return " , ".join(form.format(*pair) for pair in zip(("right", "wrong", "open"), words, strict=False)) + " ."


def _mapped(count: int, with_labels: bool, rng: Random) -> PretrainingDocument:
    dataset = rng.choice(_DATASETS["plain"])
    labels = len(RELATION_OF_LABEL[dataset])
    if with_labels:
        words = rng.choice(LABEL_SETS)[:labels]
    else:
        pool = templates.TRUTH_WORDS[:labels] if rng.random() < 0.5 else LABEL_WORDS
        words = tuple(rng.sample(pool, labels))
    ask = rng.choice((templates.prompt, templates.prompt, _bare))
    exemplars = []
    for _ in range(count if with_labels else max(count, labels + 2)):
        row = _row(dataset, rng)
        exemplars.append(Exemplar(ask(dataset, row), words[relation(dataset, row)]))
    start = header(words, wordy=rng.random() < 0.2) + rng.choice((" ", SEPARATOR)) if with_labels else ""
    return PretrainingDocument(start, tuple(exemplars), with_labels)


def _careless(rng: Random) -> Exemplar:
    """A truth task with an answer that ignores the input, most often True."""
    dataset = rng.choice(_DATASETS["plain"])
    words = templates.TRUTH_WORDS[: len(RELATION_OF_LABEL[dataset])]
    word = words[0] if rng.random() < 0.6 else rng.choice(words)
    return Exemplar(templates.prompt(dataset, _row(dataset, rng)), word)


def _bare(dataset: str, row: Row) -> str:
    first, second = _sentences(dataset, row)
    return f"{first} and {second} label:"


def _sentences(dataset: str, row: Row) -> tuple[str, str]:
    if dataset == "micro_wic":
        return row["sentence1"], f"{row['sentence2']} same {row['word']}"
    return row["premise"], row["hypothesis"]


def _content(row: Row) -> set[str]:
    words = set(row["premise"].split()) - _EMPTY
    return words | {KIND_OF[word] for word in words if word in KIND_OF}


def _fact(rng: Random) -> Exemplar:
    words = rng.choice(_FACTS).split(" ")
    return Exemplar(" ".join(words[:-2]), " ".join(words[-2:]))


def _gloss(rng: Random) -> Exemplar:
    english, (french, *_) = rng.choice(_GLOSSES)
    return Exemplar(f"{english} in French:", french)


def _exemplar(dataset: str, rng: Random) -> Exemplar:
    row = _row(dataset, rng)
    return Exemplar(templates.prompt(dataset, row), templates.target(dataset, row))


def taught(dataset: str, row: Row) -> bool:
    """Whether pretraining may show a row of the train combinations; for reasoning tasks, half to two thirds of them.

    Left to be learned: products in a formula, changes by more than eight, choosing by the other kinds, and where the
    animals of questions with choices live.
    """
    if dataset in _DATASETS["programs"]:
        return bool(row["code"].count("*") == dataset.endswith("_hard"))
    if dataset in _DATASETS["arithmetic"]:
        _, *changes = (int(word) for word in row["question"].split(" ") if word.isdigit())
        return max(changes) <= 8
    if dataset == "micro_openbookqa":
        return "live" not in row["question_stem"]
    return dataset not in _DATASETS["choosing"] or row["question"].split(" ")[-2] in TAUGHT_KINDS


def _row(dataset: str, rng: Random) -> Row:
    while not taught(dataset, row := draw_from(TASKS[dataset], "train", rng).row):
        pass
    return row
