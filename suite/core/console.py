"""Standard output and error: characters that a console cannot show are replaced and never end a command."""

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
"""Replacements for our own signs on consoles that lack them. Other characters are shown by their number."""
STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that control a terminal: control characters, line ends, and marks that change the text direction."""

VERBOSE: Final = ContextVar("verbose", default=False)
"""Whether libraries may print messages that most users do not need."""


@contextmanager
def verbose(on: bool) -> Iterator[None]:
    """Context manager that sets `VERBOSE`."""
    token = VERBOSE.set(on)
    try:
        yield
    finally:
        VERBOSE.reset(token)


def visible(text: str) -> str:
    """Replace characters that control a terminal or end the line by a blank or their number."""
    return STEERING.sub(lambda found: " " if found[0].isspace() else _number(found[0]), text)


def prepare() -> None:
    """Let both streams replace characters that they cannot encode."""
    codecs.register_error(HANDLER, _simpler)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # None if a stream is closed or another object
        if reconfigure is not None:
            with suppress(ValueError):  # closed
                reconfigure(errors=HANDLER)


def is_unicode() -> bool:
    """Whether standard output can show every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with suppress(LookupError):
        return codecs.lookup(encoding).name.startswith("utf")
    return False


def flush() -> None:
    """Flush both streams. Raises OSError if this fails: see `discard`."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def discard() -> bool:
    """Redirect streams that cannot be written to the null device, so that Python does not fail again at exit.

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
        except AttributeError:  # there is no stream
            continue
        except (OSError, ValueError) as error:
            unread = unread or isinstance(error, BrokenPipeError)
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return unread


def _is_unread(number: int) -> bool:
    """Whether a file's reader has closed it. An unbuffered stream has no data left whose writing could fail."""
    if not hasattr(select, "poll"):
        return False
    asked = select.poll()
    asked.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))


def _simpler(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler for `codecs`: replaces characters by similar signs or their number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(SIMPLER.get(each) or _number(each) for each in found), error.end


def _number(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else letter.encode("ascii", "backslashreplace").decode()
