"""The methods that exist: those of this package, of installed packages, and of a workspace."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import cast

import suite.methods
from suite.core.block import Block
from suite.core.errors import SuiteError, did_you_mean
from suite.methods._outside import checked
from suite.methods._protocol import SELF, Dispatch, Method, Part, Prerequisite
from suite.plugins import Origin
from suite.plugins.pinned import PinnedPlugin, Plugins


def names() -> tuple[str, ...]:
    """Names of this package's methods, sorted."""
    return _names_in(tuple(suite.methods.__path__))


@cache
def _names_in(folders: tuple[str, ...]) -> tuple[str, ...]:
    modules = pkgutil.iter_modules(folders)
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


@cache
def get(name: str) -> Method:
    """One of this package's methods. Raises SuiteError, with the known names, for another name."""
    if name not in names():
        raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, names()))
    return cast(Method, importlib.import_module(f"suite.methods.{name}"))


@dataclass(frozen=True)
class MethodRegistry:
    """The methods that a spec may name. A method is loaded when it is first used.

    The registry can be pickled: another process loads methods from outside again if their sources are the same there.
    """

    plugins: Plugins = field(default_factory=Plugins)
    """The methods from outside."""

    @classmethod
    def of(cls, folders: tuple[Path, ...] = ()) -> MethodRegistry:
        """The registry of this package's methods, of installed packages, and of `methods/` in some folders (nearest
        first)."""
        return cls(Plugins.of("method", names(), folders))

    @property
    def outside(self) -> Mapping[str, tuple[Origin, ...]]:
        """Name -> where each method from outside comes from."""
        return self.plugins.origins

    def names(self) -> tuple[str, ...]:
        """The names of all methods, sorted."""
        return tuple(sorted({*names(), *self.outside}))

    def origin(self, name: str) -> Origin | None:
        """Where a method comes from; None for this package's own. Raises SuiteError if two methods have the name."""
        return self.plugins.origin(name)

    def plugin(self, name: str) -> PinnedPlugin | None:
        """A method from outside with its source as it was at first use; None for this package's own."""
        return self.plugins.plugin(name)

    def source(self, name: str) -> str | None:
        """Hash of the source of a method from outside; None for this package's own methods, which have versions."""
        plugin = self.plugin(name)
        return None if plugin is None else plugin.source

    def get(self, name: str) -> Method:
        """Load a method. Raises SuiteError for an unknown name, or with the fault of its module in one line."""
        plugin = self.plugin(name)
        if plugin is not None:
            return checked(plugin.load(), plugin.origin)
        if name not in names():
            raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, self.names()))
        return get(name)

    def inherits(self, name: str) -> Mapping[str, str]:
        """Field of a method's block -> the method whose track settings it starts from, unless the field names
        another."""
        return dict(getattr(self.get(name).Config, "INHERITS", {}))

    def train_steps(
        self, name: str, config: Block, targets: tuple[str, ...], roles: tuple[str, ...]
    ) -> list[Prerequisite]:
        """All train steps that a method with these settings needs to answer some roles: each once, its own first."""
        method = self.get(name)
        needed: list[Part] = [] if method.train is None else [SELF, *method.prerequisites(config, targets)]
        for role in roles:
            stack = method.stack(config, role, targets)
            needed += [*stack.parts] if isinstance(stack, Dispatch) else [*stack]
        ordered: list[Prerequisite] = []
        for part in needed:
            if isinstance(part, Prerequisite):
                below = self.train_steps(part.method, part.config, part.targets, ())
                steps = [replace(step, model=step.model or part.model, field=part.field + step.field) for step in below]
            else:  # the index of a prerequisite, which is already among them
                steps = [Prerequisite(name, config, targets)] if part is SELF and method.train is not None else []
            ordered += [step for step in steps if step not in ordered]
        return ordered

    def roles_of(
        self, name: str, config: Block, targets: tuple[str, ...], held_out: tuple[str, ...]
    ) -> dict[str, bool]:
        """All roles that an experiment uses -> whether it uses their training rows."""
        method = self.get(name)
        roles = {**dict.fromkeys(held_out, False), **dict.fromkeys(targets, method.TRAINS)}
        for stack in (method.stack(config, role, targets) for role in (*targets, *held_out)):
            if isinstance(stack, Dispatch):
                roles.setdefault(stack.role, False)
        for step in self.train_steps(name, config, targets, (*targets, *held_out)):
            roles |= dict.fromkeys(step.targets, True)
        return roles
