"""The next-token loss of an answer, for decoders and encoder-decoders, with and without a soft prompt or a prefix."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from suite.models.stack import Stacked
from suite.training.batches import IGNORE, Batch


def answer_loss(stacked: Stacked, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy summed over the answers' tokens (a scalar). The layout is [prefix][soft][text][pad]."""
    logits, labels = answer_logits(stacked, batch)
    return functional.cross_entropy(
        logits.float().flatten(0, 1),
        labels.flatten(),
        ignore_index=IGNORE,
        reduction="sum",
        label_smoothing=label_smoothing,
    )


def answer_logits(stacked: Stacked, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits [B, C, V] where any row has a label, and those labels [B, C]."""
    embeds, mask = None, batch.attention_mask
    if stacked.soft is not None:
        embeds, mask = stacked.embed(batch.input_ids, mask, side="right")
    inputs: dict[str, Any] = {"input_ids": batch.input_ids} if embeds is None else {"inputs_embeds": embeds}
    inputs |= stacked.behind(len(batch.input_ids))
    if batch.decoder_input_ids is not None:
        inputs |= {"attention_mask": mask, "decoder_input_ids": batch.decoder_input_ids}
        return stacked.model(**inputs, use_cache=False).logits, batch.labels
    # No mask: padding is on the right, where a causal model does not look, and attention is faster without one.
    columns, labels = batch.columns + stacked.soft_length, batch.labels[:, batch.columns]
    if "logits_to_keep" in inspect.signature(stacked.model.forward).parameters:
        # the vocabulary's logits are the largest tensor there is: only where they are needed
        return stacked.model(**inputs, use_cache=False, logits_to_keep=columns).logits, labels
    return stacked.model(**inputs, use_cache=False).logits[:, columns], labels


@contextmanager
def dropout(model: nn.Module, share: float) -> Iterator[None]:
    """Let a model drop `share` while it trains, wherever it can (modules, and attention's own setting)."""
    before: list[tuple[Any, str, float]] = []
    for module in model.modules():
        names = ("p",) if isinstance(module, nn.Dropout) else ("attention_dropout", "dropout")
        before += [(module, name, vars(module)[name]) for name in names if type(vars(module).get(name)) in (int, float)]
    try:
        for module, name, _ in before:
            setattr(module, name, share)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
