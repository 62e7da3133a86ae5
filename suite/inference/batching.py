"""Work in batches of similar size within a budget, smaller ones where memory runs out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import torch

from suite.core.errors import StepFailed
from suite.inference.state import Ids, shared

ENOUGH: Final = 256
"""Rows of several stacks that a processor answers at a time: more make a row no cheaper (docs/performance.md)."""
T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    items: Sequence[T], sizes: Sequence[int], budget: int, work: Callable[[Sequence[T]], list[R]]
) -> list[R]:
    """Do `work` on batches of similar size (longest first) and give its results in the order of the items."""
    done: dict[int, R] = {}
    for batch in batches(sizes, budget):
        done |= zip(batch, _fitting([items[index] for index in batch], work), strict=True)
    return [done[index] for index in range(len(items))]


def batches(sizes: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of items, longest first, in batches whose longest item times the count is within the budget."""
    order = sorted(range(len(sizes)), key=lambda index: (-sizes[index], index))
    while order:
        count = max(1, budget // max(1, sizes[order[0]]))
        yield order[:count]
        order = order[count:]


def _fitting(batch: Sequence[T], work: Callable[[Sequence[T]], list[R]]) -> list[R]:
    """Do `work`, in halves if the accelerator's memory does not hold it. Raises StepFailed at a single item."""
    try:
        return work(batch)
    except torch.OutOfMemoryError as error:
        if len(batch) == 1:
            raise StepFailed("the accelerator's memory does not hold one prompt") from error
    torch.cuda.empty_cache()
    half = len(batch) // 2
    return [*_fitting(batch[:half], work), *_fitting(batch[half:], work)]


def as_fill_a_batch(
    items: Sequence[T], prompts: Sequence[Ids], limit: int, batch_tokens: int, device: str
) -> list[Sequence[T]]:
    """The items (LMs that answer these prompts) in even parts whose answers of up to `limit` tokens fill one batch.

    Larger parts cost more than they give.
    """
    common = shared(prompts) if len(prompts) > 1 else 0
    most = batch_tokens // sum(len(prompt) - common + limit for prompt in prompts)
    if device == "cpu":
        most = min(most, ENOUGH // len(prompts))
    size = math.ceil(len(items) / math.ceil(len(items) / max(1, most)))
    return [items[start : start + size] for start in range(0, len(items), size)]
