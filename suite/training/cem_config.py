"""The settings of the cross-entropy method, free of torch for those who only plan."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from suite.core.block import Block
from suite.training.config import Count, NonNegative, Positive


class Search(Block):
    """A cross-entropy search for mixing weights."""

    population: Count = 32
    """Candidates in a generation."""
    elite: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The share of them that the next generation is drawn around."""
    generations: Count = 50
    """How often candidates are drawn."""
    spread: Positive = 0.5
    """Deviation of the first generation."""
    floor: NonNegative = 0.02
    """Deviation at least, so that the search never stands still (published: 0)."""
    tie_break: bool = True
    """Among candidates of one accuracy, prefer those that give right answers more likelihood (published: no)."""
