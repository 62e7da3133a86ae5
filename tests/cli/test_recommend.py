"""`suite recommend`: advice from a store, within limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.results.store import Store
from tests.cli.calls import suite
from tests.leaderboard.filled import BASE, Filling, Method


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(f"sqlite:///{tmp_path}/suite.db") as store:
        filling = Filling(store, documents=60)
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add("cheap", "lora", Method(88.0, 60.0, 0.0, 4.0, 1_000), (0, 1, 2))
        filling.add("forgets", "finetune", Method(99.0, 12.0, 0.9, 6.0, 1_000_000), (0, 1, 2))
    return tmp_path


def test_it_prints_the_advice_the_rows_and_what_is_not_known(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = suite(capsys, "recommend", "--keep", "90%", "--home", home)
    assert code == 0
    assert "Take cheap: rte " in out
    assert "forgets is not considered: keeps " in out
    assert "\nnot known: " in out


def test_as_json_it_has_the_choice_and_every_candidate(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = suite(capsys, "recommend", "--json", "--home", home)
    (advice,) = json.loads(out)
    assert (advice["choice"], advice["target"]) == ("forgets", "rte")
    assert {candidate["name"] for candidate in advice["candidates"]} == {"cheap", "forgets"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "rtee"), "error: target: no row was trained for 'rtee'; did you mean 'rte'?"),
        (("--max-memory", "8 apples"), "error: --max-memory: '8 apples' is no size; write 8GB, or 500MB"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    code, _, err = suite(capsys, "recommend", *options, "--home", home)
    assert (code, err.splitlines()) == (2, [said])
