"""Looks at a model while it is trained, which change nothing about what training gives."""

from suite.probes.probe import Looking, Tasks

__all__ = ["Looking", "Tasks"]
