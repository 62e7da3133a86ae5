"""Read a batch of prompts in the way that suits the model."""

from __future__ import annotations

from collections.abc import Sequence

from suite.inference.recurrent import read_recurrent
from suite.inference.state import DecoderState, EncoderDecoderState, Ids, State
from suite.models.adapted import AdaptedModel


def read(adapted: AdaptedModel, prompts: Sequence[Ids]) -> State:
    """Read a batch of prompts, each of at least one token id."""
    if adapted.backbone.shape == "encoder-decoder":
        return EncoderDecoderState([adapted] * len(prompts), prompts)
    if adapted.backbone.recurrent:
        return read_recurrent(adapted, prompts)
    return DecoderState(adapted, prompts)
