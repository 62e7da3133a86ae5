"""The ways in which singular values are scaled, free of torch for those who only plan."""

from __future__ import annotations

from typing import Literal

Matrices = Literal["mlp", "attention", "all"]
"""Linear maps of each block: those of the MLP, of attention, or both."""
Mask = Literal["sigmoid", "linear", "exp"]
"""How an unbounded parameter becomes a factor: its sigmoid, itself, or its exponential."""
