"""The documents that evaluations have in common, which of them are equal, and the exact test of two answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.samples import Answered
from suite.results.store import ResultsReader
from suite.stats import Same

FULL = 100.0
"""What one document can differ by."""


class Incomparable(Exception):
    """Two scores that measure different things: their difference means nothing."""


def in_common(
    store: ResultsReader, key: tuple[str, int], steps: Mapping[str, Answered]
) -> dict[str, NDArray[np.int64]]:
    """Step -> the places of the documents that all have (none: all are): by number in equal data, else by content."""
    if len({str(each.asked.get("data")) for each in steps.values()}) == 1:
        names: dict[str, list[object]] = {step: each.documents.tolist() for step, each in steps.items()}
        first, *others = [each.documents for each in steps.values()]
        if all(np.array_equal(first, other) for other in others):
            return {}
    else:
        hashes = {step: dict(pairs) for step, pairs in store.documents(list(steps)).items()}
        names = {step: _told_apart([hashes[step][each] for each in steps[step].documents.tolist()]) for step in steps}
    shared = set.intersection(*(set(each) for each in names.values()))
    if not shared:
        raise Incomparable(f"{key[0]} {key[1]}-shot: no documents in common")
    where = {step: {name: place for place, name in enumerate(each)} for step, each in names.items()}
    order = [name for name in next(iter(names.values())) if name in shared]
    return {step: np.array([places[name] for name in order]) for step, places in where.items()}


def _told_apart(hashes: Sequence[str]) -> list[object]:
    """Documents of equal content by the order in which they come."""
    seen: dict[str, int] = {}
    found: list[object] = []
    for each in hashes:
        seen[each] = seen.get(each, 0) + 1
        found.append((each, seen[each]))
    return found


def same_of(steps: Mapping[str, Answered], places: Mapping[str, NDArray[np.int64]]) -> Same | None:
    """Which of the documents in common are equal; the hashes of old records may tell fewer of them."""
    found = [
        each.same if each.same is None or step not in places else each.same.at(places[step])
        for step, each in steps.items()
    ]
    return min((each for each in found if each is not None), key=lambda each: each.count, default=None)


def exact_p(first: Answered, second: Answered) -> tuple[float, bool] | None:
    """McNemar's exact p of the first less the second, and whether documents weigh differently.

    None where documents differ, or are not right or wrong.
    """
    one, two = first.scores, second.scores
    if one is None or two is None or one.ndim > 1 or not np.array_equal(first.documents, second.documents):
        return None
    same = same_of({"first": first, "second": second}, {})
    if same is not None:
        one, two = same.means(one), same.means(two)
    if not np.isin(np.concatenate([one, two]), (0.0, FULL)).all():
        return None
    p = stats.mcnemar(int((one > two).sum()), int((one < two).sum()))
    return float(p), same is not None and bool(np.ptp(same.sizes))
