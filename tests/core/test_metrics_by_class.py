"""`f1` and `mcc`: lm-eval's and scikit-learn's numbers, on choices and on labels of any text."""

from __future__ import annotations

import random

import lm_eval.api.metrics as theirs
import pytest

from suite.core.confusion import Measured
from suite.core.metrics import MetricSettings, metrics, score_of_choices, score_of_labels

sklearn = pytest.importorskip("sklearn.metrics")
LABELS = ("half-true", "mostly true", "pants on fire")


def drawn(seed: int, labels: tuple[str, ...], extra: tuple[str, ...] = ()) -> list[tuple[list[str], str]]:
    draw = random.Random(seed)
    return [([draw.choice(labels)], draw.choice((*labels, *extra))) for _ in range(50)]


def by_choice(name: str, pairs: list[tuple[int, int]], choices: int) -> Measured:
    return score_of_choices(metrics()[name], MetricSettings(), pairs, choices)


def columns(pairs: list[tuple[list[str], str]]) -> tuple[list[str], list[str]]:
    return [references[0] for references, _ in pairs], [answer for _, answer in pairs]


@pytest.mark.parametrize("seed", range(4))
def test_two_choices_are_lm_evals_to_the_digit(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [(draw.randrange(2), draw.randrange(2)) for _ in range(40)]
    assert by_choice("f1", pairs, 2).value == pytest.approx(theirs.f1_score(pairs), abs=1e-12)
    assert by_choice("mcc", pairs, 2).value == pytest.approx(theirs.matthews_corrcoef(pairs), abs=1e-12)


def test_more_choices_which_lm_eval_refuses_are_averaged_over_classes() -> None:
    draw = random.Random(0)
    pairs = [(draw.randrange(3), draw.randrange(3)) for _ in range(40)]
    right, said = zip(*pairs, strict=True)
    assert by_choice("f1", pairs, 3).value == pytest.approx(sklearn.f1_score(right, said, average="macro"))
    assert by_choice("mcc", pairs, 3).value == pytest.approx(sklearn.matthews_corrcoef(right, said))


def test_f1_of_text_labels_is_macro_f1_over_the_labels() -> None:
    pairs = drawn(1, LABELS, ("[invalid]",))
    right, said = columns(pairs)
    wanted = sklearn.f1_score(right, said, labels=list(LABELS), average="macro", zero_division=0)
    assert score_of_labels(metrics()["f1"], MetricSettings(labels=LABELS), pairs).value == pytest.approx(wanted)
    wanted = sklearn.matthews_corrcoef(right, said)
    assert score_of_labels(metrics()["mcc"], MetricSettings(labels=LABELS), pairs).value == pytest.approx(wanted)


def test_f1_with_a_positive_label_is_that_of_its_class() -> None:
    pairs = drawn(2, ("True", "False"), ("[invalid]",))
    right, said = columns(pairs)
    ours = score_of_labels(metrics()["f1"], MetricSettings({"pos_label": "True"}, labels=("True", "False")), pairs)
    wanted = sklearn.f1_score(right, said, labels=["True"], average="macro", zero_division=0)
    assert ours.value == pytest.approx(wanted)
    assert ours.stderr is not None
    assert 0 < ours.stderr < 0.2


def test_of_the_labels_0_and_1_the_positive_one_is_1_as_in_lm_eval() -> None:
    pairs = drawn(3, ("0", "1"))
    numbers = [(int(references[0]), int(answer)) for references, answer in pairs]
    for labels in (("0", "1"), ("1", "0")):
        ours = score_of_labels(metrics()["f1"], MetricSettings(labels=labels), pairs).value
        assert ours == pytest.approx(theirs.f1_score(numbers), abs=1e-12)


def test_a_document_with_several_right_labels_is_right_by_any() -> None:
    pairs = [(["half-true", "mostly true"], "mostly true"), (["pants on fire"], "pants on fire")]
    for name in ("f1", "mcc"):
        assert score_of_labels(metrics()[name], MetricSettings(labels=LABELS), pairs).value == pytest.approx(1.0)


def test_labels_in_other_writing_are_the_same_labels() -> None:
    pairs = [(["1"], "1.0"), (["2"], " 2")]
    assert score_of_labels(metrics()["f1"], MetricSettings(labels=("1", "2")), pairs).value == 1.0
