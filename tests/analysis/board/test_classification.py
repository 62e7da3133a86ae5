"""Classes from stored answers: scikit-learn's numbers, and counts that a hand can check."""

from __future__ import annotations

import random

import numpy as np
import pytest

from suite.analysis.board.classification import Tally, classify, confusion_of

LABELS = ("half-true", "mostly true", "pants on fire")
PAIRS = [
    ("half-true", "half-true"), ("half-true", "half-true"), ("half-true", "mostly true"), ("half-true", "[invalid]"),
    ("mostly true", "mostly true"), ("mostly true", "half-true"), ("pants on fire", "half-true"),
]  # fmt: skip


def tallies(pairs: list[tuple[str, str]]) -> list[Tally]:
    return [(target, parsed, pairs.count((target, parsed))) for target, parsed in dict.fromkeys(pairs)]


def drawn(seed: int, n: int = 60) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    answers = (*LABELS, "[invalid]", "something else")
    return [(draw.choice(LABELS), draw.choice(answers)) for _ in range(n)]


def test_the_confusion_matrix_has_a_row_a_class_and_a_last_column_for_other_answers() -> None:
    found = classify(LABELS, [tallies(PAIRS)])
    assert found is not None
    assert found.confusion == ((2, 1, 0, 1), (1, 1, 0, 0), (1, 0, 0, 0))
    assert found.documents == 7


def test_precision_recall_and_f1_are_those_of_a_hand() -> None:
    found = classify(LABELS, [tallies(PAIRS)])
    assert found is not None
    half, mostly, pants = found.classes
    assert (half.support, half.answered) == (4, 4)
    assert (half.precision, half.recall, half.f1) == (50.0, 50.0, 50.0)
    assert (mostly.precision, mostly.recall, mostly.f1) == (50.0, 50.0, 50.0)
    assert (pants.precision, pants.recall, pants.f1) == (0.0, 0.0, 0.0)  # never answered: 0, not undefined
    assert found.macro_f1.value == pytest.approx(100 / 3)
    assert found.accuracy == pytest.approx(300 / 7)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = drawn(seed)
    right, said = zip(*pairs, strict=True)
    found = classify(LABELS, [tallies(pairs)])
    assert found is not None
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        right, said, labels=list(LABELS), zero_division=0
    )
    assert [each.precision for each in found.classes] == pytest.approx(list(100 * precision))
    assert [each.recall for each in found.classes] == pytest.approx(list(100 * recall))
    assert [each.f1 for each in found.classes] == pytest.approx(list(100 * f1))
    assert [each.support for each in found.classes] == list(support)
    assert found.macro_f1.value == pytest.approx(
        100 * metrics.f1_score(right, said, labels=list(LABELS), average="macro", zero_division=0)
    )
    assert found.accuracy == pytest.approx(100 * metrics.accuracy_score(right, said))


def test_a_label_that_is_neither_target_nor_answer_does_not_lower_macro_f1() -> None:
    found = classify(LABELS, [[("half-true", "half-true", 3), ("mostly true", "mostly true", 2)]])
    assert found is not None
    assert found.macro_f1.value == 100.0
    assert found.classes[2].support == 0


def test_the_majority_class_is_the_baseline() -> None:
    found = classify(LABELS, [tallies(PAIRS)])
    assert found is not None
    assert (found.majority, found.majority_share) == ("half-true", pytest.approx(400 / 7))


def test_the_standard_error_of_macro_f1_is_that_of_a_bootstrap() -> None:
    pairs = drawn(3, 300)
    found = classify(LABELS, [tallies(pairs)])
    assert found is not None
    low, high = found.macro_f1.low, found.macro_f1.high
    assert low is not None
    assert high is not None
    draw, resampled = np.random.default_rng(0), []
    for _ in range(400):
        again = classify(LABELS, [[(*pairs[at], 1) for at in draw.integers(0, len(pairs), len(pairs))]])
        assert again is not None
        resampled.append(again.macro_f1.value)
    assert (high - low) / 2 / 1.96 == pytest.approx(np.std(resampled), rel=0.1)


def test_seeds_are_counted_together_and_their_macro_f1_is_averaged() -> None:
    ones = [classify(LABELS, [tallies(drawn(seed))]) for seed in (0, 1)]
    both = classify(LABELS, [tallies(drawn(seed)) for seed in (0, 1)])
    assert both is not None
    assert both.documents == 120
    assert both.macro_f1.over == "documents and seeds"
    assert both.macro_f1.value == pytest.approx(np.mean([each.macro_f1.value for each in ones if each]))
    assert np.array_equal(both.confusion, sum(np.array(each.confusion) for each in ones if each))


def test_equal_documents_leave_macro_f1_as_uncertain_as_once() -> None:
    once, four = classify(LABELS, [tallies(PAIRS)]), classify(LABELS, [tallies(PAIRS * 4)], len(PAIRS))
    assert once is not None
    assert four is not None
    assert four.macro_f1.value == once.macro_f1.value
    assert (four.macro_f1.low, four.macro_f1.high) == pytest.approx((once.macro_f1.low, once.macro_f1.high))


def test_labels_are_read_letter_by_letter_first_and_then_case_and_ends_aside() -> None:
    counts = confusion_of(("C", "c", "C++"), [("C", "C", 1), ("c", "c", 1), (" C++ ", "C++", 1), ("C", " c", 1)])
    assert counts is not None
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_of_several_right_answers_the_one_that_was_given_is_the_class() -> None:
    target = '["half-true", "mostly true"]'
    counts = confusion_of(LABELS, [(target, "mostly true", 1), (target, "pants on fire", 1)])
    assert counts is not None
    assert counts.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_nothing_is_made_up_where_right_answers_are_not_stored() -> None:
    assert classify(LABELS, [[("", "half-true", 3)]]) is None
    assert classify(LABELS, [[]]) is None
    assert classify((), [[("a", "a", 3)]]) is None
