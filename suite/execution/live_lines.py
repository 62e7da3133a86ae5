"""Lines at the end of a terminal that later ones replace; the output may be closed, full or no terminal at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO


class LiveLines:
    """The last lines of an output."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0

    @property
    def on_terminal(self) -> bool:
        """Whether lines can be replaced."""
        with suppress(ValueError, AttributeError):  # closed, or None
            return self._out.isatty()
        return False

    def draw(self, lines: Sequence[Sequence[str]]) -> None:
        """Replace the lines by these, each given as its parts and cut to the width of the terminal."""
        columns, rows = shutil.get_terminal_size()
        chosen = lines if len(lines) < rows else [*lines[: max(rows - 2, 0)], lines[-1]]
        before = self._cleared() or "\r\x1b[2K"
        self._drawn = len(chosen)
        self._put(before + "\n".join(fitted(parts, columns - 1) for parts in chosen))

    def write(self, text: str) -> None:
        """Write a text that stays, instead of the lines."""
        self._put(self._cleared() + text)

    def _cleared(self) -> str:
        """What removes the lines."""
        drawn, self._drawn = self._drawn, 0
        if not self.on_terminal:
            return ""
        return "\r\x1b[2K" + "\x1b[1A\x1b[2K" * max(drawn - 1, 0)

    def _put(self, text: str) -> None:
        """Write to the output, which may be closed, full or no longer read; the run goes on in any case."""
        with suppress(OSError, ValueError, AttributeError):
            self._out.write(text)
            self._out.flush()


def fitted(parts: Sequence[str], width: int) -> str:
    """The parts of a line within a width. The last part stays longest.

    Of those between the first and the last, all but one go; then the end of the first, from its last `·`; then the one.
    At last the first is cut.
    """
    first, *more, last = ("", *parts) if len(parts) == 1 else parts
    while more and len(" · ".join([first, *more, last])) > width:
        begun = first.rpartition(" · ")[0]
        if len(more) == 1 and begun:
            first = begun
        else:
            more.pop()
    room = width - len(" · ".join(["", *more, last]))
    if len(first) > room:
        first = f"{first[: room - 1]}…" if room > 1 else ""
    return " · ".join(filter(None, [first, *more, last]))[:width]
