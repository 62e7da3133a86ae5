"""Scores of confusion matrices are scikit-learn's, and their standard errors a plain bootstrap's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from suite.core import confusion

metrics = pytest.importorskip("sklearn.metrics")
CLASSES = 3


def drawn(seed: int, n: int = 80) -> tuple[confusion.Counts, list[int], list[int]]:
    """A matrix with the pairs that it counts; an answer of no class is one more class."""
    draw = np.random.default_rng(seed)
    right, said = draw.integers(0, CLASSES, n), draw.integers(0, CLASSES + 1, n)
    said = np.where(draw.random(n) < 0.5, right, said)
    counts = np.zeros((CLASSES, CLASSES + 1), dtype=np.int64)
    np.add.at(counts, (right, said), 1)
    return counts, right.tolist(), said.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_learns(seed: int) -> None:
    counts, right, said = drawn(seed)
    labels = list(range(CLASSES))
    each = metrics.f1_score(right, said, labels=labels, average=None, zero_division=0)
    assert confusion.class_f1(counts) == pytest.approx(each)
    assert [confusion.f1_of(counts, at).value for at in labels] == pytest.approx(each.tolist())
    macro = metrics.f1_score(right, said, labels=labels, average="macro", zero_division=0)
    assert confusion.macro_f1(counts).value == pytest.approx(macro)
    assert confusion.matthews(counts).value == pytest.approx(metrics.matthews_corrcoef(right, said))


def test_matthews_is_zero_where_all_answers_are_alike() -> None:
    counts = np.array([[3, 0, 0], [2, 0, 0]])
    assert confusion.matthews(counts).value == metrics.matthews_corrcoef([0, 0, 0, 1, 1], [0] * 5) == 0


@pytest.mark.parametrize("score", [confusion.macro_f1, lambda counts: confusion.f1_of(counts, 1), confusion.matthews])
def test_standard_errors_are_those_of_resampled_documents(
    score: Callable[[confusion.Counts], confusion.Measured],
) -> None:
    counts, _, _ = drawn(7, 300)
    draws = np.random.default_rng(1).multinomial(300, counts.ravel() / 300, size=500).reshape(500, *counts.shape)
    found = score(counts).stderr
    assert found == pytest.approx(np.std([score(each).value for each in draws]), rel=0.1)


def test_one_document_has_no_standard_error() -> None:
    assert confusion.macro_f1(np.array([[1, 0, 0], [0, 0, 0]])).stderr is None
