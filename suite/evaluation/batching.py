"""Work in batches of similar size within a budget, smaller ones where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from suite.errors import StepFailed

T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    items: Sequence[T], sizes: Sequence[int], budget: int, work: Callable[[Sequence[T]], list[R]]
) -> list[R]:
    """Do `work` on batches of similar size (longest first) and give its results in the order of the items."""
    done: dict[int, R] = {}
    for batch in batches(sizes, budget):
        done |= zip(batch, _fitting([items[place] for place in batch], work), strict=True)
    return [done[place] for place in range(len(items))]


def batches(sizes: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Places of items, longest first, in batches of which the longest times the count is within the budget."""
    order = sorted(range(len(sizes)), key=lambda place: (-sizes[place], place))
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
