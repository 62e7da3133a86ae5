"""The verdict on a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from suite.analysis.claims.schema import Claim
from suite.stats import Contrast

Status = Literal["holds", "fails", "undecided", "not comparable", "not run"]
WRONG: tuple[Status, ...] = ("fails", "not comparable")
"""Verdicts that make a check fail."""
OPEN: tuple[Status, ...] = ("undecided", "not run")
"""Verdicts that make only a strict check fail."""


@dataclass(frozen=True)
class Verdict:
    """A claim with its verdict and the numbers that led to it."""

    id: str
    says: str
    source: str
    expects: str
    track: str
    status: Status
    reason: str = ""
    """Why the verdict is open or not comparable, or what differs; empty if the numbers say everything."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """The upper end of the 95 % interval; `low` is the lower end."""
    p: float | None = None
    """For a bound of zero: the probability of a value at least this far from zero if the true value is zero."""
    documents: int | None = None
    seeds: int | None = None
    could_see: float | None = None
    """The minimum detectable effect: the true difference from the bound that is found with 80 % power."""
    experiments: Mapping[str, str | None] = field(default_factory=dict)
    """The claim's experiments -> the id of one judged seed; None if the experiment was not run."""

    @property
    def all_run(self) -> bool:
        """Whether all experiments of the claim were run."""
        return None not in self.experiments.values()

    @property
    def wrong(self) -> bool:
        """Whether the verdict makes a check fail."""
        return self.status in WRONG

    def passes(self, *, strict: bool) -> bool:
        """Whether a check passes with this verdict. A strict check also fails open claims."""
        return not self.wrong and not (strict and self.status in OPEN)

    @property
    def value_text(self) -> str:
        """The value with its interval, and with true minus signs."""
        if self.value is None:
            return "–"
        if self.low is None or self.high is None or self.low == self.high:
            text = f"{self.value:+,.0f}" if self.value.is_integer() else f"{self.value:+,.2f}"
        else:
            text = f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"
        return text.replace("-", "\N{MINUS SIGN}")

    @property
    def evidence(self) -> str:
        """The documents, seeds and minimum detectable effect that the verdict is based on."""
        parts = [f"{self.documents} documents"] if self.documents else []
        parts += ["1 seed" if self.seeds == 1 else f"{self.seeds} seeds"] if self.seeds else []
        parts += [f"minimum detectable effect {self.could_see:.2f}"] if self.could_see else []
        return ", ".join(parts)

    def plain(self) -> dict[str, Any]:
        """The verdict as data for JSON; numbers that are not finite become None."""
        return {name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in asdict(self).items()}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """The verdicts of a file on a track."""

    file: str
    track: str
    verdicts: tuple[Verdict, ...]
    own: bool = True
    """Whether the track is the file's own, or the only one on which the file is judged."""
    left_out: int = 0
    """Number of claims about rows that were not run on a further track of the file."""

    @property
    def name(self) -> str:
        """The file's name, with the track if it is judged on several."""
        return self.file if self.own else f"{self.file} on {self.track}"


def verdict_of(claim: Claim, track: str, status: Status, reason: str = "", contrast: Contrast | None = None) -> Verdict:
    """A claim's verdict, with its numbers if there are any."""
    recorded = claim.reproduces
    again = f"{recorded.curve} of {recorded.experiment} (seed {recorded.seed}) as recorded" if recorded else ""
    plain = Verdict(claim.id, claim.says, claim.source, claim.expect or again, track, status, reason)
    if contrast is None:
        return plain
    zero = claim.expectation is not None and claim.expectation.bound == 0
    numbers = (contrast.value, contrast.low, contrast.high, contrast.p if zero and contrast.spread.stderr else None)
    seeds = contrast.seeds if contrast.documents or contrast.seeds > 1 else None
    text = (plain.id, plain.says, plain.source, plain.expects, plain.track, plain.status, plain.reason)
    return Verdict(*text, *numbers, contrast.documents or None, seeds, contrast.resolvable or None)


def decided_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts in their order, but undecided ones after the others, and at the end those that were not run."""
    return sorted(verdicts, key=lambda verdict: OPEN.index(verdict.status) + 1 if verdict.status in OPEN else 0)


def tally(verdicts: Sequence[Verdict]) -> str:
    """The number of claims with each verdict, in words."""
    counts = {status: sum(verdict.status == status for verdict in verdicts) for status in
              ("holds", "fails", "not comparable", "undecided", "not run")}  # fmt: skip
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no claims"
