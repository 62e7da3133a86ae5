"""Gradient checkpointing: a layer's activations are not stored but computed again in the backward pass (Chen et al.
2016)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from suite.training.answer_positions import SUPPORTED, model_type


class Recomputing:
    """Whether a model's layers compute their activations again. A context manager, after which they are as before.

    The last layer of a decoder that is computed only at the answers stores its few activations.
    """

    def __init__(self, model: nn.Module, *, begin: bool) -> None:
        self.layers = _layers(model)
        self._begin, self._before = begin, [vars(layer).copy() for layer in self.layers]

    def __enter__(self) -> Recomputing:
        if self._begin:
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        for layer, before in zip(self.layers, self._before, strict=True):
            for name in ("gradient_checkpointing", "_gradient_checkpointing_func"):
                vars(layer).pop(name, None)
                vars(layer).update({name: before[name]} if name in before else {})

    def begin(self) -> bool:
        """Compute activations again from now on. False if they are already, or if the model's layers cannot do it."""
        chosen = [layer for layer in self.layers if not layer.gradient_checkpointing]
        for layer in chosen:
            layer.gradient_checkpointing = True
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
        return bool(chosen)


def recomputes(model: nn.Module) -> bool:
    """Whether a model's layers compute their activations again now. They cannot continue from a cache then."""
    return model.training and any(layer.gradient_checkpointing for layer in _layers(model))


@contextmanager
def storing(model: nn.Module) -> Iterator[None]:
    """Context manager: all layers store their activations."""
    chosen = [layer for layer in _layers(model) if layer.gradient_checkpointing]
    try:
        for layer in chosen:
            layer.gradient_checkpointing = False
        yield
    finally:
        for layer in chosen:
            layer.gradient_checkpointing = True


def _layers(model: nn.Module) -> list[Any]:
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    return layers[:-1] if model_type(model) in SUPPORTED else layers
