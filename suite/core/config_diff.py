"""Compare settings: what they share, what each has of its own, and a short description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def split(settings: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values that all settings (one or more) share, key by key, and the remaining values of each. Merging the two
    gives the original settings."""
    shared: dict[str, Any] = {}
    own: list[dict[str, Any]] = [{} for _ in settings]
    for key in dict.fromkeys(key for each in settings for key in each):
        values = [each.get(key) for each in settings]
        everywhere = all(key in each for each in settings)
        if everywhere and all(value == values[0] for value in values):
            shared[key] = values[0]
        elif everywhere and all(isinstance(value, Mapping) for value in values):
            shared[key], rests = split([each[key] for each in settings])
            for mine, rest in zip(own, rests, strict=True):
                mine |= {key: rest} if rest else {}
        else:
            for mine, each in zip(own, settings, strict=True):
                mine |= {key: each[key]} if key in each else {}
    return shared, own


def describe(settings: Mapping[str, Any]) -> str:
    """Describe settings in one line: ``learning_rate 0.001, prompt.length 8``."""
    return ", ".join(f"{path} {value}" for path, value in _flat(settings, ""))


def _flat(settings: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
