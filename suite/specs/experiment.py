"""An experiment: spec × track × seed, fully resolved, validated, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.core.block import Block
from suite.core.config_diff import split
from suite.core.hashing import experiment_id, variant_id
from suite.core.yamlfile import Key
from suite.methods import MethodRegistry
from suite.plugins.pinned import AfterPlugins
from suite.specs.blocks import Track
from suite.tasks.definition import TaskFile


@dataclass(frozen=True)
class Experiment:
    """What will run, with nothing left to look up but data and weights."""

    name: str
    source: str
    about: str
    file: str
    """The spec's path, for messages and for the command that reproduces the row."""
    track: Track
    track_file: Path
    """The track's file, for others that are to run on it."""
    method: str
    config: Block
    """The method's settings; those that the tries start from, where there is a sweep."""
    targets: tuple[str, ...]
    seed: int
    tasks: Mapping[str, TaskFile]
    """Role -> task, for every target and every held-out role."""
    changes: tuple[str, ...]
    """The track's keys that the spec or `--set` changed (`budget.batch_size`): the row is not on the track's terms."""
    sets: tuple[str, ...]
    """The `--set` texts, for the command that reproduces the row."""
    tries: tuple[Block, ...] = ()
    """What a sweep tries, in order: the method's settings, two or more; none without a sweep."""
    lines: Mapping[Key, str] = field(default_factory=dict, compare=False, repr=False)
    """``file:line`` of each setting of the method, of each field of the sweep, and of the model."""
    methods: MethodRegistry = field(default_factory=MethodRegistry, compare=False, repr=False)
    """The methods that it, and what it builds on, may name."""

    def __reduce__(self) -> tuple[Any, ...]:
        """The settings of a method from outside are of its class: another process loads it first."""
        plugin = self.methods.plugin(self.method)
        return _unpickled, (AfterPlugins(() if plugin is None else (plugin,)), vars(self))

    @property
    def configs(self) -> tuple[Block, ...]:
        """The settings that are trained with: the tries of the sweep, or the only ones."""
        return self.tries or (self.config,)

    @property
    def held_out(self) -> tuple[str, ...]:
        """The held-out roles: the track's, less the targets."""
        return tuple(role for role in self.track.held_out.roles if role not in self.targets)

    def field_and_line(self, *path: str) -> tuple[str, str]:
        """A field of the method's block, as messages call it, and where it was set: by the sweep, or else before."""
        dotted = ".".join(path)
        swept = self.lines.get(("sweep", dotted))
        if swept:
            return f"sweep.{dotted}", swept
        keys = [("method", *path[:length]) for length in range(len(path), -1, -1)]
        return f"method.{dotted}", next((self.lines[key] for key in keys if key in self.lines), self.file)

    def resolved(self) -> dict[str, Any]:
        """The experiment as plain data: what `--resolved` prints and the store keeps.

        With a sweep, `method` is what the tries share and `sweep` lists what each has of its own.
        """
        track = self.track.model_dump(mode="json", exclude={"methods", "seeds", "roles"})
        roles = {role: describe(task) for role, task in sorted(self.tasks.items())}
        shared, own = split([config.model_dump(mode="json") for config in self.configs])
        return {
            "name": self.name,
            "source": self.source,
            "about": self.about,
            "method": {"name": self.method, **shared},
            **({"sweep": own} if self.tries else {}),
            "targets": list(self.targets),
            "seed": self.seed,
            "track": track,
            "roles": roles,
            "changes": list(self.changes),
        }

    @property
    def variant(self) -> str:
        """Experiments of one variant differ by their seed only."""
        return variant_id(self.resolved())

    @property
    def id(self) -> str:
        """A hash of all settings, the seed included."""
        return experiment_id(self.resolved())


def _unpickled(_: AfterPlugins, fields: Mapping[str, Any]) -> Experiment:
    return Experiment(**fields)


def describe(task: TaskFile) -> dict[str, Any]:
    """What the board needs to know of a task without reading its file."""
    metadata, plugins = task.metadata, task.plugins
    return {
        "task": task.name,
        "kind": metadata.get("kind"),
        "labels": list(task.labels),
        "chance": metadata.get("chance"),
        "primary": metadata.get("primary"),
        "language": task.language,
        "output_type": task.config.get("output_type", "generate_until"),
        **({"metrics": {name: dict(plugin.origin.described()) for name, plugin in plugins.items()}} if plugins else {}),
    }
