"""Errors that a user can fix: each says where, what is wrong, and what to do."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from suite.core.console import visible
from suite.core.regular import NotRegular


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to fix, printed on one line as ``where: what; fix``."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text}; {self.fix}" if self.fix else text
        return visible(" ".join(text.split()))


class SuiteError(Exception):
    """An error that the user can fix. The command line prints its lines and exits with code 2, without a traceback."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems) or (Problem(where, what, fix),)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> SuiteError:
        """One error with all problems, in order and without duplicates."""
        return cls("", problems=tuple(dict.fromkeys(problems)))


class StoreAway(SuiteError):
    """The store's server does not answer."""

    def __init__(self, what: str, reason: str, *, where: str = "", fix: str = "", soon: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.reason, self.soon = reason, soon
        """The reason, and whether it suggests that the server will answer soon."""


class StoreConflict(SuiteError):
    """Two processes conflicted in the store, and one of them gave up without changing anything."""


class StepFailed(Exception):
    """A step could not be finished (NaN loss, no memory left …). The reason is recorded, and other steps continue."""


class TakenOver(StepFailed):
    """Another process has taken over the step; this process's part of it is dropped."""

    def __init__(self) -> None:
        super().__init__("the step was taken over by another process, which thought this one dead")


class ArtifactLost(StepFailed):
    """The artifact of a finished train step is missing or changed: the step has to be done again."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"the artifact of step {step[:8]} {why}")
        self.step, self.why = step, why


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` if a known word is close, otherwise the list of known words."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + (", ".join(options) if options else "none")


MACHINE: Final = frozenset(
    {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG,
     errno.EMFILE, errno.ENFILE, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENOMEM}
)  # fmt: skip
"""Errors of the machine and its disks, which code cannot prevent."""
ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_NO_MEMORY: Final = re.compile("allocate memory|not enough memory|_ALLOC_FAILED")
_NUMBERED: Final = re.compile(r"(?:os error |\[Errno )(\d+)")


def machine_problem(error: BaseException) -> Problem | None:
    """The machine's problem (a full or read-only disk, no memory left) in one line; None for any other error.

    Libraries written in Rust and C++ report such errors only as texts.
    """
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        return Problem("", "there is not enough memory", "make the model, the batch or `decoding.batch_tokens` smaller")
    if type(error).__name__ == "PanicException":  # of a library in Rust; not an Exception
        fix = "check the files that it was given, such as the tokenizer's"
        return Problem("", f"a library gave up ({' '.join(str(error).split())[:160]})", fix)
    if "No usable temporary directory" in str(error):
        return Problem(
            "", "there is no folder for temporary files", "make room in /tmp, or set TMPDIR to a folder with room"
        )
    if isinstance(error, NotRegular):
        return Problem(str(error.filename), f"cannot be read ({error.strerror})", error.FIX)
    number = error.errno if isinstance(error, OSError) and error.errno else _number_in(str(error))
    if number not in MACHINE:
        return None
    where = str(error.filename) if isinstance(error, OSError) and error.filename else ""
    return Problem(where, f"cannot be used ({os.strerror(number)})" if where else os.strerror(number), remedy(number))


def remedy(number: int | None) -> str:
    """What to do about an error number of the system."""
    if number in ROOM:
        return "make room on the disk (or raise `ulimit -f`), then run the same command again"
    return "check the permissions, or use another folder" if number in (errno.EACCES, errno.EPERM, errno.EROFS) else ""


def _number_in(text: str) -> int | None:
    found = _NUMBERED.search(text)
    return int(found[1]) if found else None
