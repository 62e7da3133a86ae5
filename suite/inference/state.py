"""A batch of prompts inside a model: read once, then continued token by token; for both model shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor
from torch.nn.functional import pad

from suite.models.adapted import AdaptedModel
from suite.models.layers import accepted

Ids = tuple[int, ...]
Side = Literal["left", "right"]

SHARED = 16
"""Minimum length of a batch's common beginning for which it is read once for all prompts."""

CACHED = 1024
"""Tokens that a CPU reads at a time, so that a layer's activations stay in its cache."""


class Steps(Protocol):
    """Prompts that have been read and are being answered; row i of all tensors is prompt i."""

    logits: Tensor
    """float32 [B, V]: logits of each prompt's next token."""

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt ([B], long) and update `logits`."""

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows, in this order ([B'], long); a row may occur more than once."""


class State(Steps, Protocol):
    """Prompts that have been read, to be answered or to score answers."""

    def score(self, tokens: Tensor) -> Tensor:
        """Append tokens ([B, T], right-padded with any id) to each prompt. Returns float32 logits [B, T, V] after
        each."""


class DecoderState:
    """Decoder-only models. The layout is [prefix][pad][soft][text] with left padding. Positions do not count padding,
    so that an answer does not depend on its neighbours' lengths."""

    logits: Tensor
    mask: Tensor
    """[B, S]: 1 at real tokens."""
    next: Tensor
    """[B]: the position of each row's next token."""

    def __init__(self, adapted: AdaptedModel, prompts: Sequence[Ids], *, sharing: bool = True) -> None:
        """`sharing`: read what all prompts begin with once, which puts padding behind it."""
        self.model = cast(Any, adapted.model)
        self.device = adapted.backbone.device
        self._accepted = accepted(self.model)
        common = shared(prompts) if sharing and len(prompts) > 1 and not adapted.backbone.windowed else 0
        # [prefix][soft][shared text] is read once, and every prompt continues from a copy of its keys and values
        first = [prompts[0][:common]] if common >= SHARED else prompts
        self.cache = adapted.cache(len(first))
        self.mask = torch.ones(len(first), adapted.prefix_length, dtype=torch.long, device=self.device)
        self.next = self.mask.sum(1)
        self._read_on(*embedded(first, adapted, side="left"))
        if common >= SHARED:
            self.keep(torch.zeros(len(prompts), dtype=torch.long, device=self.device))
            ids, mask = padded([prompt[common:] for prompt in prompts], adapted, side="left")
            self._read_on(mask, {"input_ids": ids})

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self._read_on(torch.ones_like(tokens)[:, None], {"input_ids": tokens[:, None]})

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        self.cache.batch_select_indices(rows)
        self.mask, self.next, self.logits = self.mask[rows], self.next[rows], self.logits[rows]

    def score(self, tokens: Tensor) -> Tensor:
        """Append tokens [B, T] to each prompt. Returns logits [B, T, V] after each."""
        mask = torch.cat([self.mask, torch.ones_like(tokens)], 1)
        positions = self.next[:, None] + torch.arange(tokens.shape[1], device=self.device)
        output = self._call(mask, positions, input_ids=tokens)
        return output.logits.float()  # type: ignore[no-any-return]

    def _read_on(self, mask: Tensor, inputs: dict[str, Tensor]) -> None:
        """Read a batch after the previous tokens, left-padded according to its `mask` [B, T]."""
        mask, token_positions = torch.cat([self.mask, mask], 1), self.next[:, None] + positions(mask)
        output = self._call(mask, token_positions, **inputs, logits_to_keep=1)
        self.mask, self.next = mask, token_positions[:, -1] + 1
        self.logits = output.logits[:, -1].float()

    def _call(self, mask: Tensor, positions: Tensor, **inputs: Any) -> Any:
        optional = {"position_ids": positions, "logits_to_keep": inputs.pop("logits_to_keep", None)}
        inputs |= {name: value for name, value in optional.items() if name in self._accepted and value is not None}
        return self.model(attention_mask=mask, past_key_values=self.cache, use_cache=True, **inputs)


class EncoderDecoderState:
    """Encoder-decoder models: the encoder reads [soft][text][pad], the decoder [prefix][start token]."""

    logits: Tensor

    def __init__(self, stacks: Sequence[AdaptedModel], prompts: Sequence[Ids]) -> None:
        """`stacks`: the same adapted model for all prompts, or one for each; they may differ only in soft prompts."""
        adapted = stacks[0]
        self.model = cast(Any, adapted.model)
        self.device = adapted.backbone.device
        mask, inputs = _encoder_inputs(stacks, prompts)
        self.encoded = self._encode(mask, inputs)
        self.mask = mask
        self.owners = torch.arange(len(prompts), device=self.device)
        """[B]: index of the prompt that each row answers."""
        self.cache = adapted.cache(len(prompts))
        self._read(torch.full((len(prompts), 1), adapted.backbone.start_id, device=self.device))

    def _encode(self, mask: Tensor, inputs: dict[str, Tensor]) -> Any:
        """The encoder's output for all prompts, computed in parts; each part is as wide as its longest prompt."""
        encoder, longest = self.model.get_encoder(), mask.shape[1]
        count = max(1, CACHED // longest) if self.device.type == "cpu" else len(mask)
        parts = []
        for start in range(0, len(mask), count):
            width = int(mask[start : start + count].sum(1).max())
            own = {name: tensor[start : start + count, :width] for name, tensor in inputs.items()}
            whole = encoder(attention_mask=mask[start : start + count, :width], **own)
            parts.append(pad(whole.last_hidden_state, (0, 0, 0, longest - width)))
        whole.last_hidden_state = torch.cat(parts)
        return whole

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self._read(tokens[:, None])

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        before, self.owners = self.owners, self.owners[rows]
        self.logits = self.logits[rows]
        if torch.equal(before, self.owners):  # reordered beams still have the same prompts
            self.cache.self_attention_cache.batch_select_indices(rows)
            return
        self.cache.batch_select_indices(rows)
        self.encoded.last_hidden_state = self.encoded.last_hidden_state[rows]
        self.mask = self.mask[rows]

    def score(self, tokens: Tensor) -> Tensor:
        """Append tokens [B, T] to each prompt. Returns logits [B, T, V] after each."""
        return self._call(tokens).logits.float()  # type: ignore[no-any-return]

    def _read(self, tokens: Tensor) -> None:
        self.logits = self._call(tokens).logits[:, -1].float()

    def _call(self, tokens: Tensor) -> Any:
        return self.model(
            encoder_outputs=self.encoded, attention_mask=self.mask, decoder_input_ids=tokens,
            past_key_values=self.cache, use_cache=True,
        )  # fmt: skip


def padded(prompts: Sequence[Ids], adapted: AdaptedModel, *, side: Side) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both long [B, T]."""
    longest = max(len(prompt) for prompt in prompts)
    filler = adapted.backbone.pad_id  # masked, so any id will do
    ids, mask = [], []
    for prompt in prompts:
        gap = longest - len(prompt)
        fill, hide, real = [filler] * gap, [0] * gap, [1] * len(prompt)
        ids.append([*fill, *prompt] if side == "left" else [*prompt, *fill])
        mask.append(hide + real if side == "left" else real + hide)
    device = adapted.backbone.device
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def embedded(prompts: Sequence[Ids], adapted: AdaptedModel, *, side: Side) -> tuple[Tensor, dict[str, Tensor]]:
    """The mask of prompts with their soft prompt, and the inputs for calling the model."""
    ids, mask = padded(prompts, adapted, side=side)
    if adapted.soft is None:
        return mask, {"input_ids": ids}
    embeds, mask = adapted.embed(ids, mask, side=side)
    return mask, {"inputs_embeds": embeds}


def _encoder_inputs(stacks: Sequence[AdaptedModel], prompts: Sequence[Ids]) -> tuple[Tensor, dict[str, Tensor]]:
    """Mask and inputs of prompts after their stacks' soft prompts, padded on the right."""
    if all(stack is stacks[0] for stack in stacks):
        return embedded(prompts, stacks[0], side="right")
    rows = [
        stack.embed(*padded([prompt], stack, side="right"), side="right")
        for stack, prompt in zip(stacks, prompts, strict=True)
    ]
    longest = max(mask.shape[1] for _, mask in rows)
    masks = [pad(mask, (0, longest - mask.shape[1])) for _, mask in rows]
    texts = [pad(text, (0, 0, 0, longest - text.shape[1])) for text, _ in rows]
    return torch.cat(masks), {"inputs_embeds": torch.cat(texts)}


def positions(mask: Tensor) -> Tensor:
    """[B, T]: index of each token among the real tokens of its row, as in transformers."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def shared(prompts: Sequence[Ids]) -> int:
    """Length of the prompts' common beginning; each prompt keeps at least one further token."""
    first, last = min(prompts), max(prompts)  # first and last in sorted order: all prompts share what these two share
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((index for index in range(limit) if first[index] != last[index]), limit)
