"""Batches in an order that is a pure function of the seed and the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import torch
from torch import Tensor

from suite.core.hashing import fingerprint, seed_of
from suite.inference.state import shared
from suite.models.backbone import Backbone
from suite.training.data.examples import Encoded

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
    answers: Tensor
    """[N]: where there is a label, as places in the [B·L] of all rows."""
    tokens: int
    """Tokens that are not padding, prompts and answers."""
    target_index: int = 0
    """Which of the targets all of them are of."""
    even: bool = False
    """Whether nothing in `input_ids` is padding, so that no mask is needed."""
    shared: int = 0
    """How many tokens all prompts begin with, less than any prompt has; decoder only."""

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        decoder = None if self.decoder_input_ids is None else self.decoder_input_ids.to(device)
        moved = (self.input_ids.to(device), self.attention_mask.to(device), self.labels.to(device))
        return Batch(*moved, decoder, self.answers.to(device), self.tokens, self.target_index, self.even, self.shared)


class Collator:
    """Makes padded batches of examples, for one backbone."""

    def __init__(self, backbone: Backbone) -> None:
        self._pad = backbone.pad_id
        self._decoder = backbone.shape == "decoder"
        self._start = backbone.pad_id if self._decoder else backbone.start_id

    def __call__(self, examples: Sequence[Encoded]) -> Batch:
        """Some examples of one target as one padded batch."""
        target_index = examples[0].target_index
        tokens = sum(example.length for example in examples)
        if not self._decoder:
            ids, mask = _padded([example.prompt for example in examples], self._pad)
            labels, _ = _padded([example.target for example in examples], IGNORE)
            inputs, _ = _padded([(self._start, *example.target[:-1]) for example in examples], self._pad)
            even = len({len(example.prompt) for example in examples}) == 1
            return Batch(ids, mask, labels, inputs, _labelled(labels), tokens, target_index, even)
        ids, mask = _padded([example.prompt + example.target for example in examples], self._pad)
        # the last token of the prompt predicts the first of the answer, and the last of all predicts nothing
        labels, _ = _padded(
            [(*[IGNORE] * (len(example.prompt) - 1), *example.target, IGNORE) for example in examples], IGNORE
        )
        common = shared([example.prompt for example in examples])
        return Batch(ids, mask, labels, None, _labelled(labels), tokens, target_index, shared=common)


class Batches:
    """The batches of a training run: every example once an epoch, neighbours in length together."""

    def __init__(self, backbone: Backbone, *epochs: Sequence[Encoded], batch_size: int, seed: int) -> None:
        """Each epoch has its own examples, as many as the others; the last has also those of all later ones."""
        self._epochs = [tuple(examples) for examples in epochs]
        self._count = len(self._epochs[0])
        self._size = batch_size
        self._seed = seed
        self._collate = Collator(backbone)
        self.fingerprint = _fingerprint([each for examples in self._epochs for each in examples], batch_size, seed)
        self._epoch = lru_cache(maxsize=2)(self._order_of)

    def examples(self, step: int) -> list[Encoded]:
        """The batch of a step (from 0), shortest first."""
        chosen = [(self._of(epoch)[index], index) for epoch, index in self._examples_of(step)]
        return [example for example, _ in sorted(chosen, key=lambda each: (each[0].length, each[1]))]

    def target_tokens(self, step: int) -> int:
        """Tokens with a loss in the batch of a step."""
        return sum(len(self._of(epoch)[index].target) for epoch, index in self._examples_of(step))

    def measured(self) -> Mapping[str, float]:
        """Nothing besides the loss."""
        return {}

    def parts(self, step: int, micro_batch: int) -> list[Batch]:
        """The batch of a step in parts of at most `micro_batch` examples, each of one target."""
        examples = self.examples(step)
        runs = in_parts([(example.target_index, at) for at, example in enumerate(examples)], micro_batch)
        return [self._collate([examples[at] for at in run]) for run in runs]

    def _examples_of(self, step: int) -> list[tuple[int, int]]:
        """Which examples the batch of a step holds: (epoch, index in it)."""
        positions = range(step * self._size, (step + 1) * self._size)
        return [
            (position // self._count, self._epoch(position // self._count)[position % self._count])
            for position in positions
        ]

    def _of(self, epoch: int) -> tuple[Encoded, ...]:
        return self._epochs[min(epoch, len(self._epochs) - 1)]

    def _order_of(self, epoch: int) -> tuple[int, ...]:
        """All examples once. Batches begin where the last epoch's ended, so that buckets and batches stay aligned."""
        count, examples = self._count, self._of(epoch)
        rng = Random(seed_of(self._seed, "epoch", epoch))
        order = list(range(count))
        rng.shuffle(order)
        head = min(-epoch * count % self._size, count)
        whole = (count - head) // self._size * self._size
        first, middle, last = order[:head], order[head : head + whole], order[head + whole :]
        buckets: list[list[int]] = []
        for start in range(0, whole, self._size * WINDOW):
            window = sorted(middle[start : start + self._size * WINDOW], key=lambda index: examples[index].length)
            buckets += [window[at : at + self._size] for at in range(0, len(window), self._size)]
        rng.shuffle(buckets)
        return (*first, *(index for bucket in buckets for index in bucket), *last)


class Mixed:
    """Batches that hold examples of each target in a fixed ratio; each target goes through its epochs by itself."""

    def __init__(self, sources: Sequence[Batches]) -> None:
        """One source a target; the sizes of their batches are the ratio, and add up to the size of the whole."""
        self._sources = tuple(sources)
        self.fingerprint = fingerprint([each.fingerprint for each in sources])

    def target_tokens(self, step: int) -> int:
        """Tokens with a loss in the batch of a step."""
        return sum(each.target_tokens(step) for each in self._sources)

    def measured(self) -> Mapping[str, float]:
        """Nothing besides the loss."""
        return {}

    def parts(self, step: int, micro_batch: int) -> list[Batch]:
        """The batch of a step in parts of at most `micro_batch` examples, each of one target."""
        return [part for each in self._sources for part in each.parts(step, micro_batch)]


def shares(weights: Sequence[float], size: int) -> list[int]:
    """How many of `size` places each weight gets: at least one, and as near to the ratio as whole numbers are.

    Raises ValueError when there are more weights than places.
    """
    if len(weights) > size:
        raise ValueError(f"a batch of {size} cannot hold examples of {len(weights)} targets")
    exact = [weight / sum(weights) * size for weight in weights]
    counts = [max(1, math.floor(each)) for each in exact]

    def owed(index: int) -> tuple[float, int]:
        return exact[index] - counts[index], -index

    while sum(counts) < size:
        counts[max(range(len(counts)), key=owed)] += 1
    while sum(counts) > size:  # some were rounded up to one
        counts[min((index for index in range(len(counts)) if counts[index] > 1), key=owed)] -= 1
    return counts


def in_parts(examples: Sequence[tuple[int, int]], most: int) -> list[list[int]]:
    """Runs of at most `most` of some (target, example): each of one target, else in the given order."""
    runs: list[list[int]] = []
    for target in sorted({target for target, _ in examples}):
        indices = [example for each, example in examples if each == target]
        runs += [indices[start : start + most] for start in range(0, len(indices), most)]
    return runs


def _fingerprint(examples: Sequence[Encoded], batch_size: int, seed: int) -> str:
    """The same for the same batches only."""
    digest = hashlib.sha256(f"{batch_size} {seed}".encode())
    for example in examples:
        digest.update(array("q", [example.target_index, len(example.prompt), *example.prompt, *example.target]))
    return digest.hexdigest()


def _labelled(labels: Tensor) -> Tensor:
    return (labels != IGNORE).flatten().nonzero().flatten()


def _padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Rows padded on the right with `fill`, and the mask of what is not padding."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=torch.long)
    return ids, mask
