"""What a model's layers keep of the tokens that they have read."""

from __future__ import annotations

import inspect
from typing import Any, Final

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

KEYS_AND_VALUES: Final = frozenset({DynamicLayer, DynamicSlidingWindowLayer})
"""Layers of a cache that hold keys and values of each position, of all or of the last ones."""


def keeps_states(model: Any) -> bool:
    """Whether some layers keep a state of all that came before, or the model has a cache of its own."""
    if "past_key_values" not in accepted(model):
        return True
    try:
        layers = DynamicCache(config=model.config).layers
    except (AttributeError, KeyError, TypeError, ValueError):  # a configuration that transformers' cache cannot read
        return True
    return any(type(layer) not in KEYS_AND_VALUES for layer in layers)


def accepted(model: Any) -> frozenset[str]:
    """Names of the parameters of a model's `forward`."""
    return frozenset(inspect.signature(model.forward).parameters)
