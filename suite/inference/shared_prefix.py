"""Read the shared prefix of many prompts once for a whole task, and continue prompts from it without copying it.

A decoder's rows attend to the cache [prefix][soft][shared text] and to their own tokens. The cache has one row of keys
and values for each stack, however many prompts continue from it. Keys and values of the rows' own tokens are written
into preallocated space. So a step copies neither of them. One batch may hold several stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface

from suite.inference.state import CACHED, Ids, padded, positions, shared
from suite.inference.suffix_cache import SuffixCache, alike, flash
from suite.models.adapted import AdaptedModel
from suite.models.layers import accepted

NAME: Final = "suite_shared_prefix"
COPIED: Final = 65_536
"""Tokens that a GPU reads at a time; each row has a copy of the shared prefix, whose tokens count."""
WORTH = 16
"""Minimum length of a shared prefix for which a separate call pays."""
KeyValues = tuple[Tensor, Tensor]
Layers = tuple[KeyValues, ...]


@dataclass(frozen=True)
class SharedPrefixCache:
    """Keys and values that precede all rows of a stack; the stacks have one base model."""

    stacks: tuple[AdaptedModel, ...]
    text: int
    """Number of each prompt's first tokens that are in the cache."""
    layers: Layers
    """Keys and values of each layer, [stacks, heads, S, width], shorter ones padded on the left; () if S is 0."""
    mask: Tensor
    """bool [stacks, S]: positions that are not padding."""


@torch.no_grad()
def read_shared_prefix(stacks: Sequence[AdaptedModel], prompts: Sequence[Sequence[Ids]]) -> SharedPrefixCache:
    """Read the shared prefix of some stacks. `prompts` are those that each stack will answer."""
    all_prompts = list(chain.from_iterable(prompts))
    text = shared(all_prompts) if len(all_prompts) > 1 else 0
    if text + min(stack.soft_length for stack in stacks) < WORTH:
        text = 0
    read = [_read(stack, all_prompts[0][:text]) for stack in stacks]
    lengths = [0 if not layers else layers[0][0].shape[2] for layers in read]
    longest = max(lengths)
    count = max(len(layers) for layers in read)
    layers = tuple((_side_by_side(read, i, 0, longest), _side_by_side(read, i, 1, longest)) for i in range(count))
    real = torch.arange(longest)[None] >= longest - torch.tensor(lengths)[:, None]
    return SharedPrefixCache(tuple(stacks), text, layers, real.to(stacks[0].backbone.device))


def _side_by_side(read: Sequence[Layers], layer: int, side: int, longest: int) -> Tensor:
    """Keys or values of all stacks, [stacks, heads, S, width], padded on the left; a stack may have none."""
    empty = next(layers for layers in read if layers)[layer][side][:, :, :0]
    sides = [layers[layer][side] if layers else empty for layers in read]
    return torch.cat([pad(tensor, (0, 0, longest - tensor.shape[2], 0)) for tensor in sides])


def _read(stack: AdaptedModel, text: Ids) -> Layers:
    """Keys and values [1, heads, S, width] of a stack's prefix, soft prompt and a text, for each layer."""
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


class SharedPrefixState:
    """Prompts that continue from their stack's shared prefix; implements `Steps`."""

    logits: Tensor

    def __init__(self, cache: SharedPrefixCache, prompts: Sequence[Ids], stacks: list[AdaptedModel], most: int) -> None:
        """`stacks` are the prompts' stacks; at most `most` tokens will be appended to each prompt."""
        adapted = cache.stacks[0]
        self.cache, self.model = cache, cast(Any, adapted.model)
        self.device, self._accepted = adapted.backbone.device, accepted(adapted.model)
        self._last = self.model.config.get_text_config().num_hidden_layers - 1
        self._reading: list[int] = []
        """Stack indices of the rows that are being read."""
        self._alone = False
        """Whether each row reads a single token."""
        self._stack_index = {id(stack): index for index, stack in enumerate(cache.stacks)}
        self.owners = torch.empty(0, dtype=torch.long, device=self.device)
        self.prompt_ids = torch.empty(0, dtype=torch.long, device=self.device)
        """[B]: index of the prompt that each row answers."""
        self.mask = torch.empty(0, 0, dtype=torch.bool, device=self.device)
        """[B, n]: which of a row's own tokens are real; they are padded on the left."""
        self.next = torch.empty(0, dtype=torch.long, device=self.device)
        self.suffixes = SuffixCache(most + 1)
        self.step(self.join(prompts, stacks))

    def join(self, prompts: Sequence[Ids], stacks: Sequence[AdaptedModel]) -> Tensor:
        """Let prompts join, as rows after the present ones.

        Reads all tokens of each prompt except the last. Returns these last tokens ([B'], long), to be passed to `step`
        after those of the other rows.
        """
        texts = [prompt[self.cache.text :] for prompt in prompts]
        owners = torch.tensor([self._stack_index[id(stack)] for stack in stacks], device=self.device)
        lengths = torch.tensor([len(text) - 1 for text in texts], device=self.device)
        longest = max(int(lengths.max()), int(self.mask.sum(1).max()) if len(self.mask) else 0)
        mask = torch.arange(longest, device=self.device)[None] >= longest - lengths[:, None]
        there = self.mask[:, max(0, self.mask.shape[1] - longest) :]
        self.mask = torch.cat([pad(there, (longest - there.shape[1], 0)), mask])
        self.next = torch.cat([self.next, self.cache.mask.sum(1)[owners] + lengths])
        first, fresh = len(self.owners), int(self.prompt_ids.max()) + 1 if len(self.prompt_ids) else 0
        self.prompt_ids = torch.cat([self.prompt_ids, fresh + torch.arange(len(texts), device=self.device)])
        self.suffixes.enter(first, len(texts), longest)
        self._groups(torch.cat([self.owners, owners]))
        self._read([text[:-1] for text in texts], first)
        return torch.tensor([text[-1] for text in texts], device=self.device)

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        mask = torch.cat([self.cache.mask[self.owners], self.mask], 1)[:, None, None]
        self._alone = True
        self.logits = self._call(tokens[:, None], self.next[:, None], mask)[:, 0]
        self.next = self.next + 1

    def score(self, tokens: Tensor) -> Tensor:
        """Append tokens ([B, T], right-padded with any id) to each prompt. Returns logits [B, T, V] after each."""
        count = tokens.shape[1]
        self.mask = torch.cat([self.mask, torch.ones_like(tokens, dtype=torch.bool)], 1)
        ahead = torch.ones(count, self.mask.shape[1], dtype=torch.bool, device=self.device)
        self._alone, self._reading = False, self.owners.tolist()
        position_ids = self.next[:, None] + torch.arange(count, device=self.device)
        mask = self.mask[:, None, None] & ahead.tril(self.mask.shape[1] - count)
        logits = self._call(tokens, position_ids, mask, keep=count)
        self.next = self.next + count
        return logits

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        before, self.prompt_ids = self.prompt_ids, self.prompt_ids[rows]
        self.logits = self.logits[rows]
        if torch.equal(before, self.prompt_ids):  # reordered beams still have the same prompts
            self.suffixes.swap(rows)
            return
        self.suffixes.keep(rows)
        self.mask, self.next = self.mask[rows], self.next[rows]
        self._groups(self.owners[rows])

    def _groups(self, owners: Tensor) -> None:
        """Group rows by stack, [stacks, M]; each stack is filled with arbitrary rows up to the size of the largest."""
        self.owners = owners
        count = len(self.cache.stacks)
        if count == 1:
            return
        order = owners.argsort(stable=True)
        sizes = torch.bincount(owners, minlength=count)
        starts, most = sizes.cumsum(0) - sizes, int(sizes.max())
        within = torch.arange(len(owners), device=self.device) - starts[owners[order]]
        self._rows_of_stacks = torch.zeros(count, most, dtype=torch.long, device=self.device)
        self._rows_of_stacks[owners[order], within] = order
        self._back = torch.empty_like(order)
        self._back[order] = owners[order] * most + within

    def _read(self, texts: Sequence[Ids], first: int) -> None:
        """Read and cache the texts of the rows from `first` on, those of similar length together."""
        most, prefix_length = (CACHED, 0) if self.device.type == "cpu" else (COPIED, self.cache.mask.shape[1])
        for group in alike([len(text) for text in texts], most, prefix_length):
            ids, mask = padded([texts[row] for row in group], self.cache.stacks[0], side="left")
            real, rows = mask.bool(), torch.tensor(group, device=self.device) + first
            self.suffixes.rows, self._alone, self._reading = rows, False, self.owners[rows].tolist()
            position_ids = self.cache.mask.sum(1)[self.owners[rows]][:, None] + positions(real)
            # padding attends to itself, because a softmax over nothing is undefined
            ahead = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=self.device)
            with suppress(_EveryLayer):
                self._call(ids, position_ids, (real[:, None, None] & ahead.tril()) | (ahead.tril() & ahead.triu()))
        self.suffixes.rows = None

    def _call(self, ids: Tensor, position_ids: Tensor, mask: Tensor, keep: int = 1) -> Tensor:
        """Float32 logits [B, keep, V] after the last tokens of [B, T] at these positions.

        For a single token, `mask` covers [shared][own]. For many, `mask` covers their own tokens, and they attend to
        the whole shared prefix.
        """
        optional: dict[str, Any] = {"position_ids": position_ids, "logits_to_keep": keep}
        optional = {name: value for name, value in optional.items() if name in self._accepted}
        config, token = self.model.config, _STATE.set(self)
        implementation, config._attn_implementation = config._attn_implementation, NAME
        try:
            output = self.model(
                input_ids=ids, attention_mask=mask, past_key_values=self.suffixes, use_cache=True, **optional
            )
        finally:
            config._attn_implementation = implementation
            _STATE.reset(token)
        return cast(Tensor, output.logits[:, -keep:].float())

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float) -> Tensor:
        """[B, T, heads, width]: attention of queries [B, heads, T, width] to shared and own keys and values."""
        rows, heads, count, width = query.shape
        key_heads = key.shape[1]
        query = query.reshape(rows, key_heads, -1, width)  # heads that share keys are adjacent
        cache = self.cache.layers[layer] if self.cache.layers else None
        if self.suffixes.rows is not None and layer == self._last:
            raise _EveryLayer  # outputs after the last layer's keys and values are not needed
        if self._alone:
            output = self._attend_once(cache, query, key, value, mask, scale)
        else:
            output = self._attend_all(cache, query, key, value, mask.repeat(1, 1, heads // key_heads, 1), scale)
        return output.reshape(rows, heads, count, -1).transpose(1, 2)

    def _attend_all(
        self, cache: KeyValues | None, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float
    ) -> Tensor:
        """Attention for many tokens of each row: [B, key heads, heads of each * T, width]."""
        if cache is None:
            return scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
        if query.device.type == "cpu":
            return self._in_two(cache, query, key, value, mask, scale)
        owners = self.owners if self.suffixes.rows is None else self.owners[self.suffixes.rows]
        key, value = (torch.cat([both[owners], own], 2) for both, own in zip(cache, (key, value), strict=True))
        prefix_mask = self.cache.mask[owners][:, None, None].expand(-1, 1, mask.shape[2], -1)
        return scaled_dot_product_attention(query, key, value, attn_mask=torch.cat([prefix_mask, mask], 3), scale=scale)

    def _in_two(
        self, cache: KeyValues, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float
    ) -> Tensor:
        """Attention to own tokens and to the shared prefix without copying it for each row, merged into one softmax."""
        own, own_lse = flash(query, key, value, scale, mask)
        key_heads = query.shape[1]
        for stack in sorted(set(self._reading)):
            rows = torch.tensor([row for row, owner in enumerate(self._reading) if owner == stack])
            start = int((~self.cache.mask[stack]).sum())
            if start == cache[0].shape[2]:
                continue
            queries = query[rows].transpose(0, 1).flatten(1, 2)[None]  # all rows form one matrix for the shared prefix
            prefix, lse = flash(queries, cache[0][stack, None, :, start:], cache[1][stack, None, :, start:], scale)
            prefix = prefix.view(key_heads, len(rows), -1, prefix.shape[3]).transpose(0, 1)
            lse = lse.reshape(key_heads, len(rows), -1).transpose(0, 1)
            share = torch.sigmoid(lse - own_lse[rows])[..., None].to(own.dtype)
            own[rows] = torch.lerp(own[rows], prefix, share)
        return own

    def _attend_once(
        self, cache: KeyValues | None, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float
    ) -> Tensor:
        """Attention of one step, [B, key heads, heads of each, width]: a stack's rows are one matrix to its prefix."""
        query = query * scale
        score = query @ key.transpose(2, 3)
        if cache is not None:
            score = torch.cat([self._apart(self._together(query) @ cache[0].transpose(2, 3), query), score], -1)
        share = score.float().masked_fill(~mask, -torch.inf).softmax(-1).to(query.dtype)
        if cache is None:
            return share @ value
        length = cache[0].shape[2]
        return share[..., length:] @ value + self._apart(self._together(share[..., :length]) @ cache[1], query)

    def _together(self, rows: Tensor) -> Tensor:
        """Reshape [B, key heads, heads of each, X] to [stacks, key heads, M * heads of each, X]."""
        key_heads, last = rows.shape[1], rows.shape[3]
        by_stack = rows[None] if len(self.cache.stacks) == 1 else rows[self._rows_of_stacks]
        return by_stack.transpose(1, 2).reshape(len(self.cache.stacks), key_heads, -1, last)

    def _apart(self, stacks: Tensor, like: Tensor) -> Tensor:
        """Reshape [stacks, key heads, M * heads of each, X] back to [B, key heads, heads of each, X]."""
        count, key_heads, _, last = stacks.shape
        rows = stacks.reshape(count, key_heads, -1, like.shape[2], last).transpose(1, 2).flatten(0, 1)
        return rows if count == 1 else rows[self._back]


class _EveryLayer(Exception):
    """Ends a reading call once all layers have their keys and values."""


_STATE: ContextVar[SharedPrefixState] = ContextVar("shared prefix state")


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return _STATE.get().attend(module.layer_idx, query, key, value, attention_mask, scale), None


AttentionInterface.register(NAME, _attention)
