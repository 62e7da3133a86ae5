"""Probes: measurements during training that do not change what training gives."""

from suite.probes.probe import ProbeCallback, Tasks

__all__ = ["ProbeCallback", "Tasks"]
