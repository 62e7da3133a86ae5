"""The small run is judged by specs/claims/regress.yaml, and a broken method is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.specs.claims import read_claims
from tests.regress.small_run import CLAIMS, SPECS, checked, losses, small_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    small_run(folder)
    return folder


def test_every_claim_holds(home: Path) -> None:
    found = checked(home, 0)
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(found, "holds")


def test_a_second_run_has_the_very_same_losses(home: Path, tmp_path: Path) -> None:
    small_run(tmp_path, SPECS[0])
    assert losses(tmp_path) == losses(home)
    (recorded,) = [claim.reproduces for claim in read_claims(CLAIMS).claims if claim.reproduces]
    assert len(losses(home)) == len(recorded.values)


@pytest.mark.numeric
def test_a_method_that_does_not_learn_fails(tmp_path: Path) -> None:
    """A learning rate of next to nothing: the losses stay up, and the target stays at chance."""
    small_run(tmp_path, SPECS[0], sets=("method.learning_rate=1e-12",))
    found = checked(tmp_path, 1)
    failed = {name for name, each in found.items() if each["status"] == "fails"}
    assert {"loss-curve", "finetune-learns", "gains-are-gains"} <= failed
    assert found["finetune-learns"]["high"] < 87
    assert found["promot-learns"]["status"] == "not run"
    assert "'promot_rte' was not run" in found["promot-learns"]["reason"]
