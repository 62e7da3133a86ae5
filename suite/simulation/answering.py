"""Simulates how prompts are answered: reading them part by part, and the keys and values of all that are in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._pytree import tree_iter

from suite.inference.shared_prefix import COPIED
from suite.inference.state import CACHED, Ids, shared
from suite.models.adapted import AdaptedModel
from suite.models.layers import accepted
from suite.simulation.tracker import LiveBytes

SHORT: Final = 8
"""Tokens of the text by which a token's keys and values are measured."""


@dataclass(frozen=True)
class Question:
    """A prompt, and what follows it: a written answer, or given ones that are scored."""

    prompt: Ids
    limit: int
    """Tokens that may be written, or of the longest given answer."""
    options: int = 0
    """Number of given answers; 0: one is written."""

    @property
    def size(self) -> int:
        """Tokens that count for a batch: of the prompt with each answer."""
        return max(self.options, 1) * (len(self.prompt) + self.limit)


@dataclass(frozen=True)
class Batching:
    """How a device answers."""

    tokens: int
    """Tokens of a batch (`decoding.batch_tokens`)."""
    beams: int
    read: int
    """Tokens that are read at a time."""

    @classmethod
    def of(cls, tokens: int, beams: int, *, on_gpu: bool) -> Batching:
        """That of a kind of device."""
        return cls(tokens, beams, COPIED if on_gpu else CACHED)


@torch.no_grad()
def answer(current: AdaptedModel, questions: Sequence[Question], batching: Batching, tracker: LiveBytes) -> None:
    """Allocate what answering the questions needs at its peak, and free it."""
    if not questions:
        return
    prompts = [question.prompt for question in questions]
    common = shared(prompts) if len(prompts) > 1 and current.backbone.shape == "decoder" else 0
    largest = max(questions, key=lambda question: question.size)
    longest = max(len(prompt) for prompt in prompts) - common
    own = batching.beams * (largest.size - max(largest.options, 1) * common)
    asked = min(len(questions), max(1, batching.tokens // own))
    rows = asked * max(largest.options, 1) * batching.beams
    with tracker.making("activations"):
        before = common + current.reserved
        if current.backbone.shape == "decoder":
            _decoder(current, asked, rows, longest, largest, before, batching, tracker)
        else:
            _encoder_decoder(current, asked, rows, longest, largest, batching, tracker)


def _decoder(
    current: AdaptedModel, asked: int, rows: int, longest: int, largest: Question, before: int, batching: Batching,
    tracker: LiveBytes,
) -> None:  # fmt: skip
    model: Any = current.model
    keep: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted(model) else {}
    ids = torch.zeros(1, SHORT, dtype=torch.long)
    each = _bytes(model(input_ids=ids, use_cache=True, **keep).past_key_values, tracker) / SHORT
    length = longest + largest.limit
    with tracker.making("caches"):
        # one layer after another is copied when rows of given answers follow from those of their prompts
        held = torch.empty(round(each * (before + rows * length)), dtype=torch.uint8)
    part = min(asked, max(1, batching.read // max(1, longest)))
    model(input_ids=torch.zeros(part, longest, dtype=torch.long), use_cache=False, **keep)
    written = largest.limit if largest.options else 1
    _scored(model(input_ids=torch.zeros(rows, written, dtype=torch.long), use_cache=False).logits, largest)
    del held


def _encoder_decoder(
    current: AdaptedModel,
    asked: int,
    rows: int,
    longest: int,
    largest: Question,
    batching: Batching,
    tracker: LiveBytes,
) -> None:
    model: Any = current.model
    longest += current.soft_length
    ids, start = torch.zeros(1, SHORT, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long)
    cache = model(input_ids=ids, decoder_input_ids=start, use_cache=True).past_key_values
    own, cross = _bytes(cache.self_attention_cache, tracker), _bytes(cache.cross_attention_cache, tracker) / SHORT
    del cache
    width = model.get_input_embeddings().weight.shape[1]
    with tracker.making("caches"):
        encoded = torch.empty(asked, longest, width, dtype=model.dtype)
    part = torch.zeros(min(asked, max(1, batching.read // longest)), longest, dtype=torch.long)
    model.get_encoder()(input_ids=part, attention_mask=torch.ones_like(part))
    with tracker.making("caches"):  # those of the answers grow as they are written
        length = largest.limit + current.prefix_length
        held = torch.empty(round(rows * (own * length + cross * longest)), dtype=torch.uint8)
    hidden = torch.empty(rows, largest.limit if largest.options else 1, width, dtype=model.dtype)
    _scored(model.get_output_embeddings()(hidden), largest)
    del held, encoded, hidden


def _scored(logits: Tensor, question: Question) -> None:
    """What follows from logits: the next token, or the likelihood of given answers."""
    in_float32 = logits.float()
    if question.options:
        in_float32.log_softmax(-1)


def _bytes(cache: Any, tracker: LiveBytes) -> int:
    """Bytes of a cache's keys and values."""
    layers = getattr(cache, "layers", None) or []
    tensors: list[Tensor] = [each for layer in layers for each in tree_iter(vars(layer)) if isinstance(each, Tensor)]
    return sum(each.numel() * each.element_size() for each in tensors if each.numel() > 1)
