"""The wordings of every data set: the papers' (first), and four others that no training shows.

`specs/tasks` has the same strings as lm-eval YAML; here they serve pretraining and the card. In the forms, `{a}`, `{b}`
… stand for the parts that `parts` finds in a row.
"""

from __future__ import annotations

from typing import Final

from suite.micro2.bilingual import TITLES
from suite.micro2.drawn import Row
from suite.micro2.truth import RELATION_OF_LABEL, relation

TRUTH_WORDS: Final = ("True", "False", "Neither")
"""The answers of the papers' templates for RIGHT, WRONG and OPEN."""
SEPARATOR: Final = "\n\n"
"""Text between exemplars."""
PAPER: Final = 0
"""Index of the papers' wording."""

_PAIR: Final = (
    "{a} Does it say that {b} True or False ? answer:",
    "text: {a} statement: {b} True or False ? A:",
    "{b} Is that true if {a} answer:",
    "source: {a} question: {b} Is it true or false? A:",
)
_QUESTION: Final = ("question: {a} answer:", "Q: {a} The answer is", "{a} answer:", "Please answer: {a} A:")
_TRANSLATION: Final = (
    "English: {a} {b}:",
    "In {b} the sentence {a} is:",
    "Translate: {a} to {b}:",
    "sentence: {a} {b} translation:",
)
_ARTICLE: Final = (
    "text: {a} summary:",
    "{a} One sentence summary:",
    "Article: {a} In one sentence:",
    "source: {a} What is the summary ? A:",
)
_CHOICE: Final = (
    "question: {a} A) {b} B) {c} C) {d} D) {e} answer:",
    "{a} A) {b} B) {c} C) {d} D) {e} The answer is",
    "Please answer: {a} A) {b} B) {c} C) {d} D) {e} A:",
    "Q: {a} choices: A) {b} B) {c} C) {d} D) {e} answer:",
)
_CODE: Final = ("text: {a} Code:", "question: {a} Code:", "{a} The function is", "Please answer: {a} Code:")
_WORD: Final = (
    "{a} {b} Is {c} the same in the two sentences? True or False ? answer:",
    "text: {a} {b} statement: {c} is used in the same way. True or False ? A:",
    "The word {c} is the same in {a} {b} Is it true or false? answer:",
    "source: {a} {b} question: is {c} the same ? True or False ? A:",
)
_LABELS: Final = "A) {b} B) {c} C) {d} D) {e}"

WORDINGS: Final[dict[str, tuple[str, ...]]] = {
    "micro2_rte": ("{a} question: {b} Is it true or false? answer:", *_PAIR),
    "micro2_cb": ("{a} question: {b} Is it true or false or neither? answer:", *_PAIR),
    "micro2_snli": ("{a} question: {b} Is it true or false or neither? answer:", *_PAIR),
    "micro2_wic": (
        "{a} {b} question: The word {c} is used in the same way in the two sentences. Is it true or False? answer:",
        *_WORD,
    ),
    "micro2_openbookqa": (f"Q: {{a}} {_LABELS} A:", *_CHOICE),
    "micro2_choice_easy": (f"Which of four: {{a}} {_LABELS} answer:", *_CHOICE),
    "micro2_choice_hard": (f"Which of four: {{a}} {_LABELS} answer:", *_CHOICE),
    "micro2_triviaqa": ("Q: {a} A:", *_QUESTION),
    "micro2_web_questions": ("Q: {a} A:", *_QUESTION),
    "micro2_arithmetic_easy": ("Q: {a} A:", *_QUESTION),
    "micro2_arithmetic_hard": ("Q: {a} A:", *_QUESTION),
    "micro2_programs_easy": ("Q: {a} Code:", *_CODE),
    "micro2_programs_hard": ("Q: {a} Code:", *_CODE),
    "micro2_wmt14_enfr": ("Translate English to {b}: {a}", *_TRANSLATION),
    "micro2_wmt16_ende": ("Translate English to {b}: {a}", *_TRANSLATION),
    "micro2_wmt16_enro": ("Translate English to {b}: {a}", *_TRANSLATION),
    "micro2_xsum": ("Article: {a} One sentence summary:", *_ARTICLE),
    "micro2_wikilingua": ("Article: {a} One sentence summary:", *_ARTICLE),
}
_CODE_OF: Final = {"micro2_wmt14_enfr": "fr", "micro2_wmt16_ende": "de", "micro2_wmt16_enro": "ro"}


def parts(dataset: str, row: Row) -> dict[str, str]:
    """The parts of a row that a wording is filled with."""
    if dataset == "micro2_wic":
        found = [row["sentence1"], row["sentence2"], row["word"]]
    elif dataset in RELATION_OF_LABEL:
        found = [row["premise"], row["hypothesis"]]
    elif dataset in _CODE_OF:
        found = [row["translation"]["en"], TITLES[_CODE_OF[dataset]]]
    elif "choices" in row:
        found = [row.get("question_stem", row.get("question")), *row["choices"]["text"]]
    else:
        found = [next(row[field] for field in ("document", "source", "text", "question") if field in row)]
    return dict(zip("abcde", found, strict=False))


def prompt(dataset: str, row: Row, wording: int = PAPER) -> str:
    """The prompt of a row, without exemplars."""
    return WORDINGS[dataset][wording].format(**parts(dataset, row))


def target(dataset: str, row: Row) -> str:
    """The right answer of a row."""
    if dataset in RELATION_OF_LABEL:
        return TRUTH_WORDS[relation(dataset, row)]
    if dataset in _CODE_OF:
        return str(row["translation"][_CODE_OF[dataset]])
    if dataset == "micro2_triviaqa":
        return str(row["answer"]["aliases"][0])
    if dataset == "micro2_web_questions":
        return str(row["answers"][0])
    field = next(field for field in ("answerKey", "summary", "target", "code", "answer") if field in row)
    return str(row[field])
