"""Probes: looks at a model in training, which change nothing of what training gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.planning.make import Inputs, make_plan
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite
from tests.execution.test_run import rows

PROBES = "probes={every: 4, roles: [cb, triviaqa], shots: [1], documents: 8, gradients: 6}"
QUICK = [*SMALL, "--set", "method.steps=6", "--set", "method.select_every=3"]
CURVE = "SELECT c.step, value FROM curve_point c JOIN step s ON s.id = c.step_id WHERE c.name = '{}' ORDER BY 1"


@pytest.mark.parametrize("name", ["finetune_rte", "prompt_tuning_rte"])
def test_a_look_changes_nothing_and_finds_what_evaluations_find(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, looked = tmp_path / "plain", tmp_path / "looked"
    for home, more in ((plain, []), (looked, ["--set", PROBES])):
        code, _, err = suite(capsys, "run", shipped() / f"{name}.yaml", "--home", home, *QUICK, *more)
        assert code == 0, err
    assert rows(plain, "SELECT hash FROM artifact") == rows(looked, "SELECT hash FROM artifact")
    known = "SELECT name, step, value FROM curve_point WHERE name IN ('loss', 'selection') ORDER BY 1, 2"
    assert rows(plain, known) == rows(looked, known)
    found = {point for (point,) in rows(looked, "SELECT DISTINCT name FROM curve_point")}
    wanted = {"score:rte@0", "score:cb@1", "score:triviaqa@1", "format:triviaqa@1"}
    assert wanted <= found
    assert not {"format:cb@1", "format:rte@0"} & found  # CB's own answers begin so
    steps = {curve: [step for step, _ in rows(looked, CURVE.format(curve))] for curve in wanted}
    assert set(map(tuple, steps.values())) == {(0, 4, 6)}
    if name == "prompt_tuning_rte":
        assert len({value for _, value in rows(looked, CURVE.format("score:cb@1"))}) == 1
        assert "cosine:prompt" in found
    else:
        assert {"cosine:mlp", "cosine:query.3", "cosine:embedding"} <= found
        assert all(-1 <= value <= 1 for _, value in rows(looked, CURVE.format("cosine:mlp")))


def planned(*sets: str) -> tuple[set[str], set[str]]:
    """Train steps and evaluations of a spec."""
    plan = make_plan(load([shipped() / "promot_rte.yaml"], Options("micro", sets=sets)), Inputs(DataLocations()))
    kinds = {kind: {step.id for step in plan.steps if step.kind == kind} for kind in ("train", "evaluate")}
    return kinds["train"], kinds["evaluate"]


def test_what_is_looked_at_names_a_train_step_and_changes_no_terms() -> None:
    plain, looked, other = planned(), planned(PROBES), planned(PROBES.replace("documents: 8", "documents: 9"))
    assert len(plain[0] | looked[0] | other[0]) == 6
    (experiment,) = load([shipped() / "promot_rte.yaml"], Options("micro", sets=(PROBES,)))
    assert experiment.changes == ()
    assert "probes" not in load([shipped() / "promot_rte.yaml"])[0].resolved()["track"]


def test_only_held_out_tasks_are_looked_at() -> None:
    with pytest.raises(SuiteError, match=r"probes\.roles: 'snli' is not held out on track 'micro'"):
        load([shipped() / "promot_rte.yaml"], Options("micro", sets=("probes={every: 4, roles: [snli]}",)))
