"""The cross-entropy method (Rubinstein and Kroese 2004) as in Transformer², section 3.2: a search in [0, 1]^D."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.training.cem_config import Search

Value = tuple[float, float]
"""(score, tie-breaker); compared in this order."""


@dataclass(frozen=True)
class SearchResult:
    """The best point of a search, and its history."""

    best: Tensor
    """[D], float32."""
    value: Value
    history: tuple[tuple[Value, Tensor], ...]
    """The best value and point after each generation."""


def search(score: Callable[[Tensor], Value], start: Tensor, settings: Search, seed: int) -> SearchResult:
    """Search the unit cube for the point [D] with the largest score; equal points are scored once.

    Each generation draws candidates around a mean, then moves mean and deviation to those of the elite. As in the
    reference code, the first candidate is the best so far (initially `start`).
    """
    generator = torch.Generator().manual_seed(seed)
    mean, spread = start.clone(), torch.full_like(start, settings.spread)
    scores: dict[tuple[float, ...], Value] = {}
    best, value, history = start, (-math.inf, -math.inf), list[tuple[Value, Tensor]]()
    elite = max(1, int(settings.elite * settings.population))
    for _ in range(settings.generations):
        noise = torch.randn(settings.population, len(start), generator=generator)
        candidates = (mean + spread * noise).clamp(0.0, 1.0)
        candidates[0] = best
        values: list[Value] = []
        for candidate in candidates:
            key = tuple(candidate.tolist())
            if key not in scores:
                scores[key] = score(candidate)
            values.append(scores[key] if settings.tie_break else (scores[key][0], 0.0))
        order = sorted(range(len(values)), key=lambda row: values[row], reverse=True)  # stable: first drawn, first
        if values[order[0]] > value:
            best, value = candidates[order[0]].clone(), values[order[0]]
        chosen = candidates[order[:elite]]
        mean, spread = chosen.mean(0), chosen.std(0, unbiased=False).clamp(min=settings.floor)
        history.append((value, best))
    return SearchResult(best, value, tuple(history))
