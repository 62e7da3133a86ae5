"""Experiments to ordered, content-hashed steps: what is shared, what is done, what it will cost."""

from suite.plan.make import Inputs, make_plan
from suite.plan.stale import stale_reasons
from suite.plan.steps import Evaluate, Link, Plan, Planned, Step, Train

__all__ = ["Evaluate", "Inputs", "Link", "Plan", "Planned", "Step", "Train", "make_plan", "stale_reasons"]
