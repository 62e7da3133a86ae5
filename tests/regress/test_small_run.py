"""A small run gives what was recorded: the same loss curves, and scores within what other hardware may change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.regress.small_run import RECORDED, small_run

LOSS_TOLERANCE = 0.02
"""Nats a token: twenty steps on another processor stay well within; a changed batch order or loss does not."""
SCORE_TOLERANCE = 13.0
"""Points of 100: four documents of 32 may flip on another processor."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    return small_run(tmp_path_factory.mktemp("home")), json.loads(RECORDED.read_text(encoding="utf-8"))


def test_the_same_steps_are_run(runs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found, recorded = runs
    assert found["scores"].keys() == recorded["scores"].keys()
    assert found["losses"].keys() == recorded["losses"].keys()


def test_loss_curves_are_reproduced(runs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found, recorded = runs
    for title, losses in recorded["losses"].items():
        assert found["losses"][title] == pytest.approx(losses, abs=LOSS_TOLERANCE), title


def test_scores_are_within_bounds(runs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found, recorded = runs
    far = {
        title: (found["scores"][title], score)
        for title, score in recorded["scores"].items()
        if abs(found["scores"][title] - score) > SCORE_TOLERANCE
    }
    assert not far


def test_the_recorded_run_measures_something(runs: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, recorded = runs
    pretrained = [score for title, score in recorded["scores"].items() if "pretrained" in title]
    assert max(pretrained) > 50
    assert all(losses[0] > losses[-1] for losses in recorded["losses"].values())
