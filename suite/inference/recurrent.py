"""Answers of models that keep a state besides, or instead of, keys and values (Mamba and hybrids).

Such a state has no positions: it cannot be cut, shared or continued by several tokens at once. Scores therefore come
from whole texts. Answers continue from the state if a trial gives the logits of whole texts, which depends on the
architecture and on the version of transformers; otherwise each token reads the whole text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import DynamicCache

from suite.inference.state import Ids, State, embedded, positions
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.layers import accepted

NEAR: Final = 0.03
"""Tolerance between logits of both ways, as a share of the largest: bfloat16's rounding."""
_TRIED: WeakKeyDictionary[Backbone, bool] = WeakKeyDictionary()


class WholeTexts:
    """Reads each text from its beginning whenever it grows: slow, and right for every causal model.

    The layout is [soft][text][padding], so that no row sees padding, and no mask is needed.
    """

    logits: Tensor

    def __init__(self, adapted: AdaptedModel, prompts: Sequence[Ids]) -> None:
        self.adapted, self.model = adapted, cast(Any, adapted.model)
        self.accepted = accepted(self.model)
        self.texts = list(prompts)
        self.read()

    def read(self) -> None:
        """Read the prompts."""
        self.logits = self._after(self.texts, 1)[:, 0]

    def step(self, tokens: Tensor) -> None:
        """Append one token to each prompt."""
        self.texts = [(*text, token) for text, token in zip(self.texts, tokens.tolist(), strict=True)]
        self.read()

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        self.texts, self.logits = [self.texts[row] for row in rows.tolist()], self.logits[rows]

    def score(self, tokens: Tensor) -> Tensor:
        """Append tokens [B, T] to each prompt. Returns logits [B, T, V] after each."""
        whole = [(*text, *more) for text, more in zip(self.texts, tokens.tolist(), strict=True)]
        return self._after(whole, tokens.shape[1])

    def _after(self, texts: Sequence[Ids], count: int) -> Tensor:
        """Float32 logits [B, count, V] after each of the last `count` tokens of each text."""
        lengths = torch.tensor([len(text) for text in texts], device=self.adapted.backbone.device)
        longest = int(lengths.max())
        kept = longest - int(lengths.min()) + count
        inputs: dict[str, Any] = {**embedded(texts, self.adapted, side="right")[1], "use_cache": False}
        inputs |= {"logits_to_keep": kept} if "logits_to_keep" in self.accepted else {}
        logits: Tensor = self.model(**inputs).logits[:, -kept:]
        at = (lengths - longest + kept - count)[:, None] + torch.arange(count, device=lengths.device)
        return logits.gather(1, at[:, :, None].expand(-1, -1, logits.shape[2])).float()


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


def read_recurrent(adapted: AdaptedModel, prompts: Sequence[Ids]) -> State:
    """Read prompts of a model that keeps a state: continued from it if that is right, or from whole texts."""
    if adapted.backbone not in _TRIED:
        _TRIED[adapted.backbone] = continues(AdaptedModel(adapted.backbone, adapted.model))
    return (Recurrent if _TRIED[adapted.backbone] else WholeTexts)(adapted, prompts)


@torch.no_grad()
def continues(adapted: AdaptedModel) -> bool:
    """Whether the model's state gives the logits of whole texts: in padded batches, after tokens, and for rows that
    change places."""
    words = max(1, adapted.backbone.embeddings - 1)
    prompts = [tuple(token % words for token in range(1, count)) for count in (4, 9, 3)]
    rows, tokens = torch.tensor([2, 0, 0, 1]), torch.tensor([5, 6, 7, 8]) % words
    rows, tokens = rows.to(adapted.backbone.device), tokens.to(adapted.backbone.device)
    try:
        pair = [kind(adapted, prompts) for kind in (Recurrent, WholeTexts)]
        agree = _near(pair)
        for state in pair:
            state.keep(rows)
        for _ in range(2):
            for state in pair:
                state.step(tokens)
            agree = agree and _near(pair)
    except torch.OutOfMemoryError:
        raise
    except Exception:  # a model's own code may raise anything if its state is not transformers' usual one
        return False
    return agree


def _near(pair: Sequence[WholeTexts]) -> bool:
    found, wanted = (state.logits for state in pair)
    return float((found - wanted).abs().max()) <= NEAR * float(wanted.abs().max())
