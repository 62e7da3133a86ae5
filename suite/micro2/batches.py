"""Turn pretraining documents into tensors, for a decoder or an encoder-decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from suite.micro2.documents import PretrainingDocument, draw_document
from suite.micro2.recipes import Stage
from suite.micro2.vocabulary import EOS, PAD, SENTINELS
from suite.micro2.wordings import SEPARATOR


@dataclass(frozen=True)
class TokenBatch:
    """Token ids, labels, and weights of the loss."""

    ids: Tensor
    """Input tokens (rows, length)."""
    labels: Tensor
    """The same tokens (decoder only), or the masked answers, padded (encoder-decoder)."""
    weights: Tensor
    """Weight of each label in the loss."""


class Encoder:
    """Converts words to ids, faster than the full tokenizer."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary`: the tokenizer's words and their ids."""
        self.ids = vocabulary
        self.pad, self.eos = vocabulary[PAD], vocabulary[EOS]

    def __call__(self, text: str) -> list[int]:
        """The ids of a text. Raises KeyError for an unknown word, because all documents are our own."""
        return [self.ids[word] for word in text.replace(SEPARATOR, f" {SEPARATOR} ").split(" ") if word]


def causal_batch(stage: Stage, encode: Encoder, rng: Random) -> TokenBatch:
    """Rows filled with documents, each followed by the end token."""
    rows = [_packed_row(stage, encode, rng) for _ in range(stage.rows)]
    ids = torch.tensor([[token for token, _ in row] for row in rows])
    weights = torch.tensor([[weight for _, weight in row] for row in rows])
    return TokenBatch(ids, ids, weights)


def masked_batch(stage: Stage, encode: Encoder, rng: Random) -> TokenBatch:
    """One document in each row, with some of its answers masked, always including the last one."""
    pairs = [_masked_document(stage, encode, rng) for _ in range(stage.rows)]
    ids, labels = _padded([source for source, _ in pairs], encode), _padded([target for _, target in pairs], encode)
    return TokenBatch(ids, labels, (labels != encode.pad).float())


def _draw(stage: Stage, rng: Random) -> PretrainingDocument:
    sorts = tuple(stage.mixture)
    return draw_document(rng.choices(sorts, [stage.mixture[sort] for sort in sorts])[0], stage.document, rng)


def _packed_row(stage: Stage, encode: Encoder, rng: Random) -> list[tuple[int, float]]:
    row: list[tuple[int, float]] = []
    while len(row) < stage.length:
        document = _draw(stage, rng)
        for index, exemplar in enumerate(document.exemplars):
            last = index == len(document.exemplars) - 1
            end = [encode.eos] if last else encode(document.separator)
            counts = 1.0 if index or document.first_counts else 0.0
            row += [(token, stage.prose) for token in encode(exemplar.prompt)]
            row += [(token, counts) for token in encode(exemplar.answer)] + [(token, 1.0) for token in end]
    return row[: stage.length]


def _masked_document(stage: Stage, encode: Encoder, rng: Random) -> tuple[list[int], list[int]]:
    document = _draw(stage, rng)
    prompts = [encode(exemplar.prompt) for exemplar in document.exemplars]
    answers = [encode(exemplar.answer) for exemplar in document.exemplars]
    # whole exemplars only: those that do not fit are left out
    fits, used = 0, 0
    while fits < len(prompts) and (used := used + len(prompts[fits]) + len(answers[fits]) + 1) <= stage.length:
        fits += 1
    fits = max(fits, 1)
    # rarely several masked answers, because aligning them has to be learned from many short documents first
    share = 0.5 if rng.random() < 0.3 else 0.0
    first = 0 if document.first_counts else 1
    source, target, masked = list[int](), list[int](), 0
    for index in range(fits):
        source = source + (encode(document.separator) if index else []) + prompts[index]
        free = masked + 2 < len(SENTINELS)  # one is left for the last answer, and one for the end
        if index == fits - 1 or (free and index >= first and rng.random() < share):
            sentinel = encode.ids[SENTINELS[masked]]
            source, target, masked = [*source, sentinel], [*target, sentinel, *answers[index]], masked + 1
        else:
            source = source + answers[index]
    return source, [*target, encode.ids[SENTINELS[masked]], encode.eos]


def _padded(rows: list[list[int]], encode: Encoder) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [encode.pad] * (longest - len(row)) for row in rows])
