"""Deep merge of layers of settings; each value remembers the line that set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suite.core.yamlfile import Document, Key


@dataclass(frozen=True)
class Layered:
    """Merged settings. Mappings are merged key by key; a later layer replaces all other values, including lists."""

    value: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[Key, str] = field(default_factory=dict)
    """``file:line`` of each key that a layer set."""

    def over(self, value: Mapping[str, Any], origins: Mapping[Key, str]) -> Layered:
        """These settings with another layer on top."""
        return Layered(deep_merge(self.value, value), {**self.origins, **origins})

    def where(self, key: Key) -> str:
        """The line that last set a key, or the nearest key above it; empty if unknown."""
        while key and key not in self.origins:
            key = key[:-1]
        return self.origins.get(key, "")

    def block(self, *path: str) -> Layered:
        """The settings below a key; empty if the key is missing or not a mapping."""
        value: Any = self.value
        for part in path:
            value = value.get(part, {}) if isinstance(value, Mapping) else {}
        inside = {key[len(path) :]: where for key, where in self.origins.items() if key[: len(path)] == path}
        return Layered(value if isinstance(value, Mapping) else {}, inside)

    def without(self, *names: str) -> Layered:
        """All settings except some top-level keys."""
        value = {key: item for key, item in self.value.items() if key not in names}
        return Layered(value, {key: where for key, where in self.origins.items() if not key or key[0] not in names})


def layer_of(document: Document) -> Layered:
    """A YAML file as a layer."""
    origins: dict[Key, str] = {(): f"{document.file}:1"}
    origins.update({key: document.where(key) for key in document.lines})
    return Layered(document.value, origins)


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `above` over `below`, recursively."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = deep_merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged
