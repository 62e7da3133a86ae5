"""Read whole texts whenever they grow, and compare a faster way with that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import torch
from torch import Tensor

from suite.inference.state import Ids, State, embedded
from suite.models.adapted import AdaptedModel
from suite.models.layers import accepted

NEAR: Final = 0.03
"""Tolerance between logits of two ways, as a share of the largest: bfloat16's rounding."""


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
        # a part of the positions is not contiguous, for which a CPU would copy the head's weights once for each row
        few = "logits_to_keep" in self.accepted and self.adapted.backbone.device.type != "cpu"
        inputs |= {"logits_to_keep": kept} if few else {}
        logits: Tensor = self.model(**inputs).logits[:, -kept:]
        at = (lengths - longest + kept - count)[:, None] + torch.arange(count, device=lengths.device)
        return logits.gather(1, at[:, :, None].expand(-1, -1, logits.shape[2])).float()


@torch.no_grad()
def agrees(
    make: Callable[[AdaptedModel, Sequence[Ids]], State], adapted: AdaptedModel, lengths: Sequence[int], common: int = 0
) -> bool:
    """Whether a way of reading gives the logits of whole texts: in a padded batch of prompts with these lengths after
    `common` tokens alike, after tokens, and for rows that change places. False if it fails."""
    words, device = max(1, adapted.backbone.embeddings - 1), adapted.backbone.device
    beginning = [at % words for at in range(1, common + 1)]
    prompts = [(*beginning, *(5 * (at + row) % words for at in range(count))) for row, count in enumerate(lengths)]
    rows, tokens = torch.tensor([2, 0, 0, 1], device=device), torch.tensor([5, 6, 7, 8], device=device) % words
    try:
        pair: list[Any] = [kind(adapted, prompts) for kind in (make, WholeTexts)]
        same = _near(pair)
        for state in pair:
            state.keep(rows)
        for _ in range(2):
            for state in pair:
                state.step(tokens)
            same = same and _near(pair)
        scored, expected = (state.score(tokens[:, None].repeat(1, 3)) for state in pair)
        return same and _close(scored, expected)
    except torch.OutOfMemoryError:
        raise
    except Exception:  # a model's own code may raise anything if its cache is not transformers' usual one
        return False


def _near(pair: Sequence[Any]) -> bool:
    return _close(pair[0].logits, pair[1].logits)


def _close(logits: Tensor, expected: Tensor) -> bool:
    return float((logits - expected).abs().max()) <= NEAR * float(expected.abs().max())
