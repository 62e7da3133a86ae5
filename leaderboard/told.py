"""What pages may say besides what is stored: whoever renders knows methods, task files and judged claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["holds", "fails", "undecided", "not comparable"]


@dataclass(frozen=True)
class Judged:
    """A claim and what became of it."""

    id: str
    track: str
    says: str
    source: str
    expect: str
    """The comparison, as the file of claims has it."""
    verdict: Verdict
    numbers: str
    """What was measured, with its interval, in a sentence."""


@dataclass(frozen=True)
class Told:
    """Nothing of it is needed; what is not told is not shown."""

    methods: Mapping[str, str] = field(default_factory=dict)
    """Method -> what it is, as its module says."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """A task's fingerprint, as steps have it -> its file."""
    claims: Sequence[Judged] = ()
