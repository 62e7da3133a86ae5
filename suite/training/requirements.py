"""What a method declares that its training needs, so that planning does not guess from the names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.models.peft_choices import AdapterKind
from suite.models.svf_types import Matrices
from suite.training.config import MOMENTS, Optimisation, Sharding


@dataclass(frozen=True)
class MatrixSelection:
    """Linear maps that the base model must have."""

    field: str
    """The field of the method's block that names them, for messages."""
    names: tuple[str, ...] | None = None
    """Their names (`q_proj`); None if they are not selected by name."""
    kind: Matrices = "all"
    """The kind of linear maps in each block."""


@dataclass(frozen=True)
class GradientSteps:
    """Training by gradient: each step is a forward and a backward pass over one batch of the track's size."""

    steps: int
    examples: int | None = None
    """Examples of each target (a batch is no larger); None: all."""
    shots: int = 0
    """Exemplars before each training input."""
    select_every: int | None = None
    """Steps between scores of the selection rows; None: as the track says."""
    decomposes: bool = False
    """Whether each step recomputes weights from their singular value decompositions."""
    patience: int | None = None
    """Selections without a better score after which training stops; None: as the track says."""
    moments: float = 2
    """Numbers of 4 bytes that the optimiser keeps for each trained one: 2 for AdamW, about 0 for Adafactor."""


@dataclass(frozen=True)
class CandidateSearch:
    """A search without gradients: each candidate answers a few examples."""

    candidates: int
    shots: int
    """Number of examples that each candidate answers."""


@dataclass(frozen=True)
class Requirements:
    """What a train step with some settings needs. The defaults are those of a step without training."""

    reserved_positions: int = 0
    """Positions of each input that a soft prompt or a prefix takes."""
    matrices: tuple[MatrixSelection, ...] = ()
    """Linear maps that the base model must have."""
    reward: bool = False
    """Whether training scores the model's own answers one by one."""
    retention: bool = False
    """Whether training uses the track's retention data (`job.retention`)."""
    mix: Mapping[str, float] | None = None
    """Ratio of the targets' examples in a batch; None: pooled."""
    full_weights: bool = False
    """Whether the step reads or changes the base's own weights, so that these cannot be in 4 or 8 bits."""
    probes: bool = False
    """Whether the track's probes measure the model during training (`job.probe`). Only then are probes part of the
    step's name and of the job."""
    rank: int | None = None
    """Rank of the update of each matrix; None: the method trains no low-rank updates."""
    cost: GradientSteps | CandidateSearch | None = None
    """Where most of the time goes; None: the step only combines its prerequisites' artifacts."""
    adapter: AdapterKind | None = None
    """The kind of PEFT adapter that is trained."""
    sharding: Sharding | None = None
    """What several devices that train the step together divide (`budget.shard`); it needs training by `optimise` or
    `fit`. None: the step is for one device."""
    usual_maps: bool = False
    """Whether the adapter changes the maps that PEFT chooses for the architecture, if it has a choice."""


def optimisation_requirements(
    config: Optimisation,
    *,
    reserved_positions: int = 0,
    matrices: tuple[MatrixSelection, ...] = (),
    decomposes: bool = False,
    rank: int | None = None,
    full_weights: bool = False,
    adapter: AdapterKind | None = None,
    usual_maps: bool = False,
    sharding: Sharding | None = None,
) -> Requirements:
    """The requirements of `optimise` for the settings that all trained methods share, and those that a method adds."""
    return Requirements(
        reserved_positions,
        matrices,
        reward=config.rewarded,
        mix=config.mix,
        full_weights=full_weights,
        probes=True,
        rank=rank,
        cost=GradientSteps(
            config.steps, config.examples, config.shots, config.select_every, decomposes, config.patience,
            moments=MOMENTS[config.optimizer],
        ),
        adapter=adapter,
        usual_maps=usual_maps,
        sharding=sharding,
    )  # fmt: skip


def named_matrices(chosen: tuple[str, ...] | str | None, field: str = "target_modules") -> tuple[MatrixSelection, ...]:
    """The matrices that a field names; empty if PEFT chooses or all are used."""
    return (MatrixSelection(field, chosen),) if isinstance(chosen, tuple) else ()
