"""Batches in an order that is a pure function of the seed and the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import torch
from torch import Tensor

from suite.hashing import seed_of
from suite.models.backbone import Backbone
from suite.training.examples import Encoded

IGNORE = -100
WINDOW = 16
"""Batches among which examples are sorted by length: little padding, and still well mixed."""


@dataclass(frozen=True)
class Batch:
    """Examples padded on the right."""

    input_ids: Tensor
    """[B, T]: prompt and answer (decoder), or the prompt (encoder-decoder)."""
    attention_mask: Tensor
    """[B, T]."""
    labels: Tensor
    """[B, L]: what should come next at each position, `IGNORE` outside of the answer. L is T for a decoder."""
    decoder_input_ids: Tensor | None
    """[B, L], encoder-decoder only."""
    columns: Tensor
    """Positions of T (decoder) at which any row has a label."""
    tokens: int
    """Tokens that are not padding, prompts and answers."""

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        decoder = None if self.decoder_input_ids is None else self.decoder_input_ids.to(device)
        moved = (self.input_ids.to(device), self.attention_mask.to(device), self.labels.to(device))
        return Batch(*moved, decoder, self.columns.to(device), self.tokens)


class Collator:
    """Makes padded batches of examples, for one backbone."""

    def __init__(self, backbone: Backbone) -> None:
        self._pad = backbone.pad_id
        start = getattr(backbone.model.config, "decoder_start_token_id", None)
        self._start = backbone.pad_id if start is None else int(start)
        self._decoder = backbone.shape == "decoder"

    def __call__(self, examples: Sequence[Encoded]) -> Batch:
        """Some examples as one padded batch."""
        tokens = sum(example.length for example in examples)
        if not self._decoder:
            ids, mask = _padded([example.prompt for example in examples], self._pad)
            labels, _ = _padded([example.target for example in examples], IGNORE)
            inputs, _ = _padded([(self._start, *example.target[:-1]) for example in examples], self._pad)
            return Batch(ids, mask, labels, inputs, torch.arange(labels.shape[1]), tokens)
        ids, mask = _padded([example.prompt + example.target for example in examples], self._pad)
        # the last token of the prompt predicts the first of the answer, and the last of all predicts nothing
        labels, _ = _padded(
            [(*[IGNORE] * (len(example.prompt) - 1), *example.target, IGNORE) for example in examples], IGNORE
        )
        return Batch(ids, mask, labels, None, (labels != IGNORE).any(0).nonzero().flatten(), tokens)


class Batches:
    """The batches of a training run: every example once an epoch, neighbours in length together."""

    def __init__(self, backbone: Backbone, examples: Sequence[Encoded], *, batch_size: int, seed: int) -> None:
        self._examples = tuple(examples)
        self._size = batch_size
        self._seed = seed
        self._collate = Collator(backbone)
        self.fingerprint = _fingerprint(self._examples, batch_size, seed)
        self._epoch = lru_cache(maxsize=2)(self._order_of)

    def indices(self, step: int) -> tuple[int, ...]:
        """Which examples the batch of a step (from 0) holds, shortest first."""
        count = len(self._examples)
        places = range(step * self._size, (step + 1) * self._size)
        chosen = [self._epoch(place // count)[place % count] for place in places]
        return tuple(sorted(chosen, key=lambda index: (self._examples[index].length, index)))

    def target_tokens(self, step: int) -> int:
        """Tokens with a loss in the batch of a step."""
        return sum(len(self._examples[index].target) for index in self.indices(step))

    def measured(self) -> Mapping[str, float]:
        """Nothing besides the loss."""
        return {}

    def parts(self, step: int, micro_batch: int) -> list[Batch]:
        """The batch of a step in parts of at most `micro_batch` examples."""
        chosen = [self._examples[index] for index in self.indices(step)]
        return [self._collate(chosen[start : start + micro_batch]) for start in range(0, len(chosen), micro_batch)]

    def _order_of(self, epoch: int) -> tuple[int, ...]:
        """All examples once. Batches begin where the last epoch's ended, so that buckets and batches stay aligned."""
        count = len(self._examples)
        rng = Random(seed_of(self._seed, "epoch", epoch))
        order = list(range(count))
        rng.shuffle(order)
        head = min(-epoch * count % self._size, count)
        whole = (count - head) // self._size * self._size
        first, middle, last = order[:head], order[head : head + whole], order[head + whole :]
        buckets: list[list[int]] = []
        for start in range(0, whole, self._size * WINDOW):
            window = sorted(middle[start : start + self._size * WINDOW], key=lambda index: self._examples[index].length)
            buckets += [window[at : at + self._size] for at in range(0, len(window), self._size)]
        rng.shuffle(buckets)
        return (*first, *(index for bucket in buckets for index in bucket), *last)


def _fingerprint(examples: Sequence[Encoded], batch_size: int, seed: int) -> str:
    """The same for the same batches only."""
    digest = hashlib.sha256(f"{batch_size} {seed}".encode())
    for example in examples:
        digest.update(array("q", [len(example.prompt), *example.prompt, *example.target]))
    return digest.hexdigest()


def _padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Rows padded on the right with `fill`, and the mask of what is not padding."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=torch.long)
    return ids, mask
