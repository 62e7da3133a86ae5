"""Which row of a board to take: within limits, by what rows gain, keep and cost."""

from suite.analysis.advice.advise import advise, trained_targets
from suite.analysis.advice.schema import Advice, Candidate, Constraints

__all__ = ["Advice", "Candidate", "Constraints", "advise", "trained_targets"]
