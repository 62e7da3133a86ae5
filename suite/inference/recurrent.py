"""Answers of models that keep a state besides, or instead of, keys and values (Mamba and hybrids).

Such a state has no positions: it cannot be cut, shared or continued by several tokens at once. Scores therefore come
from whole texts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from suite.inference.state import embedded, positions
from suite.inference.whole_texts import WholeTexts


class Recurrent(WholeTexts):
    """Continues from the model's state, one token at a time. Prompts are padded on the left."""

    def read(self) -> None:
        """Read the prompts into a new state."""
        self.cache: Any = DynamicCache(config=self.model.config)
        mask, inputs = embedded(self.texts, self.adapted, side="left")
        self.mask, self.next = mask, mask.sum(1)
        self._call(positions(mask), **inputs)

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self.texts = [(*text, token) for text, token in zip(self.texts, tokens.tolist(), strict=True)]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        self._call(self.next[:, None], input_ids=tokens[:, None])
        self.next = self.next + 1

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        super().keep(rows)
        self.cache.reorder_cache(rows)
        self.mask, self.next = self.mask[rows], self.next[rows]

    def _call(self, at: Tensor, **inputs: Any) -> None:
        pure = "past_key_values" not in self.accepted  # without attention, nothing before the new tokens has a mask
        first = "inputs_embeds" in inputs or inputs["input_ids"].shape[1] == self.mask.shape[1]
        cache = {"cache_params" if pure else "past_key_values": self.cache}
        optional = {"position_ids": at, "logits_to_keep": 1}
        inputs |= {name: value for name, value in optional.items() if name in self.accepted}
        mask = self.mask if first or not pure else None
        self.logits = self.model(**inputs, **cache, attention_mask=mask, use_cache=True).logits[:, -1].float()
