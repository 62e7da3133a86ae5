"""The next-token loss of an answer, for decoders and encoder-decoders, with and without a soft prompt or a prefix."""

from __future__ import annotations

from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn import functional

from suite.models.adapted import AdaptedModel
from suite.models.prefix import cache_of
from suite.training.data.batches import Batch
from suite.training.dropout import drops
from suite.training.objectives.answer_positions import SUPPORTED, at_answers, model_type, narrowed

WORTH: Final = 64
"""Positions that must be saved before a call of its own pays, which goes over all weights once more."""
WORTH_ON_GPU: Final = 4096
"""The same where a call costs more than a few positions; not measured."""


def answer_loss(adapted: AdaptedModel, batch: Batch, label_smoothing: float = 0.0, z_loss: float = 0.0) -> Tensor:
    """Cross-entropy summed over the answers' tokens (a scalar). The layout is prefix, soft prompt, text, padding.

    With a `z_loss`, that factor times the square of each token's log Σ exp(logits) is added (T5X's).
    """
    logits, labels = answer_logits(adapted, batch)
    loss = functional.cross_entropy(logits.float(), labels, reduction="sum", label_smoothing=label_smoothing)
    return loss + z_loss * logits.float().logsumexp(-1).square().sum() if z_loss else loss


def answer_logits(adapted: AdaptedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits [N, V] where an answer's tokens are to come, row by row, and those tokens [N]."""
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
    # No mask: padding is on the right, where a causal model does not look, and attention is faster without one.
    inputs, before = _decoder_inputs(adapted, batch)
    if before:
        length = batch.labels.shape[1]
        at = at + (at // length + 1) * before
    with narrowed(model, at):
        return at_answers(model(**inputs, use_cache=False).logits, at), labels


def _decoder_inputs(adapted: AdaptedModel, batch: Batch) -> tuple[dict[str, Any], int]:
    """A decoder's inputs, and how many positions more than in the batch each row has there (fewer: below 0).

    A causal model reads a soft prompt and what all prompts begin with alike in all rows, so these are read once, and
    the rows stand behind their keys and values. Where units are dropped, they are to be others in each row, and each
    reads all by itself.
    """
    rows = len(batch.input_ids)
    shareable = model_type(adapted.model) in SUPPORTED and not adapted.backbone.windowed and not drops(adapted.model)
    shared = batch.shared if shareable and (adapted.soft is not None or _pays(batch)) else 0
    if shared or (shareable and adapted.soft is not None):
        read = _read(adapted, batch.input_ids[:1, :shared])
        return {"input_ids": batch.input_ids[:, shared:], "past_key_values": cache_of(read, rows, "decoder")}, -shared
    if adapted.soft is None:
        return {"input_ids": batch.input_ids, **adapted.prefix_inputs(rows)}, 0
    embeds, _ = adapted.embed(batch.input_ids, batch.attention_mask, side="right")
    return {"inputs_embeds": embeds, **adapted.prefix_inputs(rows)}, adapted.soft_length


def _pays(batch: Batch) -> bool:
    """Whether reading once what all prompts begin with saves more than a call of its own costs."""
    saved, positions = batch.shared * (len(batch.input_ids) - 1), batch.input_ids.numel()
    return saved >= (WORTH if batch.input_ids.device.type == "cpu" else WORTH_ON_GPU) and saved * 8 >= positions


def _read(adapted: AdaptedModel, text: Tensor) -> Tensor:
    """Keys and values [layers, 2, heads, P, width] of the prefix, the soft prompt and a text [1, T], differentiable."""
    cache = cast(Any, adapted.cache(1))
    decoder = adapted.backbone.model.get_decoder()
    inputs: dict[str, Any] = {"input_ids": text}
    if adapted.soft is not None:
        inputs = {"inputs_embeds": adapted.embed(text, torch.ones_like(text), side="right")[0]}
    decoder(**inputs, past_key_values=cache, use_cache=True)
    return torch.stack([torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers])
