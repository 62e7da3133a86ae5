"""Planning: turns experiments into ordered, content-hashed steps, with what they share and cost."""

from suite.planning.make import Inputs, make_plan
from suite.planning.stale import stale_reasons
from suite.planning.steps import CopyFromTry, Evaluate, Link, Plan, Planned, SelectTry, Step, TakePart, Train, Work

__all__ = [
    "CopyFromTry",
    "Evaluate",
    "Inputs",
    "Link",
    "Plan",
    "Planned",
    "SelectTry",
    "Step",
    "TakePart",
    "Train",
    "Work",
    "make_plan",
    "stale_reasons",
]
