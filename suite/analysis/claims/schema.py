"""The format of a file of claims: findings of a paper, or results that must not change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from suite.analysis.claims.expectation import Expectation, parse_expectation
from suite.core.block import Block

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]


class Recording(Block):
    """A curve of an experiment's training, recorded earlier."""

    experiment: str
    """The name of the experiment."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The seed of the experiment."""
    curve: str = "loss"
    """The name of the curve, as on the experiment's page."""
    values: Annotated[tuple[Finite, ...], Field(min_length=1)]
    """The values, in the order of the training steps."""
    within: Annotated[Finite, Field(ge=0)] = 0.0
    """The largest allowed difference of each value from the recorded one; 0: exactly equal."""


class Claim(Block):
    """One claim."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """A name that is unique in the file: lower-case letters, digits and `-`."""
    says: str
    """The claim in words."""
    source: str
    """The paper and table, or the person who doubts the claim."""
    expect: str | None = None
    """A comparison: `target(svf_math) - target(pretrained, math) > 0`."""
    matters: Positive | None = None
    """The smallest effect beyond the bound that would matter: an undecided claim fails if the interval excludes it."""
    reproduces: Recording | None = None
    """In place of `expect`: a curve that must be reproduced."""
    _expectation: Expectation | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _parsed(self) -> Claim:
        if (self.expect is None) == (self.reproduces is None):
            raise ValueError("a claim has one of `expect` and `reproduces`")
        if self.matters is not None and self.reproduces is not None:
            raise ValueError("`matters` is of claims that have `expect`; `reproduces` has `within`")
        self._expectation = None if self.expect is None else parse_expectation(self.expect)
        return self

    @property
    def expectation(self) -> Expectation | None:
        """The parsed comparison; None for a claim about a curve."""
        return self._expectation


class Claims(Block):
    """A file of claims about a track, or about several."""

    track: str
    """The track on which the claims are judged."""
    also: tuple[str, ...] = ()
    """Further tracks. A claim is judged on each of them if its rows were run there."""
    matters: Positive | None = None
    """The smallest effect in points that would matter, of claims about points that do not say their own."""
    claims: tuple[Claim, ...] = Field(min_length=1)
    """The claims, in the order in which they are reported."""

    @model_validator(mode="after")
    def _different(self) -> Claims:
        ids = [claim.id for claim in self.claims]
        twice = sorted({claim_id for claim_id in ids if ids.count(claim_id) > 1})
        if twice:
            raise ValueError(f"the id '{twice[0]}' is there twice")
        return self
