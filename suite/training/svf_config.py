"""Settings of singular value fine-tuning. Imports no torch, because plans import it."""

from __future__ import annotations

from suite.models.svf_types import Mask, Matrices
from suite.training.config import Count, NonNegative, Optimisation


class Scaling(Optimisation):
    """How singular values are scaled."""

    matrices: Matrices = "all"
    """The linear maps of each block: `mlp`, `attention`, or `all`."""
    mask: Mask = "sigmoid"
    """How a parameter becomes a factor: its sigmoid (the reference code's), the parameter itself, or its
    exponential."""
    renormalise: bool = True
    """Keep the sum of each matrix's singular values (the reference code does; the paper's formula does not)."""
    rank: Count | None = None
    """Scale only this many of the largest singular values; null: all."""
    start: float = 0.1
    """Mean of the initial parameters."""
    spread: NonNegative = 0.0
    """Standard deviation of the initial parameters; at 0, with `renormalise`, training starts exactly at the base."""
