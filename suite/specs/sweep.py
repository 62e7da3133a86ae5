"""A sweep: lists of values for fields of the method block become tries, each a complete block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from suite.core.block import Block
from suite.core.errors import Problem
from suite.core.yamlfile import Key
from suite.specs.blocks import Sweep
from suite.specs.merge import Layered
from suite.specs.validate import validate

MOST_TRIES = 64
"""Limit for the product of the lists, which grows quickly."""


def expand(
    kind: type[Block], settings: Layered, sweep: Mapping[str, Sequence[Any]], spec: Layered, *, sound: bool = True
) -> tuple[tuple[Block, ...], list[Problem]]:
    """The tries of a sweep (dotted field -> values) over a method's settings: the product, the last field fastest.

    Returns no tries and the problems if a value is wrong, there is only one try, or two tries are the same. If the
    settings are not `sound`, their own problems are reported elsewhere, and only those of swept fields are returned.
    """
    where, count = spec.where(("sweep",)), math.prod(map(len, sweep.values()))
    if count < 2:
        return (), [Problem(where, "sweep: is one try, with nothing to choose from", "write it under `method:`")]
    if count > MOST_TRIES:
        return (), [Problem(where, f"sweep: makes {count} tries", f"at most {MOST_TRIES} are allowed")]
    tries: list[Block] = []
    problems: list[Problem] = []
    for indices in product(*(range(len(values)) for values in sweep.values())):
        tried = settings
        for name, index in zip(sweep, indices, strict=True):
            tried = _with(tried, name, index, sweep[name][index], spec)
        block, wrong = validate(kind, tried, ("sweep",))
        problems += wrong if sound else [problem for problem in wrong if _is_swept(problem, sweep)]
        tries += [block] if block else []
    problems = list(dict.fromkeys(problems)) or (_repeated(tries, where) if sound else [])
    return ((), problems) if problems else (tuple(tries), [])


def readable(sweep: Any) -> Sweep | None:
    """The sweep of a spec that has other faults; None if the sweep is faulty itself, which is reported elsewhere."""
    try:
        return TypeAdapter(Sweep | None, config=Block.model_config).validate_python(sweep)
    except ValidationError:
        return None


def _is_swept(problem: Problem, sweep: Iterable[str]) -> bool:
    path = problem.what.partition(": ")[0]
    return any(path == f"sweep.{name}" or path.startswith(f"sweep.{name}.") for name in sweep)


def _with(settings: Layered, name: str, index: int, value: Any, spec: Layered) -> Layered:
    """The settings with one field set to one value of the sweep's list."""
    path, here = tuple(name.split(".")), ("sweep", name, index)
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    origins: dict[Key, str] = {path: spec.where(here)}
    origins |= {(*path, *key[3:]): line for key, line in spec.origins.items() if key[:3] == here}
    return settings.over(nested, origins)


def _repeated(tries: Sequence[Block], where: str) -> list[Problem]:
    """A problem if two tries would be the same train step. Settings without effect do not count as a difference."""
    earlier: list[dict[str, Any]] = []
    for number, attempt in enumerate(tries, 1):
        settings = attempt.model_dump(mode="json")
        if settings in earlier:
            what = f"sweep: tries {earlier.index(settings) + 1} and {number} are the same"
            return [Problem(where, what, "sweep fields that are in effect, and give each value once")]
        earlier.append(settings)
    return []
