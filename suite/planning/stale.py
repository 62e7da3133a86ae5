"""Why a step has to run although a similar one is done: which part of its key changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from suite.planning.steps import Plan

if TYPE_CHECKING:
    from suite.results.store import ResultsReader

MAX_NAMED = 3


def stale_reasons(plan: Plan, statuses: Mapping[str, str], store: ResultsReader) -> dict[str, str]:
    """Step id -> ``stale: budget.batch_size 32 -> 16``, for steps to run whose title a finished step has."""
    waiting = {step.title: step for step in plan.steps if statuses.get(step.id) != "done"}
    reasons: dict[str, str] = {}
    for title, old in store.finished_keys(list(waiting)).items():
        changed = list(_differences(old, waiting[title].key, ()))
        if changed:
            more = f" and {len(changed) - MAX_NAMED} more" if len(changed) > MAX_NAMED else ""
            reasons[waiting[title].id] = f"stale: {', '.join(changed[:MAX_NAMED])}{more}"
    return reasons


def _differences(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(set(old) | set(new)):
            yield from _differences(old.get(key), new.get(key), (*path, key))
    elif old != new:
        shown = [str(value)[:12] for value in (old, new)]
        yield f"{'.'.join(path)} {shown[0]} -> {shown[1]}"
