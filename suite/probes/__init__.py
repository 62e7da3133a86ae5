"""Looks at a model while it is trained, which change nothing about what training gives."""

from suite.probes.look import Looking, Tasks

__all__ = ["Looking", "Tasks"]
