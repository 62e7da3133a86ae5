"""Suite's own keys of a task file, under lm-eval's free key `metadata:`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from suite.core.block import Block
from suite.core.languages import DEFAULT
from suite.core.lenient import Function

Kind = Literal[
    "entailment", "classification", "qa", "translation", "summarisation", "choice", "math", "code", "dispatch"
]


class KnownOverlap(Block):
    """Rows that the official data set has in both the training split and the reported split."""

    count: int = Field(ge=1)
    """Maximum number of such rows."""
    reason: str = Field(min_length=1)
    """Reason for allowing them."""


class Lenient(Block):
    """How answers are read leniently, for a second score beside the one that counts."""

    function: Function
    """`named_label` (the first label anywhere), `last_number`, `json_field`, or `stated` (the last box)."""
    field: str = ""
    """For `json_field`: the field's name; dots lead into objects, as in `result.label`."""
    marker: str = ""
    """For `stated`: the text before an answer without a box."""


class Metadata(Block):
    """Suite's own keys of a task, under lm-eval's free key `metadata:`."""

    version: float = 1.0
    """Raise it when the task changes and its scores are no longer comparable."""
    folder: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Name of its folder in a data folder; the task's name if left out."""
    kind: Kind | None = None
    """The kind of task. `entailment` and `classification` need labels."""
    language: str = DEFAULT
    """Language of the right answers, as an ISO 639 code. For translation, the format ratio looks for this language."""
    labels: tuple[str, ...] = ()
    """The possible answers of a classification. The format ratio counts answers that begin with one of them."""
    chance: float | None = Field(default=None, ge=0, lt=100)
    """The score of guessing, from 0 to 100."""
    splits: dict[str, str] = Field(default_factory=dict)
    """Splits that are cut from stored ones: `{test: "test[32:]", exemplars: "test[:32]"}`."""
    drop: dict[str, int | str | bool] = Field(default_factory=dict)
    """Leave out rows that have this value in this field: `{label: -1}`."""
    primary: str | None = None
    """The metric that ranks rows; the first one if left out."""
    known_overlap: KnownOverlap | None = None
    """Reported documents that are allowed in training; null: none."""
    lenient: Lenient | None = None
    """How a written answer is read leniently (`named_label`, or `{function: json_field, field: label}`). Pages show the
    lenient score beside the score, computed from stored answers; the difference is format. It changes no name."""
    gold_misses: float = Field(default=0.01, ge=0, le=1)
    """Maximum share of rows whose right answers may miss full marks in the primary metric. A task with more is
    rejected."""
    made_of: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    """Rows that are prompts of other tasks, `{question, skill}`: split -> skill -> names of the tasks. The training
    split takes their training rows; other splits take their reported rows."""
    program: str | None = None
    """For `pass@1`: a template of a Python program and its tests. It has the row's fields and `answer`. The text after
    the answer is the tests, which run apart from the program. Both run in the sandbox."""

    @field_validator("lenient", mode="before")
    @classmethod
    def _function_alone(cls, given: Any) -> Any:
        return {"function": given} if isinstance(given, str) else given
