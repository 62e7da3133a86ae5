"""Read a batch of prompts in the fastest way that is right for the model, which a trial on a few tokens finds.

A trial compares with whole texts, as each architecture and each version of transformers has its own caches. A model
that supports a shared prefix has passed one already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.recurrent import Recurrent
from suite.inference.state import SHARED, DecoderState, EncoderDecoderState, Ids, State
from suite.inference.whole_texts import WholeTexts, agrees
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone

Reading = Callable[[AdaptedModel, Sequence[Ids]], State]
LENGTHS: Final = (3, 8, 2)
"""Lengths of the trials' prompts."""
_TRIED: WeakKeyDictionary[Backbone, Reading] = WeakKeyDictionary()


def read(adapted: AdaptedModel, prompts: Sequence[Ids]) -> State:
    """Read a batch of prompts, each of at least one token id."""
    if adapted.backbone.shape == "encoder-decoder":
        return EncoderDecoderState([adapted] * len(prompts), prompts)
    if adapted.backbone not in _TRIED:
        _TRIED[adapted.backbone] = fastest(adapted)
    return _TRIED[adapted.backbone](adapted, prompts)


def fastest(adapted: AdaptedModel) -> Reading:
    """The fastest right way of reading a decoder's prompts."""
    if supports_shared_prefix(adapted):
        return DecoderState
    plain = AdaptedModel(adapted.backbone, adapted.model)
    if adapted.backbone.recurrent:
        return Recurrent if agrees(Recurrent, plain, LENGTHS) else WholeTexts
    if not agrees(DecoderState, plain, LENGTHS):
        return WholeTexts
    alone = partial(DecoderState, sharing=False)
    return DecoderState if agrees(DecoderState, plain, LENGTHS, common=SHARED) else alone
