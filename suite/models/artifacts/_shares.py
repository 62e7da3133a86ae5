"""The weights α of a mixture, matrix by matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor

LEAST: Final = 1e-6
"""A mixture whose weights sum to less than this is the base."""


def shares(alpha: Tensor, names: Sequence[str]) -> Sequence[Tensor]:
    """α [K] for each matrix, from α [K] or [K, matrices]."""
    return list(alpha.T) if alpha.ndim == 2 else [alpha] * len(names)
