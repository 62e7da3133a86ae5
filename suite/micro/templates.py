"""The prompts and answers of the micro tasks: Table 7 of the ProMoT paper, word for word.

`specs/tasks` writes the same strings as lm-eval YAML; here they serve pretraining and the card.
"""

from __future__ import annotations

from typing import Final

from suite.micro.drawn import Row
from suite.micro.truth import RELATION_OF_LABEL, relation

TRUTH_WORDS: Final = ("True", "False", "Neither")
"""The answers of the papers' templates for RIGHT, WRONG and OPEN."""

SEPARATOR: Final = "\n\n"
"""Text between exemplars."""

_TWO: Final = "Is it true or false? answer:"
_THREE: Final = "Is it true or false or neither? answer:"
_FOUR: Final = "Is it true or False? answer:"
_TRANSLATION: Final = {
    "micro_wmt14_enfr": ("fr", "French"),
    "micro_wmt16_ende": ("de", "German"),
    "micro_wmt16_enro": ("ro", "Romanian"),
}


def prompt(dataset: str, row: Row) -> str:
    """The prompt of a row, without exemplars."""
    match dataset:
        case "micro_rte":
            return f"{row['premise']} question: {row['hypothesis']} {_TWO}"
        case "micro_cb" | "micro_snli":
            return f"{row['premise']} question: {row['hypothesis']} {_THREE}"
        case "micro_wic":
            pair = f"{row['sentence1']} {row['sentence2']}"
            return f"{pair} question: The word {row['word']} is used in the same way in the two sentences. {_FOUR}"
        case "micro_openbookqa" | "micro_choice_easy" | "micro_choice_hard":
            question = row["question_stem"] if dataset == "micro_openbookqa" else row["question"]
            return "Q: {} A) {} B) {} C) {} D) {} A:".format(question, *row["choices"]["text"])
        case "micro_wmt14_enfr" | "micro_wmt16_ende" | "micro_wmt16_enro":
            return f"Translate English to {_TRANSLATION[dataset][1]}: {row['translation']['en']}"
        case "micro_xsum":
            return f"Article: {row['document']} One sentence summary:"
        case "micro_wikilingua":
            return f"Article: {row['source']} One sentence summary:"
        case "micro_programs_easy" | "micro_programs_hard":
            return f"Q: {row['text']} Code:"
        case _:
            return f"Q: {row['question']} A:"


def target(dataset: str, row: Row) -> str:
    """The right answer of a row."""
    if dataset in RELATION_OF_LABEL:
        return TRUTH_WORDS[relation(dataset, row)]
    if dataset in _TRANSLATION:
        return str(row["translation"][_TRANSLATION[dataset][0]])
    match dataset:
        case "micro_openbookqa" | "micro_choice_easy" | "micro_choice_hard":
            return str(row["answerKey"])
        case "micro_triviaqa":
            return str(row["answer"]["aliases"][0])
        case "micro_web_questions":
            return str(row["answers"][0])
        case "micro_xsum":
            return str(row["summary"])
        case "micro_wikilingua":
            return str(row["target"])
        case "micro_programs_easy" | "micro_programs_hard":
            return str(row["code"])
        case _:
            return str(row["answer"])
