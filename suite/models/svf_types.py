"""Settings of scaled singular values. Imports no torch, because plans import it."""

from __future__ import annotations

from typing import Final, Literal

Matrices = Literal["mlp", "attention", "all"]
"""The linear maps of each block: those of the MLP, of attention, or both."""
Mask = Literal["sigmoid", "linear", "exp"]
"""How an unbounded parameter becomes a factor: its sigmoid, the parameter itself, or its exponential."""
LARGE: Final = 100_000
"""From this size on, only the singular vectors of a matrix's shorter side are kept; the others are recomputed.

For an MLP's matrix this takes a fifth of the memory and one more product each time.
"""

STORED: Final = 2**31
"""Bytes from which products of the factors are not stored: of the experts' products for mixtures, and of the selected
weights in training."""


def factor_bytes(rows: int, columns: int) -> int:
    """Bytes of the float32 factors of a matrix: its singular values, and vectors of the shorter side or of both."""
    rank = min(rows, columns)
    sides = rank if rows * columns >= LARGE else rows + columns
    return 4 * (rank * sides + rank)
