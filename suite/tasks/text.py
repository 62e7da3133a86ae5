"""The paper's output processing on plain text: cut an answer, read its label, compare as TriviaQA does."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Final

UNPARSABLE: Final = "[invalid]"
"""Stands for an answer in which no answer was found; lm-eval's own filters use the same mark."""

_WORD: Final = re.compile(r"\W*(\w+)")
_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation + "‘’´", " "))


def cut(output: str, prefix: str) -> str:
    """An answer without what follows it: a blank line, or the next example, which starts with `prefix`."""
    for stop in ("\n\n", prefix):
        output = output.partition(stop)[0] if stop else output
    return output.strip()


def first_label(output: str, labels: Sequence[str]) -> str | None:
    """The label that an answer's first word is (case and punctuation aside), or None."""
    word = _WORD.match(output)
    if word is None:
        return None
    return next((label for label in labels if label.casefold() == word[1].casefold()), None)


def named_label(output: str, labels: Sequence[str]) -> str | None:
    """The label that an answer names first, wherever it stands (case aside), or None."""
    known = {label.casefold(): label for label in labels}
    return next((known[word] for word in re.findall(r"\w+", output.casefold()) if word in known), None)


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and spare spaces: as TriviaQA's own scorer has it."""
    text = _ARTICLES.sub(" ", text.lower().replace("_", " ").translate(_PUNCTUATION))
    return " ".join(text.split())
