"""The names of curves."""

from __future__ import annotations

import pytest

from suite.core.curves import MEASURES, PARTS, OfPart, OfTask, curve_name, read_curve_name

TASKS = [
    OfTask(measure, role, shots)
    for measure in MEASURES
    for role in ("cb", "a.b-c_2", "lm_eval:arc_easy")
    for shots in (0, 4)
]
KINDS = [OfPart(part, layer) for part in PARTS for layer in (None, 0, 11)]


@pytest.mark.parametrize("of", [*TASKS, *KINDS], ids=str)
def test_what_a_curve_is_of_is_read_back_from_its_name(of: OfTask | OfPart) -> None:
    assert read_curve_name(curve_name(of)) == of


def test_names_are_those_that_stores_have() -> None:
    assert curve_name(OfTask("format", "cb", 4)) == "format:cb@4"
    assert curve_name(OfPart("mlp", 3)) == "cosine:mlp.3"
    assert curve_name(OfPart("embedding")) == "cosine:embedding"


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "selection",
        "format:cb",
        "format:@1",
        "score:cb@-1",
        "score:cb@01",
        "cosine:",
        "cosine:mlp.x",
        "x:cb@1",
        "cosine:mlp\n",
    ],
)
def test_other_curves_are_left_alone(name: str) -> None:
    assert read_curve_name(name) is None


@pytest.mark.parametrize("of", [OfTask("score", "a@b", 1), OfTask("score", "", 1), OfPart("mlp", -1)], ids=str)
def test_what_no_name_can_tell_is_an_error(of: OfTask | OfPart) -> None:
    with pytest.raises(ValueError, match="no name of a curve"):
        curve_name(of)
