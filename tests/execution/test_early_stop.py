"""Early stopping on the micro model: less is trained and paid, the record says why, an interruption changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from suite.core.run_dir import RunDir
from suite.execution import session
from suite.planning import Inputs, Step, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite
from tests.models.tiny_budget import Memory, Stop

STILL = ("method.learning_rate=1e-9", "method.select_every=2")
"""Nothing is learned, so that no selection is better than the first."""
EARLY = (*STILL, "method.steps=40", "method.patience=2")


def trained(home: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "suite.db") as store:
        return store.execute("SELECT id, tokens FROM step WHERE kind = 'train'").fetchall()


def test_a_run_that_stops_early_says_so_and_costs_what_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(home: Path, *more: str) -> tuple[str, str]:
        sets = [part for value in more for part in ("--set", value)]
        arguments = ("specs/lora_rte.yaml", "--track=micro", "--home", home, *SMALL, *sets)
        code, out, err = suite(capsys, "run", *arguments, pages=True)
        assert code == 0, err
        return out, err

    said = "stopped after step 6 of 40: 2 selections without a better score than at step 2"
    assert said in run(tmp_path / "early", *EARLY)[1]
    run(tmp_path / "whole", *STILL, "method.steps=40")
    ((step, tokens),), ((_, more),) = trained(tmp_path / "early"), trained(tmp_path / "whole")
    assert 0.8 < (tokens / 6) / (more / 40) < 1.25
    with sqlite3.connect(tmp_path / "early" / "suite.db") as store:
        findings = dict(store.execute("SELECT name, content FROM finding WHERE step_id = ?", (step,)).fetchall())
    assert '"reason": "patience"' in findings["early_stop"]
    (page,) = (tmp_path / "early" / "site").glob("experiments/micro/lora_rte*.html")
    assert f"Seed 0 {said}." in page.read_text(encoding="utf-8")
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--home", tmp_path / "new", *SMALL,
                      "--set", EARLY[1],
                      "--set", EARLY[3])  # fmt: skip
    assert "evaluate: at most about" in " ".join(out.split())


def test_an_interrupted_attempt_stops_where_an_uninterrupted_one_does(specs: Path, tmp_path: Path) -> None:
    sets = (*EARLY, *SMALL[1::2], "budget.checkpoint_minutes=0")
    (step,) = (
        step for step in make_plan(load([specs / "lora_rte.yaml"], Options("micro", sets=sets)), INPUTS).steps
        if step.kind == "train"
    )  # fmt: skip
    whole = attempt(step, tmp_path / "whole", Memory())
    with pytest.raises(Stop):
        attempt(step, tmp_path / "cut", Memory(5))
    log = Memory()
    resumed = attempt(step, tmp_path / "cut", log)
    assert (resumed.artifact.hash, resumed.curve) == (whole.artifact.hash, whole.curve)
    assert [each for each in resumed.findings if each.NAME == "early_stop"] == [
        each for each in whole.findings if each.NAME == "early_stop"
    ]
    assert log.said == [
        "going on after step 4", "stopped after step 6 of 40: 2 selections without a better score than at step 2",
    ]  # fmt: skip


INPUTS = Inputs(DataLocations())


def attempt(step: Step, home: Path, log: Memory) -> session.TrainOutcome:
    work: Any = step.work
    return session.Session(RunDir(home), INPUTS, "cpu").train(step, work, log, {})
