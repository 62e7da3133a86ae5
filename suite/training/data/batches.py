"""Batches whose order depends only on the seed and the step, so that a resumed run sees the same batches."""

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
"""Number of batches within which examples are sorted by length: little padding, yet well shuffled."""


@dataclass(frozen=True)
class Batch:
    """Examples of one target, padded on the right."""

    input_ids: Tensor
    """[B, T]: prompt and answer (decoder), or the prompt (encoder-decoder)."""
    attention_mask: Tensor
    """[B, T]."""
    labels: Tensor
    """[B, L]: the next token at each position, `IGNORE` outside of the answer. L is T for a decoder."""
    decoder_input_ids: Tensor | None
    """[B, L], encoder-decoder only."""
    answers: Tensor
    """[N]: positions that have a label, as indices into the flattened [B·L]."""
    tokens: int
    """Tokens of prompts and answers, without padding."""
    target_index: int = 0
    """Index of the target that all examples belong to."""
    even: bool = False
    """Whether `input_ids` has no padding, so that no mask is needed."""
    shared: int = 0
    """Length of the common beginning of all prompts, shorter than any prompt; decoder only."""

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        decoder = None if self.decoder_input_ids is None else self.decoder_input_ids.to(device)
        moved = (self.input_ids.to(device), self.attention_mask.to(device), self.labels.to(device))
        return Batch(*moved, decoder, self.answers.to(device), self.tokens, self.target_index, self.even, self.shared)


class Collator:
    """Makes padded batches from examples, for one backbone."""

    def __init__(self, backbone: Backbone) -> None:
        self._pad = backbone.pad_id
        self._decoder = backbone.shape == "decoder"
        self._start = backbone.pad_id if self._decoder else backbone.start_id

    def __call__(self, examples: Sequence[Encoded]) -> Batch:
        """Pad some examples of one target to a batch."""
        target_index = examples[0].target_index
        tokens = sum(example.length for example in examples)
        if not self._decoder:
            ids, mask = _padded([example.prompt for example in examples], self._pad)
            answers = [example.target for example in examples]
            labels, _ = _padded(answers, IGNORE)
            inputs, _ = _padded([(self._start, *example.target[:-1]) for example in examples], self._pad)
            even = len({len(example.prompt) for example in examples}) == 1
            return Batch(ids, mask, labels, inputs, _labelled(answers), tokens, target_index, even)
        ids, mask = _padded([example.prompt + example.target for example in examples], self._pad)
        # the last prompt token predicts the first answer token; the last token of all predicts nothing
        answers = [(*[IGNORE] * (len(example.prompt) - 1), *example.target, IGNORE) for example in examples]
        labels, _ = _padded(answers, IGNORE)
        common = shared([example.prompt for example in examples])
        return Batch(ids, mask, labels, None, _labelled(answers), tokens, target_index, shared=common)


class Batches:
    """The batches of a training run: each example once an epoch, with neighbours of similar length."""

    def __init__(self, backbone: Backbone, *epochs: Sequence[Encoded], batch_size: int, seed: int) -> None:
        """One sequence of examples for each epoch, all of equal length. Later epochs use the last one."""
        self._epochs = [tuple(examples) for examples in epochs]
        self._count = len(self._epochs[0])
        self._size = batch_size
        self._seed = seed
        self._collate = Collator(backbone)
        self.fingerprint = _fingerprint([each for examples in self._epochs for each in examples], batch_size, seed)
        self._epoch = lru_cache(maxsize=2)(self._order_of)

    def examples(self, step: int) -> list[Encoded]:
        """The examples of a step's batch (from 0), shortest first."""
        chosen = [(self._of(epoch)[index], index) for epoch, index in self._examples_of(step)]
        return [example for example, _ in sorted(chosen, key=lambda each: (each[0].length, each[1]))]

    def target_tokens(self, step: int) -> int:
        """Number of tokens with a loss in a step's batch."""
        return sum(len(self._of(epoch)[index].target) for epoch, index in self._examples_of(step))

    def measured(self) -> Mapping[str, float]:
        """Empty: this source measures nothing besides the loss."""
        return {}

    def parts(self, step: int, micro_batch: int) -> list[Batch]:
        """A step's batch in parts of at most `micro_batch` examples, each of one target."""
        examples = self.examples(step)
        runs = in_parts([(example.target_index, at) for at, example in enumerate(examples)], micro_batch)
        return [self._collate([examples[at] for at in run]) for run in runs]

    def _examples_of(self, step: int) -> list[tuple[int, int]]:
        """The examples of a step's batch, as (epoch, index in it)."""
        positions = range(step * self._size, (step + 1) * self._size)
        return [
            (position // self._count, self._epoch(position // self._count)[position % self._count])
            for position in positions
        ]

    def _of(self, epoch: int) -> tuple[Encoded, ...]:
        return self._epochs[min(epoch, len(self._epochs) - 1)]

    def _order_of(self, epoch: int) -> tuple[int, ...]:
        """The order of an epoch's examples. Full batches start where the previous epoch's last batch ends, so that
        sorted buckets and batches stay aligned."""
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
    """Batches with a fixed ratio of the targets' examples. Each target goes through its epochs independently."""

    def __init__(self, sources: Sequence[Batches]) -> None:
        """One source for each target. The sizes of their batches give the ratio and add up to the full batch size."""
        self._sources = tuple(sources)
        self.fingerprint = fingerprint([each.fingerprint for each in sources])

    def target_tokens(self, step: int) -> int:
        """Number of tokens with a loss in a step's batch."""
        return sum(each.target_tokens(step) for each in self._sources)

    def measured(self) -> Mapping[str, float]:
        """Empty: this source measures nothing besides the loss."""
        return {}

    def parts(self, step: int, micro_batch: int) -> list[Batch]:
        """A step's batch in parts of at most `micro_batch` examples, each of one target."""
        return [part for each in self._sources for part in each.parts(step, micro_batch)]


def shares(weights: Sequence[float], size: int) -> list[int]:
    """Divide `size` places by weights: at least one for each, and as close to the ratio as whole numbers allow.

    Raises ValueError if there are more weights than places.
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
    """Split (target, example) pairs into lists of at most `most`, each of one target, otherwise in the given order."""
    runs: list[list[int]] = []
    for target in sorted({target for target, _ in examples}):
        indices = [example for each, example in examples if each == target]
        runs += [indices[start : start + most] for start in range(0, len(indices), most)]
    return runs


def _fingerprint(examples: Sequence[Encoded], batch_size: int, seed: int) -> str:
    """Hash of the examples, batch size and seed: equal for equal batches only."""
    digest = hashlib.sha256(f"{batch_size} {seed}".encode())
    for example in examples:
        digest.update(array("q", [example.target_index, len(example.prompt), *example.prompt, *example.target]))
    return digest.hexdigest()


def _labelled(rows: Sequence[Sequence[int]]) -> Tensor:
    """Positions with a label, as indices into the padded and flattened rows."""
    longest = max(len(row) for row in rows)
    at = [
        index * longest + place for index, row in enumerate(rows) for place, token in enumerate(row) if token != IGNORE
    ]
    return torch.tensor(at, dtype=torch.long)


def _padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Rows padded on the right with `fill`, and the mask of the real tokens."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=torch.long)
    return ids, mask
