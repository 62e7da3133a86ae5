"""The nodes of a plan: what a step does, what its name is made of, and what it is expected to cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from suite.core.block import Block
from suite.core.hashing import fingerprint
from suite.methods import MethodRegistry
from suite.plugins.pinned import AfterPlugins, PinnedPlugin
from suite.specs import Experiment
from suite.specs.blocks import Track
from suite.tasks.definition import TaskFile


@dataclass(frozen=True)
class StepEstimate:
    """What a step is expected to take, before it has run."""

    tokens: int
    seconds: float
    memory: int
    """Bytes."""


@dataclass(frozen=True)
class Train:
    """Train a method's parameters for some targets."""

    method: str
    config: Block
    targets: Mapping[str, TaskFile]
    track: Track
    seed: int
    parents: tuple[str, ...]
    """Train steps whose artifacts this one builds on, in the method's order."""
    probes: bool = False
    """Whether the track's probes, if it has any, look at the model while this is trained."""
    probed: Mapping[str, TaskFile] = field(default_factory=dict)
    """The tasks that they answer besides the targets."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Parent -> the identity of the base model that it was trained on, where that is another than this step's."""
    methods: MethodRegistry = field(default_factory=MethodRegistry, compare=False, repr=False)
    """Where the method is found."""


@dataclass(frozen=True)
class Routing:
    """What each document is answered with, once a first pass has named the skill that it asks for."""

    task: TaskFile
    """The task that asks for the skill."""
    router: tuple[str, ...]
    """Train steps whose artifacts answer the first pass; none is the base model."""
    stacks: Mapping[str, tuple[str, ...]]
    """Skill -> train steps whose artifacts answer its documents; the base model answers those of any other."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Every train step, once."""
        return tuple(dict.fromkeys([*self.router, *(step for stack in self.stacks.values() for step in stack)]))


Stack = tuple[str, ...] | Routing
"""Train steps whose artifacts are in effect for all documents, or routed document by document."""


@dataclass(frozen=True)
class SelectTry:
    """Score the tries of a sweep on the selection rows, and keep the best one's artifact (ties: first)."""

    tries: tuple[Mapping[str, tuple[str, ...]], ...]
    """For each try, target -> the train steps whose artifacts are in effect when it is answered."""
    candidates: tuple[str, ...]
    """Each try's own train step: the artifact of one of them is kept."""
    targets: Mapping[str, TaskFile]
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """All that is scored or kept."""
        stacks = [step for stacks in self.tries for stack in stacks.values() for step in stack]
        return tuple(dict.fromkeys([*stacks, *self.candidates]))


@dataclass(frozen=True)
class CopyFromTry:
    """Keep the artifact that goes with a choice: the chosen try's prompt beside the chosen try's weights."""

    choice: str
    """The `SelectTry` step."""
    among: tuple[str, ...]
    """Its candidates, one of whose artifacts it kept."""
    candidates: tuple[str, ...]
    """What goes with each of them: the artifact of one of these is kept."""
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """The choice, and all that it was or goes with."""
        return tuple(dict.fromkeys([*self.among, *self.candidates, self.choice]))


@dataclass(frozen=True)
class TakePart:
    """Keep a part of another step's artifact as an artifact: weights without the prompt they were trained with."""

    step: str
    """The train step whose artifact has the part."""
    part: str
    method: str
    """The method of that step."""
    targets: Mapping[str, TaskFile]
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """The step."""
        return (self.step,)


@dataclass(frozen=True)
class Evaluate:
    """Answer a task's documents with a stack of artifacts."""

    stack: tuple[str, ...]
    """Train steps whose artifacts are in effect, in order; none is the base model."""
    task: TaskFile
    shots: int
    documents: int | None
    track: Track
    routes: Routing | None = None
    """Where each document has a stack of its own; `stack` is empty then."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The stack, or the stacks."""
        return self.routes.steps if self.routes else self.stack


Work = Train | SelectTry | CopyFromTry | TakePart | Evaluate


@dataclass(frozen=True)
class Step:
    """One node of the plan, named by a fingerprint of all that can change its result."""

    id: str
    title: str
    work: Work
    key: Mapping[str, Any]
    """What the fingerprint is made of; kept in the store, so that a stale step can say why it is stale."""
    estimate: StepEstimate
    plugins: tuple[PinnedPlugin, ...] = field(default=(), compare=False, repr=False)
    """The methods from outside by which it, and what it builds on, was trained."""

    @classmethod
    def of(
        cls, title: str, work: Work, key: Mapping[str, Any], estimate: StepEstimate, before: Mapping[str, Step]
    ) -> Step:
        """A step after those `before` it, which are given by their ids."""
        own = work.methods.plugin(work.method) if isinstance(work, Train) else None
        plugins = [plugin for parent in work.parents for plugin in before[parent].plugins]
        plugins = list(dict.fromkeys([*plugins, *((own,) if own else ())]))
        return cls(fingerprint(key), title, work, key, estimate, tuple(plugins))

    def __reduce__(self) -> tuple[Any, ...]:
        """Settings and artifacts are of classes of plugins: another process loads these first."""
        return _unpickled, (AfterPlugins(self.plugins), vars(self))

    @property
    def kind(self) -> Literal["train", "evaluate"]:
        """The step's kind, as stored: what leaves an artifact is a train step."""
        return "evaluate" if isinstance(self.work, Evaluate) else "train"

    @property
    def parents(self) -> tuple[str, ...]:
        """The steps that must be done before this one."""
        return self.work.parents


def _unpickled(_: AfterPlugins, fields: Mapping[str, Any]) -> Step:
    return Step(**fields)


@dataclass(frozen=True)
class Link:
    """The part a step plays in an experiment."""

    step: str
    part: Literal["train", "evaluate"]
    role: str | None = None
    shots: int | None = None


@dataclass(frozen=True)
class Planned:
    """An experiment and its steps."""

    experiment: Experiment
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Plan:
    """Experiments over shared steps, in an order in which they can run."""

    experiments: tuple[Planned, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = field(default=())

    def users(self) -> Mapping[str, tuple[str, ...]]:
        """Step id -> the experiments (name, seed) that need it, to tell what is shared."""
        users: dict[str, list[str]] = {step.id: [] for step in self.steps}
        for planned in self.experiments:
            for step in dict.fromkeys(link.step for link in planned.links):
                users[step].append(f"{planned.experiment.name} (seed {planned.experiment.seed})")
        return {step: tuple(names) for step, names in users.items()}
