"""The workflow that users copy calls commands and options that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.calls import suite

FILE = Path(__file__).parents[1] / "docs" / "suite-check.yml"


def steps() -> list[dict[str, Any]]:
    return list(yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]["check"]["steps"])


def test_every_command_has_the_options_that_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split() for step in steps() for line in str(step.get("run", "")).splitlines()]
    commands = [line for line in lines if line[0] == "suite"]
    assert [line[1] for line in commands] == ["run", "check", "render"]
    for _, command, *rest in commands:
        code, told, _ = suite(capsys, command, "--help")
        assert code == 0
        assert all(word in told for word in rest if word.startswith("--"))


def test_finished_work_is_kept_when_a_later_step_fails() -> None:
    uses = [str(step.get("uses", step.get("name"))).partition("@")[0] for step in steps()]
    save = uses.index("actions/cache/save")
    assert uses.index("actions/cache/restore") < save < uses.index("Judge the claims")
    assert str(steps()[save]["if"]).startswith("always()")
