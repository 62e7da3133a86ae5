"""The processes that train one step together, one for each device; by default there is only this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from suite.models.offload import away

T = TypeVar("T")


class RankDone(BaseException):
    """Ends the training of a process that is not the first: the first one has the result."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train a step together. All of them do the same steps in the same order."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None
    """This process's device; None: that of what is trained."""
    end: Callable[[], int] = lambda: 0
    """The number of the signal that asks the first process to end training; 0: none."""
    mesh: Any = None
    """The processes as FSDP has them; None: made when a model is divided."""
    dividing: Callable[[], AbstractContextManager[object]] = nullcontext
    """Context manager in which a model is divided: it moves from the host to the devices."""

    @property
    def first(self) -> bool:
        """Whether this process writes checkpoints and has the result."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def all_true(self, own: bool) -> bool:
        """Whether this is true in all processes."""
        if self.count == 1:
            return own
        least = torch.tensor(float(own), device=self.device)
        distributed.all_reduce(least, distributed.ReduceOp.MIN)
        return bool(least)

    def from_first(self, value: float) -> float:
        """The first process's value, in all of them."""
        if self.count == 1:
            return value
        agreed = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(agreed, src=0)
        return float(agreed)

    def gathered(self, own: Tensor, rows: int) -> Tensor | None:
        """A tensor [rows, …] of which each process has its `chunk`, on the CPU of the first process; None elsewhere."""
        if self.count == 1:
            return own.detach().to("cpu", copy=True)
        longest = -(-rows // self.count)
        padded = own.new_zeros((longest, *own.shape[1:]))
        padded[: len(own)] = own.detach()
        pieces = [torch.empty_like(padded) for _ in range(self.count)] if self.first else None
        distributed.gather(padded, pieces, dst=0)
        return None if pieces is None else away(torch.cat(pieces)[:rows])

    def chunk(self, whole: Tensor) -> Tensor:
        """This process's rows of a tensor: equal numbers for all but the last processes, which may have none."""
        longest = -(-len(whole) // self.count)
        return whole[self.rank * longest : (self.rank + 1) * longest]

    def slice(self, items: Sequence[T]) -> Sequence[T]:
        """This process's items: neighbours, as many as others have or one fewer."""
        return items[self.rank * len(items) // self.count : (self.rank + 1) * len(items) // self.count]

    def together(self, own: list[T]) -> list[T]:
        """The items of all processes, in order."""
        if self.count == 1:
            return own
        found: list[list[T]] = [[] for _ in range(self.count)]
        distributed.all_gather_object(found, own)
        return [item for items in found for item in items]

    def share(self, parts: Sequence[T]) -> list[tuple[T, bool]]:
        """This process's parts of a batch, and whether each counts.

        All processes get equally many, as they compute together: where there are too few, the first part is computed
        again without counting.
        """
        rounds = -(-len(parts) // self.count)
        places = (number * self.count + self.rank for number in range(rounds))
        return [(parts[at], True) if at < len(parts) else (parts[0], False) for at in places]


ALONE = Ranks()
_CURRENT: ContextVar[Ranks] = ContextVar("ranks", default=ALONE)


def ranks() -> Ranks:
    """The processes that train the current step."""
    return _CURRENT.get()


@contextmanager
def training_as(rank: Ranks) -> Iterator[None]:
    """Context manager: training in it is one of several processes' part. Their process group exists already."""
    token = _CURRENT.set(rank)
    try:
        yield
    finally:
        _CURRENT.reset(token)
