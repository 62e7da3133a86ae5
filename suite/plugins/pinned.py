"""Plugins with their source as it was when they were first requested.

Code is not sent between processes. A plugin is sent as its origin and the hash of its source, and loaded again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from suite.core.errors import SuiteError
from suite.plugins import Origin, added
from suite.plugins.loading import loaded
from suite.plugins.source import COMPILED, Sources


@dataclass(frozen=True)
class PinnedPlugin:
    """A plugin with the hash that its source must have."""

    origin: Origin
    source: str
    """The hash of its module and of the modules of its own package or folder that it imports."""
    read: Sources | None = field(default=None, compare=False, repr=False)
    """The source, if it was read in this process."""

    @classmethod
    def of(cls, origin: Origin) -> PinnedPlugin:
        """A plugin with its current source. Raises SuiteError if it cannot be read."""
        sources = origin.sources()
        return cls(origin, sources.hash, sources)

    def __reduce__(self) -> tuple[Any, ...]:
        return PinnedPlugin, (self.origin, self.source)

    @cached_property
    def sources(self) -> Sources:
        """Its source. Raises SuiteError, in one line, if the source on this machine differs."""
        if self.read is not None:
            return self.read
        sources = self.origin.sources()
        if sources.hash != self.source:
            what = f"has the source {sources.hash} here, and the plan was made with {self.source}"
            raise SuiteError(what, where=str(self.origin), fix="run again, with the same source on every machine")
        return sources

    @property
    def text(self) -> str:
        """The text of its module; empty for a compiled one. Raises SuiteError if the source on this machine differs."""
        module = self.origin.file.stem if self.origin.file else self.origin.module
        return "" if self.sources.files[module].suffix in COMPILED else self.sources.text(module)

    def load(self) -> Any:
        """The object that the origin names. Raises SuiteError, in one line, if the source here differs or is broken."""
        return loaded(self.origin, self.sources)


@dataclass(frozen=True)
class AfterPlugins:
    """Placed in a pickle before objects of plugins' classes, so that the plugins are loaded first."""

    plugins: tuple[PinnedPlugin, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _after, (self.plugins,)


def _after(plugins: tuple[PinnedPlugin, ...]) -> AfterPlugins:
    for plugin in plugins:
        plugin.load()
    return AfterPlugins(plugins)


@dataclass(frozen=True)
class Plugins:
    """The plugins of one kind, by name. A plugin is loaded only when it is requested."""

    kind: str = ""
    """The kind's name in messages, such as `method`."""
    own: frozenset[str] = frozenset()
    """The names that suite itself has of this kind."""
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """Names of plugins -> their origins."""
    _pinned: dict[Origin, PinnedPlugin] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, kind: str, own: Collection[str], folders: Sequence[Path]) -> Plugins:
        """The plugins of entry points `suite.<kind>s` and of subfolders `<kind>s/` of these folders, nearest first."""
        return cls(kind, frozenset(own), added(f"suite.{kind}s", tuple(folders), f"{kind}s"))

    def origin(self, name: str) -> Origin | None:
        """The origin of a plugin; None if there is no such plugin. Raises SuiteError for a name that is used twice."""
        origins = self.origins.get(name, ())
        if origins and name in self.own:
            what = f"adds a {self.kind} '{name}', which suite has itself"
            raise SuiteError(what, where=str(origins[0]), fix="give it another name")
        if len(origins) > 1:
            what = f"adds a {self.kind} '{name}', and so does {origins[1]}"
            raise SuiteError(what, where=str(origins[0]), fix="give one of them another name, or remove it")
        return origins[0] if origins else None

    def plugin(self, name: str) -> PinnedPlugin | None:
        """A plugin with its source from the first request; None without one. Raises SuiteError like `origin`."""
        origin = self.origin(name)
        if origin is None:
            return None
        if origin not in self._pinned:
            self._pinned[origin] = PinnedPlugin.of(origin)
        return self._pinned[origin]
