"""Dropout of a model, set temporarily in all modules that have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from torch import nn

UNITS: Final = ("attention_dropout", "dropout", "hidden_dropout")
"""Settings of modules that drop units by themselves."""
OTHERS: Final = ("layerdrop", "activation_dropout", "jitter_noise", "input_jitter_noise", "router_jitter_noise")
"""Settings of modules that leave out layers or add noise in training: no method asks for that."""


def drops(model: nn.Module) -> bool:
    """Whether the model currently drops units."""
    return model.training and any(share for _, _, share in _shares(model))


@contextmanager
def dropout(model: nn.Module, share: float) -> Iterator[None]:
    """Set the model's dropout to `share` for training, in modules and in their own settings, and leave out no layers.

    Everything is restored on exit.
    """
    units, others = _shares(model), _settings(model, OTHERS)
    try:
        for module, name, _ in units:
            setattr(module, name, share)
        for module, name, _ in others:
            setattr(module, name, 0.0)
        yield
    finally:
        for module, name, value in (*units, *others):
            setattr(module, name, value)


def _shares(model: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """All dropout settings, as (module, attribute, share)."""
    drops = _settings(model, UNITS)
    return [*drops, *((module, "p", module.p) for module in model.modules() if isinstance(module, nn.Dropout))]


def _settings(model: nn.Module, names: tuple[str, ...]) -> list[tuple[nn.Module, str, float]]:
    return [
        (module, name, vars(module)[name])
        for module in model.modules()
        if not isinstance(module, nn.Dropout)
        for name in names
        if type(vars(module).get(name)) in (int, float)
    ]
