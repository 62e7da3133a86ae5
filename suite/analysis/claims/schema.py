"""What a file of claims says: what a paper found, or what must stay so."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from suite.analysis.claims.expectation import Expectation, parse_expectation
from suite.core.block import Block

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Recording(Block):
    """A curve of an experiment's training, as it was once."""

    experiment: str
    """The name of its row."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Which of its seeds."""
    curve: str = "loss"
    """The name of the curve, as on the experiment's page."""
    values: Annotated[tuple[Finite, ...], Field(min_length=1)]
    """In the order of the training steps."""
    within: Annotated[Finite, Field(ge=0)] = 0.0
    """So far may each value be from the recorded one; 0: the very same number."""


class Claim(Block):
    """One claim."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """A name that no other claim of the file has: lower-case letters, digits and `-`."""
    says: str
    """The claim in words."""
    source: str
    """Paper and table, or who doubts it."""
    expect: str | None = None
    """A comparison: `target(svf_math) - target(pretrained, math) > 0`."""
    reproduces: Recording | None = None
    """Or a curve that must come out again."""
    _expectation: Expectation | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _parsed(self) -> Claim:
        if (self.expect is None) == (self.reproduces is None):
            raise ValueError("a claim has one of `expect` and `reproduces`")
        self._expectation = None if self.expect is None else parse_expectation(self.expect)
        return self

    @property
    def expectation(self) -> Expectation | None:
        """The comparison, parsed."""
        return self._expectation


class Claims(Block):
    """A file of claims about a track, or about several."""

    track: str
    """The track on which the claims are judged."""
    also: tuple[str, ...] = ()
    """Further tracks, on which those claims are judged whose rows were run there."""
    claims: tuple[Claim, ...] = Field(min_length=1)
    """The claims, in the order in which they are reported."""

    @model_validator(mode="after")
    def _different(self) -> Claims:
        ids = [claim.id for claim in self.claims]
        twice = sorted({claim_id for claim_id in ids if ids.count(claim_id) > 1})
        if twice:
            raise ValueError(f"the id '{twice[0]}' is there twice")
        return self
