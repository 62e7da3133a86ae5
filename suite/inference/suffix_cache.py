"""Keys and values of the prompts' own tokens, written in place, and attention to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor
from transformers import Cache

LIKE: Final = 0.8
"""Texts of at least this share of a batch's longest text are read with it."""


class SuffixCache(Cache):  # type: ignore[misc]
    """Keys and values of rows' own tokens, which end at `length`, with space for `free` more tokens."""

    def __init__(self, free: int) -> None:
        super().__init__(layers=[])
        self.free, self.count, self.start, self.length = free, 0, 0, 0
        self.rows: Tensor | None = None
        """The rows that are being read; None if all rows continue."""
        self.held: list[tuple[Tensor, ...]] = []

    def enter(self, there: int, count: int, length: int) -> None:
        """Make space for `count` more rows after the first `there`, whose last `length` tokens are kept."""

        def moved(held: Tensor) -> Tensor:
            fresh = held.new_zeros(there + count, held.shape[1], length + self.free, held.shape[3])
            stay = min(self.length, length)
            fresh[:there, :, length - stay : length] = held[:, :, self.length - stay : self.length]
            return fresh

        for layer, both in enumerate(self.held):  # one after another, because all at once would need twice the memory
            self.held[layer] = tuple(map(moved, both))
        self.start = max(0, min(length, self.start + length - self.length)) if there else length
        self.count, self.length = there + count, length

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write the new tokens of a layer. Returns all keys and values of its rows, or only the new ones while rows are
        read."""
        new, reading = (key_states, value_states), self.rows is not None
        count = 0 if reading else key_states.shape[2]
        self.length += count if layer_idx == 0 else 0
        if layer_idx == len(self.held):
            room = self.length - count + self.free
            self.held.append(
                tuple(states.new_zeros(self.count, states.shape[1], room, states.shape[3]) for states in new)
            )
        for held, states in zip(self.held[layer_idx], new, strict=True):
            # zeros elsewhere, because masked values must still be numbers
            held[self.rows if reading else slice(None), :, self.length - states.shape[2] : self.length] = states
        return new if reading else tuple(held[:, :, : self.length] for held in self.held[layer_idx])

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""

        def selected(held: Tensor) -> Tensor:
            fresh = held.new_empty(len(rows), *held.shape[1:])
            fresh[:, :, : self.length] = held[:, :, : self.length][rows]
            return fresh

        for layer, both in enumerate(self.held):
            self.held[layer] = tuple(map(selected, both))

    def swap(self, rows: Tensor) -> None:
        """Swap rows that have the same prompt: only the tokens after it are copied."""
        for held in chain.from_iterable(self.held):
            written = held[:, :, self.start : self.length]
            written.copy_(written[rows])

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Number of tokens of a row in this cache."""
        return self.length


def flash(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Attention [B, heads, T, width] on a CPU, and the log-sum-exp [B, heads, T] of its softmax."""
    bias = None if mask is None else torch.zeros_like(mask, dtype=query.dtype).masked_fill_(~mask, -torch.inf)
    output: tuple[Tensor, Tensor] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, attn_mask=bias, scale=scale
    )
    return output


def alike(lengths: Sequence[int], most: int, extra: int = 0) -> Iterator[list[int]]:
    """Indices of non-empty texts, longest first, in batches of similar length and at most `most` tokens.

    Each text counts `extra` additional tokens. A batch has at least one text.
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
