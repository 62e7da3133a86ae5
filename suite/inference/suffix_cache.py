"""Keys and values of prompts' own tokens, written in place, and attention to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor
from transformers import Cache

LIKE: Final = 0.8
"""The share of a batch's longest text that its others must have, to be read with it."""


class SuffixCache(Cache):  # type: ignore[misc]
    """Keys and values of rows' own tokens, which end where `length` says, and room for `free` more."""

    def __init__(self, free: int) -> None:
        super().__init__(layers=[])
        self.free, self.count, self.start, self.length = free, 0, 0, 0
        self.rows: Tensor | None = None
        """The rows that are being read, or None when all go on."""
        self.held: list[tuple[Tensor, ...]] = []

    def enter(self, there: int, count: int, length: int) -> None:
        """Make room for `count` rows more behind those `there`, of which the last `length` tokens stay."""

        def moved(held: Tensor) -> Tensor:
            fresh = held.new_zeros(there + count, held.shape[1], length + self.free, held.shape[3])
            stay = min(self.length, length)
            fresh[:there, :, length - stay : length] = held[:, :, self.length - stay : self.length]
            return fresh

        for layer, both in enumerate(self.held):  # one after another: all at once would be held twice
            self.held[layer] = tuple(map(moved, both))
        self.start = max(0, min(length, self.start + length - self.length)) if there else length
        self.count, self.length = there + count, length

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write tokens, and give all that these rows have."""
        new, reading = (key_states, value_states), self.rows is not None
        count = 0 if reading else key_states.shape[2]
        self.length += count if layer_idx == 0 else 0
        if layer_idx == len(self.held):
            room = self.length - count + self.free
            self.held.append(
                tuple(states.new_zeros(self.count, states.shape[1], room, states.shape[3]) for states in new)
            )
        for held, states in zip(self.held[layer_idx], new, strict=True):
            # zeros elsewhere, for what is masked must still be a number
            held[self.rows if reading else slice(None), :, self.length - states.shape[2] : self.length] = states
        return new if reading else tuple(held[:, :, : self.length] for held in self.held[layer_idx])

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""

        def selected(held: Tensor) -> Tensor:
            fresh = held.new_empty(len(rows), *held.shape[1:])
            fresh[:, :, : self.length] = held[:, :, : self.length][rows]
            return fresh

        for layer, both in enumerate(self.held):
            self.held[layer] = tuple(map(selected, both))

    def swap(self, rows: Tensor) -> None:
        """Let rows with the same prompt change places: only what was written behind it is copied."""
        for held in chain.from_iterable(self.held):
            written = held[:, :, self.start : self.length]
            written.copy_(written[rows])

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens a row has here."""
        return self.length


def flash(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Attention [B, heads, T, width] on a CPU, and the logarithm [B, heads, T] of what its softmax divides by."""
    bias = None if mask is None else torch.zeros_like(mask, dtype=query.dtype).masked_fill_(~mask, -torch.inf)
    output: tuple[Tensor, Tensor] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, attn_mask=bias, scale=scale
    )
    return output


def alike(lengths: Sequence[int], most: int, extra: int = 0) -> Iterator[list[int]]:
    """Indices of texts, longest first, in batches of like length and of `most` tokens, or of one; no empty ones.

    Each text counts `extra` tokens more than it has.
    """
    order = sorted(
        (index for index, length in enumerate(lengths) if length), key=lambda index: (-lengths[index], index)
    )
    while order:
        least = LIKE * lengths[order[0]]
        count = next((rank for rank, index in enumerate(order) if lengths[index] < least), len(order))
        count = min(count, max(1, most // (lengths[order[0]] + extra)))
        yield order[:count]
        order = order[count:]
