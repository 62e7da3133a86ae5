"""The pictures of docs/results are those that their numbers give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.figures import RESULTS, _shared_steps, figures


@pytest.fixture(scope="module")
def data() -> Any:
    return json.loads((RESULTS / "figures.json").read_text("utf-8"))


def test_each_picture_is_drawn_from_the_numbers_beside_it(data: Any) -> None:
    drawn = figures(data)
    assert {file.name for file in RESULTS.glob("*.svg")} == set(drawn)
    for name, picture in drawn.items():
        assert (RESULTS / name).read_bytes() == picture, f"run `python -m benchmarks.figures` and look at {name}"


def test_curves_are_drawn_where_they_were_measured() -> None:
    seeds = {"0": [(0, 10.0), (40, 50.0)], "1": [(0, 20.0), (40, 70.0)]}
    rows = {"finetune_wmt14_enfr": {"score:wmt14_enfr@0": seeds, "score:cb@1": seeds}}
    drawn = figures({"curves": {"micro2-probes": rows}, "boards": {}})
    assert b"En-Fr, BLEU" in drawn["figure-5.svg"]
    assert drawn == figures({"curves": {"micro2-probes": rows}, "boards": {}})
    assert drawn != figures({"curves": {"micro2-probes": {}}, "boards": {}})


def test_a_mean_is_over_all_seeds_at_one_step() -> None:
    seeds = {"0": [(0, 10.0), (40, 50.0), (80, 60.0)], "1": [(0, 20.0), (80, 70.0)]}
    assert _shared_steps(seeds) == {"0": [(0, 10.0), (80, 60.0)], "1": [(0, 20.0), (80, 70.0)]}
