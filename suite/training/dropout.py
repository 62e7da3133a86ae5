"""Dropout of a model, set temporarily in all modules that have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


def drops(model: nn.Module) -> bool:
    """Whether the model currently drops units."""
    return model.training and any(share for _, _, share in _shares(model))


@contextmanager
def dropout(model: nn.Module, share: float) -> Iterator[None]:
    """Set the model's dropout to `share` for training, in modules and in attention's own setting; restore it on
    exit."""
    before = _shares(model)
    try:
        for module, name, _ in before:
            setattr(module, name, share)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _shares(model: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """All dropout settings, as (module, attribute, share)."""
    settings: list[tuple[nn.Module, str, float]] = []
    for module in model.modules():
        names = ("p",) if isinstance(module, nn.Dropout) else ("attention_dropout", "dropout")
        settings += [
            (module, name, vars(module)[name]) for name in names if type(vars(module).get(name)) in (int, float)
        ]
    return settings
