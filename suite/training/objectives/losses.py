"""Next-token loss of answers, for decoders and encoder-decoders, with or without a soft prompt or a prefix."""

from __future__ import annotations

from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn import functional

from suite.models.adapted import AdaptedModel
from suite.models.prefix import cache_of
from suite.training.answer_positions import SUPPORTED, at_answers, model_type, narrowed
from suite.training.data.batches import Batch
from suite.training.dropout import drops
from suite.training.recomputing import recomputes, storing
from suite.training.shards import is_divided

WORTH: Final = 64
"""Minimum number of positions to save before a separate call pays: it goes over all weights once more."""
WORTH_ON_GPU: Final = 4096
"""The same on a GPU, where a call costs more than a few positions; not measured."""


def answer_loss(adapted: AdaptedModel, batch: Batch, label_smoothing: float = 0.0, z_loss: float = 0.0) -> Tensor:
    """Cross-entropy summed over the answers' tokens (a scalar). The layout is prefix, soft prompt, text, padding.

    `z_loss` is the factor of an additional term: the square of each token's log Σ exp(logits) (T5X's).
    """
    logits, labels = answer_logits(adapted, batch)
    loss = functional.cross_entropy(logits.float(), labels, reduction="sum", label_smoothing=label_smoothing)
    return loss + z_loss * logits.float().logsumexp(-1).square().sum() if z_loss else loss


def answer_logits(adapted: AdaptedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits [N, V] at the positions that predict answer tokens, row by row, and those tokens [N]."""
    if adapted.prefix is not None and recomputes(adapted.model):  # a layer that computes again cannot read a cache
        with storing(adapted.model):
            return answer_logits(adapted, batch)
    labels = batch.labels.flatten().index_select(0, batch.answers)
    model, at = adapted.model, batch.answers
    if batch.decoder_input_ids is not None:
        inputs: dict[str, Any] = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if adapted.soft is not None:
            embeds, mask = adapted.embed(batch.input_ids, batch.attention_mask, side="right")
            inputs = {"inputs_embeds": embeds, "attention_mask": mask}
        if batch.even:
            del inputs["attention_mask"]
        inputs |= {"decoder_input_ids": batch.decoder_input_ids, **adapted.prefix_inputs(len(batch.input_ids))}
        with narrowed(model, at):
            return at_answers(model(**inputs, use_cache=False).logits, at), labels
    # No mask: padding is on the right, where causal attention does not look, and attention is faster without a mask.
    inputs, before = _decoder_inputs(adapted, batch)
    if before:
        length = batch.labels.shape[1]
        at = at + (at // length + 1) * before
    with narrowed(model, at):
        return at_answers(model(**inputs, use_cache=False).logits, at), labels


def _decoder_inputs(adapted: AdaptedModel, batch: Batch) -> tuple[dict[str, Any], int]:
    """A decoder's inputs, and the offset of each row's positions against the batch (negative: fewer positions).

    In a causal model, a soft prompt and the common beginning of all prompts have the same keys and values in all rows.
    They are therefore computed once, and all rows continue from them. With dropout, each row must drop different units,
    so each row computes everything.
    """
    rows = len(batch.input_ids)
    shareable = model_type(adapted.model) in SUPPORTED and not adapted.backbone.windowed
    shareable = shareable and not drops(adapted.model) and not recomputes(adapted.model)
    # layers of divided weights gather them for gradients of their outputs only, which keys and values are not
    shareable = shareable and not is_divided(adapted.model)
    shared = batch.shared if shareable and (adapted.soft is not None or _pays(batch)) else 0
    if shared or (shareable and adapted.soft is not None):
        read = _read(adapted, batch.input_ids[:1, :shared])
        return {"input_ids": batch.input_ids[:, shared:], "past_key_values": cache_of(read, rows, "decoder")}, -shared
    if adapted.soft is None:
        return {"input_ids": batch.input_ids, **adapted.prefix_inputs(rows)}, 0
    embeds, _ = adapted.embed(batch.input_ids, batch.attention_mask, side="right")
    return {"inputs_embeds": embeds, **adapted.prefix_inputs(rows)}, adapted.soft_length


def _pays(batch: Batch) -> bool:
    """Whether computing the prompts' common beginning once saves more than the separate call costs."""
    saved, positions = batch.shared * (len(batch.input_ids) - 1), batch.input_ids.numel()
    return saved >= (WORTH if batch.input_ids.device.type == "cpu" else WORTH_ON_GPU) and saved * 8 >= positions


def _read(adapted: AdaptedModel, text: Tensor) -> Tensor:
    """Keys and values [layers, 2, heads, P, width] of prefix, soft prompt and a text [1, T], differentiable."""
    cache = cast(Any, adapted.cache(1))
    decoder = adapted.backbone.model.get_decoder()
    inputs: dict[str, Any] = {"input_ids": text}
    if adapted.soft is not None:
        inputs = {"inputs_embeds": adapted.embed(text, torch.ones_like(text), side="right")[0]}
    decoder(**inputs, past_key_values=cache, use_cache=True)
    return torch.stack([torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers])
