"""The weights α of a mixture, matrix by matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor

LEAST: Final = 1e-6
"""A mixture of less than this in all is none."""


def shares(alpha: Tensor, names: Sequence[str]) -> Sequence[Tensor]:
    """α [K] for each matrix."""
    return list(alpha.T) if alpha.ndim == 2 else [alpha] * len(names)
