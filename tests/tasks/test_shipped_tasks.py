"""Every shipped task file is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.tasks.definition import read_task

FOLDER = Path(__file__).parents[2] / "specs" / "tasks"


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.yaml")))
def test_a_shipped_task_is_sound_and_has_the_name_of_its_file(name: str) -> None:
    task = read_task(name, [FOLDER])
    assert task.name == name
    assert task.config["metric_list"]
