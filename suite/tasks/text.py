"""The paper's output processing on plain text: cut an answer, compare as TriviaQA does."""

from __future__ import annotations

import re
import string
from typing import Final

UNPARSABLE: Final = "[invalid]"
"""Stands for an answer in which no answer was found; lm-eval's own filters use the same mark."""

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation + "‘’´", " "))


def cut(output: str, prefix: str, *, occurrence: int = 1, blank_line: bool = True) -> str:
    """An answer without what follows it: a blank line, or the `occurrence`-th `prefix`, with which examples start."""
    if blank_line:
        output = output.partition("\n\n")[0]
    if prefix:
        output = prefix.join(output.split(prefix)[:occurrence])
    return output.strip()


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and spare spaces: as TriviaQA's own scorer has it."""
    text = _ARTICLES.sub(" ", text.lower().replace("_", " ").translate(_PUNCTUATION))
    return " ".join(text.split())
