"""Settings of scaled singular values. Imports no torch, because plans import it."""

from __future__ import annotations

from typing import Literal

Matrices = Literal["mlp", "attention", "all"]
"""The linear maps of each block: those of the MLP, of attention, or both."""
Mask = Literal["sigmoid", "linear", "exp"]
"""How an unbounded parameter becomes a factor: its sigmoid, the parameter itself, or its exponential."""
