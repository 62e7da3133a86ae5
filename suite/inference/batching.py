"""Process items in batches of similar size within a budget; smaller batches if memory runs out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

import torch

from suite.core.errors import StepFailed
from suite.inference.division import Division
from suite.inference.state import Ids, shared

ENOUGH: Final = 256
"""Rows of several stacks in one batch on a CPU: more do not make a row cheaper (docs/performance.md)."""
T = TypeVar("T")
R = TypeVar("R")
_LOCKSTEP: ContextVar[bool] = ContextVar("lockstep", default=False)


@contextmanager
def in_lockstep() -> Iterator[None]:
    """Context manager: several processes answer the same batches together, so none goes on in smaller ones alone."""
    token = _LOCKSTEP.set(True)
    try:
        yield
    finally:
        _LOCKSTEP.reset(token)


def refuse_in_lockstep() -> None:
    """Raises StepFailed after memory ran out, if other processes are in the middle of the same batch."""
    if _LOCKSTEP.get():
        raise StepFailed("the accelerator's memory does not hold a batch of answers: lower `decoding.batch_tokens`")


def in_batches(
    items: Sequence[T], sizes: Sequence[int], budget: int, work: Callable[[Sequence[T]], list[R]],
    division: Division | None = None, received: Callable[[dict[int, R]], None] = lambda results: None,
) -> dict[int, R]:  # fmt: skip
    """Call `work` on batches of similar size (longest first). Returns the results by the number of the item.

    With a division they are those of this process's batches, and in the first process all. `received` gets those of
    other processes.
    """
    found = list(batches(sizes, budget))

    def compute(some: Sequence[Sequence[int]]) -> dict[int, R]:
        done: dict[int, R] = {}
        for batch in some:
            done |= zip(batch, _fitting([items[index] for index in batch], work), strict=True)
        return done

    if division is None:
        return compute(found)
    tokens = [sum(sizes[index] for index in batch) for batch in found]
    return division.computed(found, tokens, compute, received)


def in_stream(
    items: Sequence[T], sizes: Sequence[int], budget: int, work: Callable[[Sequence[T], int], list[R]],
    division: Division | None = None, received: Callable[[dict[int, R]], None] = lambda results: None,
) -> dict[int, R]:  # fmt: skip
    """Call `work` once on all items, longest first, with the room that they have at a time: others wait.

    If memory runs out, it is called again with half the room. The results are those of `in_batches`.
    """
    order = [[index] for index in sorted(range(len(items)), key=lambda index: (-sizes[index], index))]

    def compute(some: Sequence[Sequence[int]]) -> dict[int, R]:
        own = [index for (index,) in some]
        if not own:
            return {}
        results = _with_room([items[index] for index in own], sizes[own[0]], max(budget, sizes[own[0]]), work)
        return dict(zip(own, results, strict=True))

    if division is None:
        return compute(order)
    return division.computed(order, [sizes[index] for (index,) in order], compute, received)


def _with_room(items: Sequence[T], longest: int, room: int, work: Callable[[Sequence[T], int], list[R]]) -> list[R]:
    while True:
        try:
            return work(items, room)
        except torch.OutOfMemoryError as error:
            refuse_in_lockstep()
            if room == longest:
                raise StepFailed("the accelerator's memory does not hold one prompt") from error
        torch.cuda.empty_cache()
        room = max(room // 2, longest)


def batches(sizes: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of items, longest first, in batches: the length of the longest item times the count is within the
    budget."""
    order = sorted(range(len(sizes)), key=lambda index: (-sizes[index], index))
    while order:
        count = max(1, budget // max(1, sizes[order[0]]))
        yield order[:count]
        order = order[count:]


def _fitting(batch: Sequence[T], work: Callable[[Sequence[T]], list[R]]) -> list[R]:
    """Call `work`, in halves if the accelerator's memory is too small. Raises StepFailed if it is for a single item."""
    try:
        return work(batch)
    except torch.OutOfMemoryError as error:
        refuse_in_lockstep()
        if len(batch) == 1:
            raise StepFailed("the accelerator's memory does not hold one prompt") from error
    torch.cuda.empty_cache()
    half = len(batch) // 2
    return [*_fitting(batch[:half], work), *_fitting(batch[half:], work)]


def as_fill_a_batch(
    items: Sequence[T], prompts: Sequence[Ids], limit: int, batch_tokens: int, device: str
) -> list[Sequence[T]]:
    """Divide items (LMs that answer these prompts) into even parts; each part's answers of `limit` tokens fill a batch.

    Larger parts cost more than they gain.
    """
    common = shared(prompts) if len(prompts) > 1 else 0
    most = batch_tokens // sum(len(prompt) - common + limit for prompt in prompts)
    if device == "cpu":
        most = min(most, ENOUGH // len(prompts))
    size = math.ceil(len(items) / math.ceil(len(items) / max(1, most)))
    return [items[start : start + size] for start in range(0, len(items), size)]
