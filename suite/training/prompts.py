"""A soft prompt in training: PEFT's embedding of virtual tokens, stored as one flat parameter, and its initial
values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from peft import PromptEmbedding, PromptTuningConfig, TaskType
from torch import Tensor, nn
from torch.nn import functional

from suite.core.errors import SuiteError
from suite.core.hashing import seed_of
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.tokens import encode_word

Start = Literal["vocab", "labels", "random", "text"]
COMMON = 5000
"""Number of first vocabulary rows that count as common (vocabularies are ordered by frequency)."""


class FlatPrompt(PromptEmbedding):  # type: ignore[misc]
    """PEFT's prompt embedding with a flat table, because Adafactor would factor a matrix's second moment."""

    def __init__(self, backbone: Backbone, vectors: Tensor) -> None:
        length, width = vectors.shape
        two_sided = backbone.shape == "encoder-decoder"
        config = PromptTuningConfig(
            task_type=TaskType.SEQ_2_SEQ_LM if two_sided else TaskType.CAUSAL_LM,
            num_virtual_tokens=length,
            token_dim=width,
            num_transformer_submodules=1,  # PEFT's default for encoder-decoders allocates twice the rows
        )
        super().__init__(config, backbone.model.get_input_embeddings())
        del self.embedding.weight
        self.shape = (length, width)
        self.flat = nn.Parameter(vectors.detach().float().flatten().clone().to(backbone.device), requires_grad=False)

    def vectors(self) -> Tensor:
        """The prompt [P, d], differentiable."""
        return self.flat.view(self.shape)

    def adapt(self, model: AdaptedModel, target_index: int) -> AdaptedModel:
        """The model with the prompt before the text."""
        return replace(model, soft=self.vectors())

    def forward(self, indices: Tensor) -> Tensor:
        """Embeddings of virtual tokens."""
        return functional.embedding(indices, self.vectors())


def start_vectors(
    backbone: Backbone, length: int, start: Start, seed: int, labels: Sequence[str] = (), text: str = ""
) -> Tensor:
    """Initial values [length, d] of a soft prompt (Lester et al. 2021, section 3.2); they depend on the seed only.

    `vocab`: embeddings of common tokens, drawn without replacement. `labels`: the mean embedding of each label, then as
    `vocab`. `random`: U(−0.5, 0.5). `text`: the embeddings of a text's tokens, repeated, as in PEFT. Raises SuiteError
    if the vocabulary is too small or the text is empty.
    """
    if start == "text":
        vectors = text_vectors(backbone, text)
        return vectors.repeat(-(-length // len(vectors)), 1)[:length]
    generator = torch.Generator().manual_seed(seed_of(seed, "soft prompt"))
    if start == "random":
        return torch.rand(length, backbone.width, generator=generator) - 0.5
    table = backbone.model.get_input_embeddings().weight.detach().float().cpu()
    special = set(backbone.tokenizer.all_special_ids)
    common = [row for row in range(min(COMMON, len(backbone.tokenizer), len(table))) if row not in special]
    first = _label_vectors(backbone, table, labels)[:length] if start == "labels" else []
    missing = length - len(first)
    if missing > len(common):
        what = f"a soft prompt of {length} cannot start from a vocabulary of {len(common)}"
        raise SuiteError(what, fix="init: random")
    drawn = torch.randperm(len(common), generator=generator)[:missing]
    return torch.stack([*first, *(table[common[int(index)]] for index in drawn)])


def text_vectors(backbone: Backbone, text: str) -> Tensor:
    """The embeddings [P, d] of a text's tokens. Raises SuiteError if there are none."""
    ids = list(backbone.tokenizer.encode(text, add_special_tokens=False))
    if not ids:
        raise SuiteError("a soft prompt cannot start from an empty text", fix='init: text with text: "…"')
    table = backbone.model.get_input_embeddings().weight.detach()
    vectors: Tensor = table[torch.tensor(ids, device=table.device)].float().cpu()
    return vectors


def _label_vectors(backbone: Backbone, table: Tensor, labels: Sequence[str]) -> list[Tensor]:
    """The mean embedding of each label's tokens, in the given order."""
    return [table[encode_word(backbone, label)].mean(0) for label in labels]
