"""Looks at a model while it is trained, which change nothing about what training gives."""

from suite.probes.probe import ProbeCallback, Tasks

__all__ = ["ProbeCallback", "Tasks"]
