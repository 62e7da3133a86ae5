"""Trackers follow a run, change nothing of it, and cannot end it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.execution import tracking
from suite.execution.tracking import check_trackers
from suite.results.store import Store
from tests.cli.calls import SMALL, suite
from tests.execution.test_run import results

RUN = [
    "run",
    "specs/promot_rte.yaml",
    "--track=micro",
    *SMALL,
    "--set",
    "method.steps=6",
    "--set",
    "method.stage_one.steps=4",
]
SELECT = ["--set", "method.select_every=3", "--set", "method.schedule=linear"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the same run without trackers."""
    from suite.cli import main

    home = tmp_path_factory.mktemp("plain")
    with pytest.raises(SystemExit):
        main([*RUN, *SELECT, "--home", str(home)])
    return home


def test_tensorboard_has_each_training_step_and_all_scores(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    code, _, err = suite(capsys, *RUN, *SELECT, "--home", tmp_path, "--track-with", "tensorboard")
    folder = tmp_path / "trackers" / "tensorboard"
    assert (code, f"charts: tensorboard --logdir {folder}" in err) == (0, True)
    assert results(tmp_path) == results(plain)  # ids and scores
    (run,) = (folder / "micro").glob("promot_rte-seed0-*")
    events = EventAccumulator(str(run)).Reload()
    with Store.open(tmp_path / "suite.db") as store:
        steps = store.steps(store.step_ids())
        trained = {step: record for step, record in steps.items() if record.kind == "train"}
        curves = {record.title.split()[1]: store.curve(step) for step, record in trained.items()}
        scores = store.scores(list(steps))
    for prefix, method in (("train", "promot"), ("prompt_tuning_rte", "prompt_tuning")):
        losses = {point.step: point.value for point in curves[method] if point.name == "loss"}
        found = {event.step: event.value for event in events.Scalars(f"{prefix}/loss")}
        assert found == pytest.approx(losses, rel=1e-6)
    rates = [event.value for event in events.Scalars("train/learning_rate")]
    assert rates == pytest.approx([rates[0] * (1 - done / 6) for done in range(6)], rel=1e-5)
    selected = {point.step: point.value for point in curves["promot"] if point.name == "selection"}
    assert events.Scalars("train/selection_score")[-1].value == pytest.approx(max(selected.values()))
    (score,) = events.Scalars("rte/0-shot/accuracy")
    assert any(score.value == pytest.approx(each.value) for found in scores.values() for each in found)
    assert {"cb/1-shot/accuracy", "triviaqa/1-shot/normalised_match"} <= set(events.Tags()["scalars"])
    assert len(list((folder / "micro").iterdir())) == 2  # and the pretrained model


class Failing:
    """A tracker without a network."""

    calls = 0

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def start(self) -> None:
        """Nothing yet."""

    def log(self, values: dict[str, float], step: int | None = None) -> None:
        type(self).calls += 1
        raise ConnectionError("no route to\nhost")

    def finish(self) -> None:
        raise AssertionError("it is used no more")


def test_a_tracker_that_fails_warns_once_and_the_run_goes_on(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "wandb", Failing)
    monkeypatch.setattr(tracking, "check_trackers", lambda names: None)
    monkeypatch.setattr("suite.api.running.check_trackers", lambda names: None)
    code, _, err = suite(capsys, *RUN, *SELECT, "--home", tmp_path, "--track-with", "wandb")
    assert code == 0
    assert err.count("wandb gets no more values (ConnectionError: no route to host); the run goes on") == 1
    assert Failing.calls == 1
    assert results(tmp_path) == results(plain)


def test_a_tracker_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SuiteError) as caught:
        check_trackers(["wandb"])
    assert str(caught.value) == "--track-with: wandb is not installed; pip install wandb"


def test_an_unknown_tracker_is_answered_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, *RUN, "--home", tmp_path / "home", "--track-with", "tensorbord")
    assert (code, "no tracker is named 'tensorbord'; did you mean 'tensorboard'?" in err) == (2, True)
    assert not (tmp_path / "home").exists()
