"""The paper's output processing on plain text: an answer is cut where the next example would begin."""

from __future__ import annotations

from typing import Final

UNPARSABLE: Final = "[invalid]"
"""Stands for an answer in which no answer was found; lm-eval's own filters use the same mark."""


def cut(output: str, prefix: str, *, occurrence: int = 1, blank_line: bool = True) -> str:
    """An answer without what follows it: a blank line, or the `occurrence`-th `prefix`, with which examples start."""
    if blank_line:
        output = output.partition("\n\n")[0]
    if prefix:
        output = prefix.join(output.split(prefix)[:occurrence])
    return output.strip()
