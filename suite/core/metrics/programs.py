"""The share of programs that are right."""

from __future__ import annotations

from suite.core.metrics import MetricDefinition, register

register(MetricDefinition("pass@1", own=True, runs_programs=True))
