"""The errors a user can fix: each says where, what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to fix, printed on one line as ``where: what; fix``."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text}; {self.fix}" if self.fix else text
        return " ".join(text.split())


class SuiteError(Exception):
    """Something the user can fix. The command line prints its lines and exits with code 2, without a traceback."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems) or (Problem(where, what, fix),)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> SuiteError:
        """All problems found in one go, in the order they were found, each once."""
        return cls("", problems=tuple(dict.fromkeys(problems)))


class StepFailed(Exception):
    """A step could not be finished (a NaN loss, no memory left …): recorded with its reason, other steps go on."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` when a known word is close, else the list of known words."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + (", ".join(options) if options else "none")
