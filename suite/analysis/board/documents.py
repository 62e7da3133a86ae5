"""The documents that evaluations share, clusters of equal documents, and the exact test of two evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.samples import Evaluated
from suite.results.store import ResultsReader
from suite.stats import Clusters

FULL = 100.0
"""The largest possible difference on one document."""


class Incomparable(Exception):
    """Two scores measure different things, so their difference means nothing."""


def in_common(
    store: ResultsReader, key: tuple[str, int], steps: Mapping[str, Evaluated]
) -> dict[str, NDArray[np.int64]]:
    """Step -> the indices of the shared documents; empty if all documents are shared.

    Documents are matched by number if the data are equal, otherwise by content. Raises Incomparable if no document is
    shared.
    """
    if len({str(evaluation.config.get("data")) for evaluation in steps.values()}) == 1:
        names: dict[str, list[object]] = {step: evaluation.documents.tolist() for step, evaluation in steps.items()}
        first, *rest = [evaluation.documents for evaluation in steps.values()]
        if all(np.array_equal(first, other) for other in rest):
            return {}
    else:
        hashes = {step: dict(pairs) for step, pairs in store.documents(list(steps)).items()}
        names = {
            step: _numbered([hashes[step][document] for document in steps[step].documents.tolist()]) for step in steps
        }
    shared = set.intersection(*(set(of_step) for of_step in names.values()))
    if not shared:
        raise Incomparable(f"{key[0]} {key[1]}-shot: no documents in common")
    index_of = {step: {name: index for index, name in enumerate(of_step)} for step, of_step in names.items()}
    order = [name for name in next(iter(names.values())) if name in shared]
    return {step: np.array([indices[name] for name in order]) for step, indices in index_of.items()}


def _numbered(hashes: Sequence[str]) -> list[object]:
    """Names of documents: content hash and occurrence number, so that equal documents are distinct."""
    occurrences: dict[str, int] = {}
    names: list[object] = []
    for content in hashes:
        occurrences[content] = occurrences.get(content, 0) + 1
        names.append((content, occurrences[content]))
    return names


def same_of(steps: Mapping[str, Evaluated], indices: Mapping[str, NDArray[np.int64]]) -> Clusters | None:
    """The clusters of equal documents among the shared ones; None if all differ.

    Hashes in old records may find fewer equal documents.
    """
    clusters = [
        evaluation.same if evaluation.same is None or step not in indices else evaluation.same.subset(indices[step])
        for step, evaluation in steps.items()
    ]
    return min((same for same in clusters if same is not None), key=lambda same: same.count, default=None)


def exact_p(first: Evaluated, second: Evaluated) -> tuple[float, bool] | None:
    """McNemar's exact p for the first minus the second, and whether documents have unequal weights.

    None if the documents differ, or if scores are not all 0 or 100.
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
