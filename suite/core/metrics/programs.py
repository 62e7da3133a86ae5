"""The share of programs that pass their tests."""

from __future__ import annotations

from suite.core.metrics import MetricDefinition, register

register(MetricDefinition("pass@1", runs_programs=True))
