"""Which methods there are: suite's own, those of installed packages, and those of a workspace."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final, cast

import suite.methods
from suite.core.block import Block
from suite.core.errors import SuiteError, did_you_mean
from suite.methods._outside import checked
from suite.methods._protocol import SELF, Dispatch, Method, Part, Prerequisite
from suite.plugins import Origin, added
from suite.plugins.loading import loaded
from suite.plugins.source import Sources

GROUP: Final = "suite.methods"
"""The group of entry points that packages add methods by."""
FOLDER: Final = "methods"
"""The folder of a workspace that does."""


def names() -> tuple[str, ...]:
    """Suite's own methods, in order."""
    found = pkgutil.iter_modules(suite.methods.__path__)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


@cache
def get(name: str) -> Method:
    """One of suite's own methods. Raises SuiteError with their names."""
    if name not in names():
        raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, names()))
    return cast(Method, importlib.import_module(f"suite.methods.{name}"))


@dataclass(frozen=True)
class MethodRegistry:
    """The methods that a spec may name, as they are when they are first asked for; none is loaded before."""

    outside: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """The methods that are not suite's own, and where each comes from."""
    _sources: dict[Origin, Sources] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, folders: tuple[Path, ...] = ()) -> MethodRegistry:
        """Those of suite, of installed packages, and of a workspace's folders (nearest first) that have `methods/`."""
        return cls(added(GROUP, folders, FOLDER))

    def names(self) -> tuple[str, ...]:
        """Every method, in order."""
        return tuple(sorted({*names(), *self.outside}))

    def origin(self, name: str) -> Origin | None:
        """Where a method comes from; None for suite's own. Raises SuiteError for a name that two methods have."""
        origins = self.outside.get(name, ())
        if origins and name in names():
            what = f"adds a method '{name}', which suite has itself"
            raise SuiteError(what, where=str(origins[0]), fix="give it another name")
        if len(origins) > 1:
            what = f"adds a method '{name}', and so does {origins[1]}"
            raise SuiteError(what, where=str(origins[0]), fix="give one of them another name, or remove it")
        return origins[0] if origins else None

    def source(self, name: str) -> str | None:
        """The hash of the source of a method from outside; None for suite's own, which have versions."""
        origin = self.origin(name)
        return None if origin is None else self._source_of(origin).hash

    def get(self, name: str) -> Method:
        """A method, loaded. Raises SuiteError with the known names, or in one line what is wrong with its module."""
        origin = self.origin(name)
        if origin is not None:
            return checked(loaded(origin, self._source_of(origin)), origin)
        if name not in names():
            raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, self.names()))
        return get(name)

    def _source_of(self, origin: Origin) -> Sources:
        if origin not in self._sources:
            self._sources[origin] = origin.sources()
        return self._sources[origin]

    def inherits(self, name: str) -> Mapping[str, str]:
        """Which fields of a method's block start from the track's settings of which other, unless they name one."""
        return dict(getattr(self.get(name).Config, "INHERITS", {}))

    def train_steps(
        self, name: str, config: Block, targets: tuple[str, ...], roles: tuple[str, ...]
    ) -> list[Prerequisite]:
        """Every train step that a method with these settings takes to answer some roles, each once, its own first."""
        method = self.get(name)
        needed: list[Part] = [] if method.train is None else [SELF, *method.prerequisites(config, targets)]
        for role in roles:
            stack = method.stack(config, role, targets)
            needed += [*stack.parts] if isinstance(stack, Dispatch) else [*stack]
        found: list[Prerequisite] = []
        for part in needed:
            if isinstance(part, Prerequisite):
                below = self.train_steps(part.method, part.config, part.targets, ())
                steps = [replace(each, model=each.model or part.model, field=part.field + each.field) for each in below]
            else:  # the index of a prerequisite, which is among them already
                steps = [Prerequisite(name, config, targets)] if part is SELF and method.train is not None else []
            found += [each for each in steps if each not in found]
        return found

    def roles_of(
        self, name: str, config: Block, targets: tuple[str, ...], held_out: tuple[str, ...]
    ) -> dict[str, bool]:
        """Every role that an experiment has to do with, and whether its training rows are used."""
        method = self.get(name)
        roles = {**dict.fromkeys(held_out, False), **dict.fromkeys(targets, method.TRAINS)}
        for stack in (method.stack(config, role, targets) for role in (*targets, *held_out)):
            if isinstance(stack, Dispatch):
                roles.setdefault(stack.role, False)
        for step in self.train_steps(name, config, targets, (*targets, *held_out)):
            roles |= dict.fromkeys(step.targets, True)
        return roles
