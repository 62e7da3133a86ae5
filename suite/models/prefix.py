"""A prefix: keys and values before the text in every attention layer, as a cache to continue from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, EncoderDecoderCache

from suite.core.errors import SuiteError
from suite.models.architecture import INSTEAD, no_prefix, prefix_obstacle
from suite.models.backbone import Backbone, Shape


def cache_of(prefix: Tensor | None, rows: int, shape: Shape) -> Cache:
    """A new cache for a batch of `rows`: empty, or with a prefix [layers, 2, heads, P, width].

    As in PEFT, an encoder-decoder has the prefix in its decoder's self-attention; cross-attention is unchanged.
    """
    held = None if prefix is None else [layer.unsqueeze(1).expand(-1, rows, -1, -1, -1).unbind() for layer in prefix]
    if shape == "encoder-decoder":
        return EncoderDecoderCache(DynamicCache(held), DynamicCache())
    return DynamicCache(held)


@torch.no_grad()
def key_value_shape(backbone: Backbone) -> tuple[int, int, int]:
    """(layers, key/value heads, width of a head) of the decoder's self-attention, as the model caches them.

    Raises SuiteError for a model whose layers differ, keep a state, or see only a fixed number of positions.
    """
    model: Any = backbone.model
    obstacle = prefix_obstacle(model.config.to_dict())
    if obstacle is None and backbone.windowed:
        obstacle = "some layers of this model attend only to the last positions"
    if obstacle is not None:
        raise SuiteError(no_prefix(obstacle), fix=INSTEAD)
    ids = torch.ones(1, 1, dtype=torch.long, device=model.get_input_embeddings().weight.device)
    extra = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    cache = model(input_ids=ids, use_cache=True, **extra).past_key_values
    cache = cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache
    shapes = {(layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3]) for layer in cache.layers}
    heads, width, other = next(iter(shapes))
    if len(shapes) > 1 or width != other:
        raise SuiteError(no_prefix("its layers have keys and values of several shapes"), fix=INSTEAD)
    return len(cache.layers), heads, width


def fitting_prefix(vectors: Tensor, backbone: Backbone) -> Tensor:
    """A prefix on the model's device. Raises SuiteError if it does not have the shape of the model's keys and
    values."""
    layers, heads, width = key_value_shape(backbone)
    if vectors.ndim != 5 or (*vectors.shape[:3], vectors.shape[4]) != (layers, 2, heads, width):
        wanted = f"[{layers}, 2, {heads}, length, {width}]"
        raise SuiteError(f"a prefix of shape {list(vectors.shape)} does not fit keys and values of {wanted}")
    return vectors.detach().to(backbone.device)
