"""Whether a model supports a shared prefix (by its configuration and a trial), and which stacks can share batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import torch

from suite.inference.shared_prefix import WORTH, SharedPrefixState, read_shared_prefix
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone

NEAR: Final = 0.03
"""Tolerance between logits with a shared prefix and with whole prompts, as a share of the largest: bfloat16's
rounding."""
_TRIED: WeakKeyDictionary[Backbone, bool] = WeakKeyDictionary()


def supports_shared_prefix(adapted: AdaptedModel) -> bool:
    """Whether a model can continue from a shared prefix.

    It has to be decoder-only, attend to all earlier positions, use transformers' `sdpa` attention, and give the same
    logits, which is tried once for each backbone.
    """
    backbone = adapted.backbone
    model: Any = backbone.model
    if backbone.shape != "decoder" or backbone.windowed:
        return False
    if not (model._supports_attention_backend and model.config._attn_implementation == "sdpa"):
        return False
    if backbone not in _TRIED:
        _TRIED[backbone] = _agrees(AdaptedModel(backbone, adapted.model))
    return _TRIED[backbone]


def may_stand_together(stacks: Sequence[AdaptedModel]) -> bool:
    """Whether prompts of these stacks can share a batch: the model is the same and only soft prompts (or prefixes)
    differ."""
    first = stacks[0]
    return all(stack.model is first.model for stack in stacks) and (
        supports_shared_prefix(first)
        or (first.backbone.shape == "encoder-decoder" and all(stack.prefix is None for stack in stacks))
    )


@torch.no_grad()
def _agrees(adapted: AdaptedModel) -> bool:
    """Whether logits with a shared prefix equal those of whole prompts, up to bfloat16's rounding."""
    words = max(1, len(adapted.backbone.tokenizer) - 1)
    prompts = [tuple(token % words for token in range(1, count)) for count in (WORTH + 4, WORTH + 8)]
    prompts[1] = (*prompts[1][: WORTH + 2], *prompts[1][:5])
    try:
        state = SharedPrefixState(read_shared_prefix([adapted], [prompts]), prompts, [adapted] * len(prompts), 1)
        for row, prompt in enumerate(prompts):
            ids = torch.tensor([prompt], device=adapted.backbone.device)
            expected = cast(Any, adapted.model)(input_ids=ids).logits[0, -1].float()
            if not float((state.logits[row] - expected).abs().max()) <= NEAR * float(expected.abs().max()):
                return False
    except torch.OutOfMemoryError:
        raise
    except Exception:  # a model's own code may raise anything if it is not written as expected
        return False
    return True
