"""The steps of a plan: the work, the key that identifies it, and the estimated cost."""

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
    """The estimated cost of a step before it has run."""

    tokens: int
    seconds: float
    memory: int
    """Bytes."""
    at_most: bool = False
    """Whether training may stop early, so that tokens and seconds may be fewer."""
    artifact: int = 0
    """Bytes of the artifact, which stays."""
    checkpoints: int = 0
    """Bytes of checkpoints at their peak; they go when the step is done."""
    factors: int = 0
    """Bytes of the base model's SVD factors that the step caches; all steps of the model share them."""
    model_here: bool = True
    """Whether the base model was here; without its size, only tokens are estimated."""


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
    """Whether the track's probes, if it has any, measure the model during this training."""
    probed: Mapping[str, TaskFile] = field(default_factory=dict)
    """The held-out tasks that probes answer besides the targets."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Parent -> the identity of the base model that it was trained on, if that differs from this step's."""
    methods: MethodRegistry = field(default_factory=MethodRegistry, compare=False, repr=False)
    """The registry in which the method is found."""
    retention: TaskFile | None = None
    """The task whose training rows stand for pretraining, if the method uses them."""


@dataclass(frozen=True)
class Routing:
    """How each document is answered, after a first pass has found the skill that it needs."""

    task: TaskFile
    """The task that determines the skill."""
    router: tuple[str, ...]
    """Train steps whose artifacts answer the first pass; empty for the base model."""
    stacks: Mapping[str, tuple[str, ...]]
    """Skill -> train steps whose artifacts answer its documents. The base model answers documents of other skills."""

    @property
    def steps(self) -> tuple[str, ...]:
        """All train steps, each once."""
        return tuple(dict.fromkeys([*self.router, *(step for stack in self.stacks.values() for step in stack)]))


Stack = tuple[str, ...] | Routing
"""Train steps whose artifacts are in effect for all documents, or a routing for each document."""


@dataclass(frozen=True)
class SelectTry:
    """Score the tries of a sweep on the selection rows, and keep the best one's artifact (ties: first)."""

    tries: tuple[Mapping[str, tuple[str, ...]], ...]
    """For each try, target -> the train steps whose artifacts are in effect when it is answered."""
    candidates: tuple[str, ...]
    """Each try's own train step; the artifact of one of them is kept."""
    targets: Mapping[str, TaskFile]
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """All steps that are scored or kept."""
        stacks = [step for stacks in self.tries for stack in stacks.values() for step in stack]
        return tuple(dict.fromkeys([*stacks, *self.candidates]))


@dataclass(frozen=True)
class CopyFromTry:
    """Copy the artifact that belongs to a choice, such as the chosen try's prompt beside the chosen try's weights."""

    choice: str
    """The `SelectTry` step."""
    among: tuple[str, ...]
    """Its candidates; it kept the artifact of one of them."""
    candidates: tuple[str, ...]
    """For each of these, the step that belongs to it; the artifact of one of these steps is kept."""
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """The choice, its candidates, and the steps that belong to them."""
        return tuple(dict.fromkeys([*self.among, *self.candidates, self.choice]))


@dataclass(frozen=True)
class TakePart:
    """Save a part of another step's artifact as an artifact, such as weights without their prompt."""

    step: str
    """The train step whose artifact has the part."""
    part: str
    method: str
    """The method of that step."""
    targets: Mapping[str, TaskFile]
    track: Track

    @property
    def parents(self) -> tuple[str, ...]:
        """The step with the whole artifact."""
        return (self.step,)


@dataclass(frozen=True)
class Evaluate:
    """Answer a task's documents with a stack of artifacts."""

    stack: tuple[str, ...]
    """Train steps whose artifacts are in effect, in order; empty for the base model."""
    task: TaskFile
    shots: int
    documents: int | None
    track: Track
    routes: Routing | None = None
    """The routing, if each document has a stack of its own; `stack` is then empty."""

    @property
    def parents(self) -> tuple[str, ...]:
        """All train steps of the stack, or of the routing."""
        return self.routes.steps if self.routes else self.stack


Work = Train | SelectTry | CopyFromTry | TakePart | Evaluate


@dataclass(frozen=True)
class Step:
    """One step of the plan, identified by a fingerprint of everything that can change its result."""

    id: str
    title: str
    work: Work
    key: Mapping[str, Any]
    """The data of the fingerprint. The store keeps it, so that a stale step can show what changed."""
    estimate: StepEstimate
    plugins: tuple[PinnedPlugin, ...] = field(default=(), compare=False, repr=False)
    """The methods from outside that trained this step and the steps it builds on."""

    @classmethod
    def of(
        cls, title: str, work: Work, key: Mapping[str, Any], estimate: StepEstimate, before: Mapping[str, Step]
    ) -> Step:
        """A step after the steps `before` it (id -> step)."""
        own = work.methods.plugin(work.method) if isinstance(work, Train) else None
        plugins = [plugin for parent in work.parents for plugin in before[parent].plugins]
        plugins = list(dict.fromkeys([*plugins, *((own,) if own else ())]))
        return cls(fingerprint(key), title, work, key, estimate, tuple(plugins))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the step after its plugins: another process must load these before settings and artifacts."""
        return _unpickled, (AfterPlugins(self.plugins), vars(self))

    @property
    def kind(self) -> Literal["train", "evaluate"]:
        """The step's kind, as stored: a step that leaves an artifact is a train step."""
        return "evaluate" if isinstance(self.work, Evaluate) else "train"

    @property
    def parents(self) -> tuple[str, ...]:
        """The steps that must be done before this one."""
        return self.work.parents


def _unpickled(_: AfterPlugins, fields: Mapping[str, Any]) -> Step:
    return Step(**fields)


@dataclass(frozen=True)
class Link:
    """The part that a step plays in an experiment."""

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
    """Experiments and their shared steps, in an order in which the steps can run."""

    experiments: tuple[Planned, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = field(default=())

    def users(self) -> Mapping[str, tuple[str, ...]]:
        """Step id -> the experiments, as `name (seed N)`, that need it."""
        users: dict[str, list[str]] = {step.id: [] for step in self.steps}
        for planned in self.experiments:
            for step in dict.fromkeys(link.step for link in planned.links):
                users[step].append(f"{planned.experiment.name} (seed {planned.experiment.seed})")
        return {step: tuple(names) for step, names in users.items()}
