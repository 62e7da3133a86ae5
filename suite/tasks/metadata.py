"""What suite adds to a task file, under lm-eval's free key `metadata:`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from suite.core.block import Block
from suite.core.languages import DEFAULT

Kind = Literal[
    "entailment", "classification", "qa", "translation", "summarisation", "choice", "math", "code", "dispatch"
]


class KnownOverlap(Block):
    """Rows that the official data set itself has both in training and among those that are reported."""

    count: int = Field(ge=1)
    """How many rows at most."""
    reason: str = Field(min_length=1)
    """Why they are allowed."""


class Metadata(Block):
    """Our own keys of a task, under lm-eval's free `metadata:`."""

    version: float = 1.0
    """Raised when the task changes, so that its scores are no longer comparable."""
    folder: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    """The folder of its rows in a data folder; the task's name if left out."""
    kind: Kind | None = None
    """What sort of task it is. `entailment` and `classification` need labels."""
    language: str = DEFAULT
    """The language of right answers, as an ISO 639 code: a translation's target is what the format ratio looks for."""
    labels: tuple[str, ...] = ()
    """The words an answer may be; the format ratio counts answers that begin with one."""
    chance: float | None = Field(default=None, ge=0, lt=100)
    """What guessing scores, from 0 to 100."""
    splits: dict[str, str] = Field(default_factory=dict)
    """Splits cut anew from stored ones: `{test: "test[32:]", exemplars: "test[:32]"}`."""
    drop: dict[str, int | str | bool] = Field(default_factory=dict)
    """Rows with this value in this field are not used: `{label: -1}`."""
    primary: str | None = None
    """The metric that ranks; the first one if left out."""
    known_overlap: KnownOverlap | None = None
    """Reported documents that training may contain; null: none."""
    gold_misses: float = Field(default=0.01, ge=0, le=1)
    """The largest share of rows whose right answers may miss full marks in the primary metric: more are refused."""
    made_of: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    """Rows that are prompts of other tasks, `{question, skill}`: for each split, and each skill, the tasks' names. For
    the training split their training rows are taken, for any other their reported ones."""
    program: str | None = None
    """For `pass@1`: a template of a Python program and its tests. It sees the row's fields and `answer`; what it puts
    behind the answer are the tests, which run apart from the program. Both run in the sandbox."""
