"""Standard output and error: what a console cannot show is written in its letters, and never ends a command."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

HANDLER: Final = "suite.core.console"
SIMPLER: Final = {
    "±": "+/-", "·": ".", "…": "...", "×": "x", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "–": "-", "—": "-",
    "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
"""Signs of our own output, for consoles that have no such letters; any other letter is shown by its number."""
STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: control characters, ends of lines, and marks that turn the direction of what follows."""

VERBOSE: Final = ContextVar("verbose", default=False)
"""Whether libraries may say what is of no use to most users."""


@contextmanager
def verbose(on: bool) -> Iterator[None]:
    """Inside, `VERBOSE` is so."""
    token = VERBOSE.set(on)
    try:
        yield
    finally:
        VERBOSE.reset(token)


def visible(text: str) -> str:
    """A text that steers no terminal and stays on its line: what would is a blank, or its number."""
    return STEERING.sub(lambda found: " " if found[0].isspace() else _number(found[0]), text)


def prepare() -> None:
    """Let both streams write what they can, whatever their encoding is."""
    codecs.register_error(HANDLER, _simpler)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # None where a stream is closed, or another's object
        if reconfigure is not None:
            with suppress(ValueError):  # closed
                reconfigure(errors=HANDLER)


def is_unicode() -> bool:
    """Whether standard output takes every letter."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with suppress(LookupError):
        return codecs.lookup(encoding).name.startswith("utf")
    return False


def flush() -> None:
    """Write out what was printed. Raises OSError where that cannot be: see `discard`."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def discard() -> bool:
    """Write what cannot be written to nowhere, so that Python does not try again, and complain, when it ends.

    Returns whether the reader of a pipe has closed it, as in `suite show | head -1`.
    """
    unread = False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            if not _is_unread(stream.fileno()):
                continue
            unread = True
        except AttributeError:  # there is none
            continue
        except (OSError, ValueError) as error:
            unread = unread or isinstance(error, BrokenPipeError)
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return unread


def _is_unread(number: int) -> bool:
    """Whether a file's reader has gone: a stream without a buffer has nothing left whose writing could fail again."""
    if not hasattr(select, "poll"):
        return False
    asked = select.poll()
    asked.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))


def _simpler(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of `codecs`: signs that look alike, or the letter's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(SIMPLER.get(each) or _number(each) for each in found), error.end


def _number(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else letter.encode("ascii", "backslashreplace").decode()
