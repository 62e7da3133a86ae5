"""What many prompts begin with, read once for a whole task, and prompts that go on from it without a copy of it.

A decoder's rows attend to the trunk [prefix][soft][what all prompts share] and to their own tokens. The trunk's keys
and values stay one row for each stack, however many prompts go on from them, and those of the rows' own tokens are
written into room that is there from the start: a step copies neither. Several stacks that differ by a soft prompt or a
prefix have a trunk each, and their prompts stand in one batch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, Cache

from suite.evaluation.state import CACHED, Ids, accepted, padded, positions, shared
from suite.models.stack import Stacked

NAME: Final = "suite_trunk"
WORTH = 16
"""Tokens that a trunk must have before a call of its own pays."""
LIKE = 0.8
"""The share of a batch's longest text that its others must have, to be read with it."""

Layers = tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True)
class Trunk:
    """Keys and values that stand before all rows of a stack; the stacks are of one base."""

    stacks: tuple[Stacked, ...]
    text: int
    """How many of each prompt's first tokens are in it."""
    layers: Layers
    """Keys and values of each layer, [stacks, heads, S, width], shorter ones padded on the left; () if S is 0."""
    mask: Tensor
    """bool [stacks, S]: where something real stands."""


def fits(stacked: Stacked) -> bool:
    """Whether a model can go on from a trunk.

    It can if it is decoder-only, looks back at all that came before and attends by transformers' `sdpa`.
    """
    model: Any = stacked.backbone.model
    if stacked.backbone.shape != "decoder" or stacked.backbone.windowed:
        return False
    return bool(model._supports_attention_backend and model.config._attn_implementation == "sdpa")


@torch.no_grad()
def read_trunk(stacks: Sequence[Stacked], prompts: Sequence[Sequence[Ids]]) -> Trunk:
    """The trunk of some stacks, each with the prompts that it is to answer: what all of all stacks begin with."""
    every = list(chain.from_iterable(prompts))
    text = shared(every) if len(every) > 1 else 0
    if text + min(stack.soft_length for stack in stacks) < WORTH:
        text = 0
    read = [_read(stack, every[0][:text]) for stack in stacks]
    lengths = [0 if not each else each[0][0].shape[2] for each in read]
    longest = max(lengths)
    count = max(len(each) for each in read)
    layers = tuple((_side_by_side(read, at, 0, longest), _side_by_side(read, at, 1, longest)) for at in range(count))
    real = torch.arange(longest)[None] >= longest - torch.tensor(lengths)[:, None]
    return Trunk(tuple(stacks), text, layers, real.to(stacks[0].backbone.device))


def _side_by_side(read: Sequence[Layers], layer: int, side: int, longest: int) -> Tensor:
    """Keys or values of all stacks, [stacks, heads, S, width], padded on the left; a stack may have none."""
    empty = next(each for each in read if each)[layer][side][:, :, :0]
    sides = [each[layer][side] if each else empty for each in read]
    return torch.cat([pad(held, (0, 0, longest - held.shape[2], 0)) for held in sides])


def _read(stack: Stacked, text: Ids) -> Layers:
    """Keys and values [1, heads, S, width] of a stack's prefix, its soft prompt and a text, layer by layer."""
    cache = cast(Any, stack.cache(1))
    if text or stack.soft is not None:
        ids = torch.tensor([text], dtype=torch.long, device=stack.backbone.device)
        inputs = {"input_ids": ids}
        if stack.soft is not None:
            inputs = {"inputs_embeds": stack.embed(ids, torch.ones_like(ids), side="left")[0]}
        total = stack.prefix_length + stack.soft_length + len(text)
        mask = torch.ones(1, total, dtype=torch.long, device=stack.backbone.device)
        keep = {"logits_to_keep": 1} if "logits_to_keep" in accepted(stack.model) else {}
        cast(Any, stack.model)(attention_mask=mask, past_key_values=cache, use_cache=True, **inputs, **keep)
    return tuple((layer.keys, layer.values) for layer in cache.layers)


class TrunkState:
    """Prompts behind their stack's trunk: `Steps`."""

    logits: Tensor

    def __init__(self, trunk: Trunk, prompts: Sequence[Ids], stacks: Sequence[Stacked], limit: int) -> None:
        """`stacks` are those of the prompts; at most `limit` tokens will be appended to each."""
        stacked = trunk.stacks[0]
        self.trunk, self.model = trunk, cast(Any, stacked.model)
        self.device, self._accepted = stacked.backbone.device, accepted(stacked.model)
        self.whose = torch.arange(len(prompts), device=self.device)
        """[B]: whose prompt each row answers."""
        places = {id(stack): place for place, stack in enumerate(trunk.stacks)}
        self._groups(torch.tensor([places[id(stack)] for stack in stacks], device=self.device))
        texts = [prompt[trunk.text :] for prompt in prompts]
        lengths = torch.tensor([len(text) for text in texts], device=self.device)
        longest = int(lengths.max())
        self.mask = torch.arange(longest, device=self.device)[None] >= longest - lengths[:, None]
        """[B, n]: which of a row's own tokens are real; they are padded on the left."""
        self.next = trunk.mask.sum(1)[self.owners] + lengths
        self.own = _Own(len(prompts), longest + limit, longest)
        self.logits = self._read(texts)

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        seen = torch.cat([self.trunk.mask[self.owners], self.mask], 1)[:, None, None]
        self.logits = self._call(tokens[:, None], self.next[:, None], seen)
        self.next = self.next + 1

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        before, self.whose = self.whose, self.whose[rows]
        self.logits = self.logits[rows]
        if torch.equal(before, self.whose):  # beams that change places have the prompts that they had
            self.own.swap(rows)
            return
        self.own.keep(rows)
        self.mask, self.next = self.mask[rows], self.next[rows]
        self._groups(self.owners[rows])

    def _groups(self, owners: Tensor) -> None:
        """Rows stack by stack, [stacks, M], each stack's filled up with any row to as many as the largest has."""
        self.owners = owners
        count = len(self.trunk.stacks)
        if count == 1:
            return
        order = owners.argsort(stable=True)
        sizes = torch.bincount(owners, minlength=count)
        starts, most = sizes.cumsum(0) - sizes, int(sizes.max())
        within = torch.arange(len(owners), device=self.device) - starts[owners[order]]
        self._places = torch.zeros(count, most, dtype=torch.long, device=self.device)
        self._places[owners[order], within] = order
        self._back = torch.empty_like(order)
        self._back[order] = owners[order] * most + within

    def _read(self, texts: Sequence[Ids]) -> Tensor:
        """Read rows of like length at a time, each such batch padded by itself: logits [B, V] behind each."""
        found: list[Tensor] = []
        order: list[int] = []
        for alike in _alike([len(text) for text in texts], CACHED if self.device.type == "cpu" else sys.maxsize):
            ids, mask = padded([texts[row] for row in alike], self.trunk.stacks[0], side="left")
            real, rows = mask.bool(), torch.tensor(alike, device=self.device)
            self.own.rows, known = rows, self.trunk.mask[self.owners[rows]]
            at = known.sum(1)[:, None] + positions(real)
            seen, count = torch.cat([known, real], 1)[:, None, None], ids.shape[1]
            # padding sees itself, for what sees nothing has no softmax
            ahead = torch.ones(count, seen.shape[-1], dtype=torch.bool, device=self.device)
            before = ahead.tril(known.shape[1])
            found.append(self._call(ids, at, (seen & before) | (before & ahead.triu(known.shape[1]))))
            order += alike
        self.own.rows = None
        return torch.cat(found)[torch.tensor(order, device=self.device).argsort()]

    def _call(self, ids: Tensor, at: Tensor, seen: Tensor) -> Tensor:
        """Float32 logits [B, V] behind tokens [B, T] at these positions, of which each sees what `seen` says."""
        optional: dict[str, Any] = {"position_ids": at, "logits_to_keep": 1}
        optional = {name: each for name, each in optional.items() if name in self._accepted}
        config, token = self.model.config, _STATE.set(self)
        usual, config._attn_implementation = config._attn_implementation, NAME
        try:
            output = self.model(
                input_ids=ids, attention_mask=seen, past_key_values=self.own, use_cache=True, **optional
            )
        finally:
            config._attn_implementation = usual
            _STATE.reset(token)
        return cast(Tensor, output.logits[:, -1].float())

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, seen: Tensor, scale: float) -> Tensor:
        """[B, T, heads, width]: attention of queries [B, heads, T, width] to the trunk and to own keys and values."""
        rows, heads, count, width = query.shape
        kept = key.shape[1]
        query = query.reshape(rows, kept, -1, width)  # the heads that share keys follow one another
        trunk = self.trunk.layers[layer] if self.trunk.layers else None
        if self.own.rows is not None:
            if trunk is not None:
                owners = self.owners[self.own.rows]
                key, value = (torch.cat([both[owners], own], 2) for both, own in zip(trunk, (key, value), strict=True))
            seen = seen.repeat(1, 1, heads // kept, 1)
            said = scaled_dot_product_attention(query, key, value, attn_mask=seen, scale=scale)
        else:
            said = self._attend_once(trunk, query, key, value, seen, scale)
        return said.reshape(rows, heads, count, -1).transpose(1, 2)

    def _attend_once(
        self, trunk: tuple[Tensor, Tensor] | None, query: Tensor, key: Tensor, value: Tensor, seen: Tensor, scale: float
    ) -> Tensor:
        """One step: [B, kept heads, heads of each, width]. The rows of a stack are one matrix to its trunk."""
        query = query * scale
        score = query @ key.transpose(2, 3)
        if trunk is not None:
            score = torch.cat([self._apart(self._together(query) @ trunk[0].transpose(2, 3), query), score], -1)
        share = score.float().masked_fill(~seen, -torch.inf).softmax(-1).to(query.dtype)
        if trunk is None:
            return share @ value
        length = trunk[0].shape[2]
        return share[..., length:] @ value + self._apart(self._together(share[..., :length]) @ trunk[1], query)

    def _together(self, rows: Tensor) -> Tensor:
        """From [B, kept, each, X] to [stacks, kept, M * each, X]."""
        kept, last = rows.shape[1], rows.shape[3]
        by_stack = rows[None] if len(self.trunk.stacks) == 1 else rows[self._places]
        return by_stack.transpose(1, 2).reshape(len(self.trunk.stacks), kept, -1, last)

    def _apart(self, stacks: Tensor, like: Tensor) -> Tensor:
        """Back from [stacks, kept, M * each, X] to [B, kept, each, X]."""
        count, kept, _, last = stacks.shape
        rows = stacks.reshape(count, kept, -1, like.shape[2], last).transpose(1, 2).flatten(0, 1)
        return rows if count == 1 else rows[self._back]


class _Own(Cache):  # type: ignore[misc]
    """Keys and values of rows' own tokens, in room for `most` of them."""

    def __init__(self, count: int, most: int, start: int) -> None:
        """`start` is where the tokens that are read first end."""
        super().__init__(layers=[])
        self.count, self.most, self.start, self.length = count, most, start, start
        self.rows: Tensor | None = None
        """The rows that are being read, or None when all go on."""
        self.held: list[tuple[Tensor, Tensor]] = []

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write tokens, and give all that these rows have."""
        new = key_states, value_states
        if layer_idx == len(self.held):
            self.held.append((self._room(key_states), self._room(value_states)))
        if self.rows is not None:
            for held, each in zip(self.held[layer_idx], new, strict=True):
                held[self.rows, :, self.length - each.shape[2] : self.length] = each
            return new
        self.length += layer_idx == 0
        for held, each in zip(self.held[layer_idx], new, strict=True):
            held[:, :, self.length - 1 : self.length] = each
        return tuple(held[:, :, : self.length] for held in self.held[layer_idx])

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""

        def kept(held: Tensor) -> Tensor:
            fresh = held.new_empty(len(rows), *held.shape[1:])
            fresh[:, :, : self.length] = held[:, :, : self.length][rows]
            return fresh

        self.held = [(kept(keys), kept(values)) for keys, values in self.held]

    def swap(self, rows: Tensor) -> None:
        """Let rows with the same prompt change places: only what was written behind it is copied."""
        for held in chain.from_iterable(self.held):
            written = held[:, :, self.start : self.length]
            written.copy_(written[rows])

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens a row has here."""
        return self.length

    def _room(self, states: Tensor) -> Tensor:
        # zeros, for what is masked must still be a number
        return states.new_zeros(self.count, states.shape[1], self.most, states.shape[3])


def _alike(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of texts, longest first, in batches of like length and of `most` tokens, or of one text."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    while order:
        least = LIKE * lengths[order[0]]
        count = next((at for at, place in enumerate(order) if lengths[place] < least), len(order))
        count = min(count, max(1, most // lengths[order[0]]))
        yield order[:count]
        order = order[count:]


_STATE: ContextVar[TrunkState] = ContextVar("trunk state")


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return _STATE.get().attend(module.layer_idx, query, key, value, attention_mask, scale), None


AttentionInterface.register(NAME, _attention)
