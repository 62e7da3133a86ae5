"""An experiment: spec × track × seed, resolved, validated, immutable."""

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
    """A resolved experiment: to run it, only data and weights have to be loaded."""

    name: str
    source: str
    about: str
    file: str
    """Path of the spec, for messages and for the command that reproduces the row."""
    track: Track
    track_file: Path
    """Path of the track's file, for other specs on the same track."""
    method: str
    config: Block
    """The method's settings. With a sweep, the settings from which the tries start."""
    targets: tuple[str, ...]
    seed: int
    tasks: Mapping[str, TaskFile]
    """Role -> task, for all targets and held-out roles."""
    changes: tuple[str, ...]
    """Keys of the track that the spec or `--set` changed (`budget.batch_size`): the row is not on the track's terms."""
    sets: tuple[str, ...]
    """The `--set` texts, for the command that reproduces the row."""
    tries: tuple[Block, ...] = ()
    """The tries of a sweep, in order: two or more blocks of settings. Empty without a sweep."""
    retention: TaskFile | None = None
    """The task whose training rows stand for pretraining, if the track names one."""
    lines: Mapping[Key, str] = field(default_factory=dict, compare=False, repr=False)
    """``file:line`` of each of the method's settings, of each field of the sweep, of the model and of the chat."""
    methods: MethodRegistry = field(default_factory=MethodRegistry, compare=False, repr=False)
    """The registry of methods for this experiment and its prerequisites."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle so that another process loads the method from outside first: its settings are of that module's
        class."""
        plugin = self.methods.plugin(self.method)
        return _unpickled, (AfterPlugins(() if plugin is None else (plugin,)), vars(self))

    @property
    def configs(self) -> tuple[Block, ...]:
        """The settings to train with: the tries of the sweep, or the only settings."""
        return self.tries or (self.config,)

    @property
    def held_out(self) -> tuple[str, ...]:
        """The held-out roles: the track's without the targets."""
        return tuple(role for role in self.track.held_out.roles if role not in self.targets)

    def field_and_line(self, *path: str) -> tuple[str, str]:
        """The name of a field of the method's block in messages, and the line that set it: the sweep's if there is
        one."""
        dotted = ".".join(path)
        swept = self.lines.get(("sweep", dotted))
        if swept:
            return f"sweep.{dotted}", swept
        keys = [("method", *path[:length]) for length in range(len(path), -1, -1)]
        return f"method.{dotted}", next((self.lines[key] for key in keys if key in self.lines), self.file)

    def resolved(self) -> dict[str, Any]:
        """The experiment as plain data, for `--resolved` and the store.

        With a sweep, `method` has the settings that all tries share and `sweep` lists each try's own.
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
        """Hash of all settings except the seed: experiments of one variant differ only in their seeds."""
        return variant_id(self.resolved())

    @property
    def id(self) -> str:
        """Hash of all settings, including the seed."""
        return experiment_id(self.resolved())


def _unpickled(_: AfterPlugins, fields: Mapping[str, Any]) -> Experiment:
    return Experiment(**fields)


def describe(task: TaskFile) -> dict[str, Any]:
    """What the board shows of a task without reading its file."""
    metadata, plugins = task.metadata, task.plugins
    return {
        "task": task.name,
        "kind": metadata.get("kind"),
        "labels": list(task.labels),
        "chance": metadata.get("chance"),
        "primary": metadata.get("primary"),
        "language": task.language,
        "output_type": task.config.get("output_type", "generate_until"),
        **({"lenient": dict(task.lenient)} if task.lenient else {}),
        **({"metrics": {name: dict(plugin.origin.described()) for name, plugin in plugins.items()}} if plugins else {}),
    }
