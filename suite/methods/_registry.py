"""Which methods there are: suite's own, those of installed packages, and those of a workspace."""

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
    """Suite's own methods, in order."""
    modules = pkgutil.iter_modules(suite.methods.__path__)
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


@cache
def get(name: str) -> Method:
    """One of suite's own methods. Raises SuiteError with their names."""
    if name not in names():
        raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, names()))
    return cast(Method, importlib.import_module(f"suite.methods.{name}"))


@dataclass(frozen=True)
class MethodRegistry:
    """The methods that a spec may name, as they are when they are first asked for; none is loaded before.

    It may be pickled: another process loads the methods from outside again, if their sources are the same there.
    """

    plugins: Plugins = field(default_factory=Plugins)
    """The methods that are not suite's own."""

    @classmethod
    def of(cls, folders: tuple[Path, ...] = ()) -> MethodRegistry:
        """Those of suite, of installed packages, and of a workspace's folders (nearest first) that have `methods/`."""
        return cls(Plugins.of("method", names(), folders))

    @property
    def outside(self) -> Mapping[str, tuple[Origin, ...]]:
        """The methods that are not suite's own, and where each comes from."""
        return self.plugins.origins

    def names(self) -> tuple[str, ...]:
        """Every method, in order."""
        return tuple(sorted({*names(), *self.outside}))

    def origin(self, name: str) -> Origin | None:
        """Where a method comes from; None for suite's own. Raises SuiteError for a name that two methods have."""
        return self.plugins.origin(name)

    def plugin(self, name: str) -> PinnedPlugin | None:
        """A method from outside with the source that it had when it was first asked for; None for suite's own."""
        return self.plugins.plugin(name)

    def source(self, name: str) -> str | None:
        """The hash of the source of a method from outside; None for suite's own, which have versions."""
        plugin = self.plugin(name)
        return None if plugin is None else plugin.source

    def get(self, name: str) -> Method:
        """A method, loaded. Raises SuiteError with the known names, or in one line what is wrong with its module."""
        plugin = self.plugin(name)
        if plugin is not None:
            return checked(plugin.load(), plugin.origin)
        if name not in names():
            raise SuiteError(f"there is no method '{name}'", fix=did_you_mean(name, self.names()))
        return get(name)

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
        ordered: list[Prerequisite] = []
        for part in needed:
            if isinstance(part, Prerequisite):
                below = self.train_steps(part.method, part.config, part.targets, ())
                steps = [replace(step, model=step.model or part.model, field=part.field + step.field) for step in below]
            else:  # the index of a prerequisite, which is among them already
                steps = [Prerequisite(name, config, targets)] if part is SELF and method.train is not None else []
            ordered += [step for step in steps if step not in ordered]
        return ordered

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
