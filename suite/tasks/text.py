"""The paper's output processing on plain text: cut an answer where the next example would begin."""

from __future__ import annotations

from typing import Final

UNPARSABLE: Final = "[invalid]"
"""Replaces an answer that no filter can read; lm-eval's own filters use the same mark."""


def cut(output: str, prefix: str, *, occurrence: int = 1, blank_line: bool = True) -> str:
    """Cut an answer at the first blank line and at the `occurrence`-th `prefix`, with which examples start."""
    if blank_line:
        output = output.partition("\n\n")[0]
    if prefix:
        output = prefix.join(output.split(prefix)[:occurrence])
    return output.strip()
