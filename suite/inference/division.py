"""Divides the batches of an evaluation among processes that hold the same model.

All processes make the same batches from the same prompts, and each answers its own. So a batch has the rows that it has
in one process, and a log-likelihood its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Division:
    """One process's part of the batches of an evaluation."""

    rank: int
    """0 for the process that has all results in the end, and answers what is missing."""
    count: int
    exchange: Callable[[dict[int, Any]], dict[int, Any]]
    """Gives this process's results (number of the item -> result) away; returns those of others, in the first one."""

    def computed(
        self, batches: Sequence[Sequence[int]], tokens: Sequence[int],
        compute: Callable[[Sequence[Sequence[int]]], dict[int, R]], received: Callable[[dict[int, R]], None],
    ) -> dict[int, R]:  # fmt: skip
        """The results of all items in the first process, and of its own items in each other one.

        `tokens` are those of each batch, by which they are divided. `received` is called with the results of others.
        """
        own = balanced(tokens, self.count)[self.rank]
        done = compute([batches[number] for number in own])
        sent: dict[int, R] = self.exchange(done)
        if sent:
            received(sent)
        done = {**done, **sent}
        if self.rank == 0:  # of processes that are gone
            done |= compute([batch for batch in batches if any(index not in done for index in batch)])
        return done


def balanced(tokens: Sequence[int], count: int) -> list[list[int]]:
    """Divide numbered batches into `count` parts of about equally many tokens.

    The largest ones are given out first, each to the part with the fewest tokens so far.
    """
    parts: list[list[int]] = [[] for _ in range(count)]
    sums = [0] * count
    for number in sorted(range(len(tokens)), key=lambda number: (-tokens[number], number)):
        part = sums.index(min(sums))
        parts[part].append(number)
        sums[part] += tokens[number]
    return [sorted(part) for part in parts]
