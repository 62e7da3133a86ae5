"""About how many bytes a train step writes: its artifact, which stays, and checkpoints, which go when it is done."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.methods import Family
from suite.models.source import LocatedModel
from suite.models.svf_types import Matrices, factor_bytes
from suite.models.weight_files import head, weight_files
from suite.planning.memory import NUMBER, ModelMemory
from suite.planning.steps import StepEstimate, Train
from suite.training.config import WeightOptimisation
from suite.training.requirements import GradientSteps, Requirements

MAPS: Final = 7
"""Linear maps of a layer: four of attention, three of the MLP."""
WHOLE: Final = ("full", "two-stage")
"""Families of methods that train all weights."""
_IN_BLOCK: Final = re.compile(r"\.\d+\.(?!.*bias).*weight$")
"""Names of weights in a model's blocks, without tables of relative positions."""
SIDES: Final = 5
"""Inputs and outputs of a linear map together, at most, as a multiple of the model's width."""

Sizes = Mapping[tuple[str, str], tuple[int, int]]
"""(model identity, `shape_of` a step's key) -> bytes of the artifact and number of trained parameters, as stored."""


def shape_of(kind: str, key: Mapping[str, Any]) -> str:
    """The settings of a step that the size of its artifact depends on; its optimiser and its steps are left out."""
    method = key.get("method") or {}
    return json.dumps(
        [kind, {name: value for name, value in method.items() if name not in WeightOptimisation.model_fields}]
    )


def with_disk(
    cost: StepEstimate, work: Train, needs: Requirements, family: Family, sizes: ModelMemory,
    stored: tuple[int, int] | None, parents: Sequence[StepEstimate], model: LocatedModel,
) -> StepEstimate:  # fmt: skip
    """The estimate with the bytes that the step writes. `stored` is what a step of the same shape left and trained."""
    numbers = _numbers(family, needs, sizes)
    rounded = family in WHOLE and work.track.model.dtype == "bfloat16"  # saved as the base has its weights
    artifact = (
        (2 if rounded else NUMBER) * numbers if family != "mixture" else sum(parent.artifact for parent in parents)
    )
    artifact, numbers = stored or (artifact, numbers)
    if family == "singular":
        chosen = needs.matrices[0].kind if needs.matrices else "all"
        cost = replace(cost, factors=_factors_of(model.folder, model.file, model.identity, chosen) or 0)
    steps, rule = needs.cost, work.track.selection
    if not isinstance(steps, GradientSteps) or work.track.budget.checkpoint_minutes is None:
        return replace(cost, artifact=artifact)
    every = steps.select_every or rule.every
    copies = 1 + (every is not None and every < steps.steps) + steps.moments  # now, the best so far, the optimiser's
    return replace(
        cost, artifact=artifact, checkpoints=round(2 * copies * NUMBER * numbers)
    )  # a new one beside the old one


@lru_cache(maxsize=64)
def _factors_of(folder: Path | None, file: Path | None, identity: str, chosen: Matrices) -> int | None:
    """Bytes of the SVD factors of a model's linear maps, by the headers of its weight files; None if they cannot be
    read."""
    if folder is None or file is not None:
        return None
    try:
        shapes = {name: entry["shape"] for each in weight_files(folder) for name, entry in head(each).items()}
    except SuiteError:
        return None
    return sum(
        factor_bytes(*shape)
        for name, shape in shapes.items()
        if len(shape) == 2 and _IN_BLOCK.search(name) and chosen in ("all", "attention" if "att" in name else "mlp")
    )


def _numbers(family: Family, needs: Requirements, sizes: ModelMemory) -> int:
    """Numbers that are trained, by the shape of the model; for adapters, at most."""
    soft = needs.reserved_positions
    if family in WHOLE:
        return sizes.parameters
    if family == "prompt":
        return soft * sizes.width
    if family == "prefix":
        return soft * 2 * sizes.layers * sizes.keys
    named = [name for selection in needs.matrices for name in selection.names or ()]
    maps = sizes.layers * (len(named) or MAPS)
    return maps * SIDES * sizes.width * (needs.rank or 1)
