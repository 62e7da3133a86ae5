"""Names of training curves: what was measured, and of what. Step 0 is before training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Measure = Literal["format", "score"]
Part = Literal["query", "key", "value", "output", "mlp", "embedding", "norm", "head", "prompt", "adapter"]

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
PARTS: Final[tuple[Part, ...]] = get_args(Part)


@dataclass(frozen=True)
class OfTask:
    """A format ratio or a score (0 to 100) of a task at a shot count: ``format:cb@4``."""

    measure: Measure
    role: str
    shots: int


@dataclass(frozen=True)
class OfPart:
    """A cosine (-1 to 1) of the parameters of one kind, of one layer or of all layers: ``cosine:mlp.3``."""

    part: Part
    layer: int | None = None
    """Counted from 0; a decoder's layers follow those of its encoder. None: all parameters of the kind together."""


_TASK = re.compile(rf"({'|'.join(MEASURES)}):((?:lm_eval:)?[A-Za-z0-9][A-Za-z0-9_.+-]*)@(0|[1-9][0-9]*)")
_PART = re.compile(rf"cosine:({'|'.join(PARTS)})(?:\.(0|[1-9][0-9]*))?")


def curve_name(of: OfTask | OfPart) -> str:
    """The name that `read_curve_name` reads. Raises ValueError if a role, part or number cannot be read back."""
    if isinstance(of, OfTask):
        name = f"{of.measure}:{of.role}@{of.shots}"
    else:
        name = f"cosine:{of.part}" + ("" if of.layer is None else f".{of.layer}")
    if read_curve_name(name) != of:
        raise ValueError(f"'{name}' is no name of a curve")
    return name


def read_curve_name(name: str) -> OfTask | OfPart | None:
    """Parse a curve's name; None for other curves, such as `loss`."""
    if found := _TASK.fullmatch(name):
        return OfTask(cast(Measure, found[1]), found[2], int(found[3]))
    if found := _PART.fullmatch(name):
        return OfPart(cast(Part, found[1]), None if found[2] is None else int(found[2]))
    return None
