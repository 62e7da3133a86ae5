"""What a plan says of a machine with several devices."""

from __future__ import annotations

import pytest

import suite
from suite.api.timetable import timetable_on
from suite.cli.commands.memory import show_timetable


def test_a_plan_tells_what_runs_side_by_side_and_what_is_sharded(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml")
    alone = suite.plan(suite.load_spec(*files), home=str(tmp_path))
    one, eight = timetable_on(alone, "1xH100-80GB"), timetable_on(alone, "8xH100-80GB")
    total = sum(step.seconds for step in alone.steps())
    assert one.seconds == pytest.approx(total)
    assert one.most_at_once == 1
    assert eight.in_turn == pytest.approx(total)
    assert eight.longest_chain <= eight.seconds < one.seconds
    assert 2 < eight.most_at_once <= 8
    assert eight.sharded == ()

    sharded = suite.plan(suite.load_spec(*files, overrides={"budget.shard": 4}), home=str(tmp_path))
    times = timetable_on(sharded, "8xH100-80GB")
    assert {step.title for step in times.sharded} == {step.title for step in sharded.plan.steps if step.kind == "train"}
    devices = {entry.step: entry.devices for entry in times.entries}
    assert {len(devices[step.id]) for step in times.sharded} == {4}
    show_timetable(times)
    said = capsys.readouterr().out
    assert said.count("sharded over 4 of 8 devices: train ") == 2
    assert "8 H100 with `--workers auto`: up to" in said.replace("\n", " ")
