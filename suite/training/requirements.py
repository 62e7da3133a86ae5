"""What a method says that its training needs, so that planning asks it and never guesses from the names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.models.svf_types import Matrices
from suite.training.config import Optimisation


@dataclass(frozen=True)
class MatrixSelection:
    """Linear maps of the base model that must be there."""

    field: str
    """The field of the method's block that asks for them, as messages name it."""
    names: tuple[str, ...] | None = None
    """Their names (`q_proj`); None where they are not asked for by name."""
    kind: Matrices = "all"
    """Which linear maps of each block."""


@dataclass(frozen=True)
class GradientSteps:
    """Training step by step: one batch of the track's size, a forward and a backward pass for each."""

    steps: int
    examples: int | None = None
    """Examples of each target (a batch is no larger); None: all."""
    shots: int = 0
    """Exemplars before each training input."""
    select_every: int | None = None
    """The selection rows are answered each time after this number of steps; None: as the track says."""
    decomposes: bool = False
    """Whether weights are made anew of their singular value decompositions at each step."""


@dataclass(frozen=True)
class CandidateSearch:
    """A search: each candidate answers a few examples, and nothing is learned by gradient."""

    candidates: int
    shots: int
    """Examples that each candidate answers."""


@dataclass(frozen=True)
class Requirements:
    """What a train step with some settings needs. The default is that of a step that trains nothing."""

    reserved_positions: int = 0
    """Positions of each input that a soft prompt or a prefix takes."""
    matrices: tuple[MatrixSelection, ...] = ()
    """Linear maps that the base model must have."""
    reward: bool = False
    """Whether the model's own answers are scored, one by one, while it trains."""
    mix: Mapping[str, float] | None = None
    """In which ratio a batch holds examples of the targets; None: they are one pool."""
    probes: bool = False
    """Whether the track's probes look at the model while it is trained (`job.probe`); only then are they part of the
    step's name, and only then does the job have them."""
    cost: GradientSteps | CandidateSearch | None = None
    """What most of its time goes into; None: it puts together what its prerequisites left."""


def optimisation_requirements(
    config: Optimisation,
    *,
    reserved_positions: int = 0,
    matrices: tuple[MatrixSelection, ...] = (),
    decomposes: bool = False,
) -> Requirements:
    """What `optimise` needs for the settings that every trained method has, and what a method adds to it."""
    return Requirements(
        reserved_positions,
        matrices,
        reward=config.rewarded,
        mix=config.mix,
        probes=True,
        cost=GradientSteps(config.steps, config.examples, config.shots, config.select_every, decomposes),
    )


def named_matrices(chosen: tuple[str, ...] | str | None, field: str = "target_modules") -> tuple[MatrixSelection, ...]:
    """The matrices that a field names; none where it leaves the choice to PEFT or takes all."""
    return (MatrixSelection(field, chosen),) if isinstance(chosen, tuple) else ()
