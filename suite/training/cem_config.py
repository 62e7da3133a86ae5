"""Settings of the cross-entropy method. Imports no torch, because plans import it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from suite.core.block import Block
from suite.training.config import Count, NonNegative, Positive


class Search(Block):
    """A search for mixing weights with the cross-entropy method."""

    population: Count = 32
    """Candidates in each generation."""
    elite: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the candidates from which the next generation's mean and deviation are computed."""
    generations: Count = 50
    """Number of generations."""
    spread: Positive = 0.5
    """Standard deviation of the first generation."""
    floor: NonNegative = 0.02
    """Minimum standard deviation, so that the search does not stop (published: 0)."""
    tie_break: bool = True
    """Among candidates of equal accuracy, prefer those with a higher likelihood of right answers (published: no)."""
