"""Whole workspaces of odd rows and task files: they are planned, right answers and leaks included, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import yaml

from suite.planning import Inputs, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.fuzz.fuzzing import survive
from tests.fuzz.test_rows import TASKS, content, row
from tests.fuzz.test_specs import TRACK
from tests.fuzz.test_task_files import written

OWN = {**TRACK, "roles": {"rte": "mine", "cb": "micro_cb"}}
SPEC = {"name": "own", "track": "own", "method": {"name": "finetune", "steps": 2}, "targets": ["rte"]}


def test_any_workspace_is_planned_or_refused_in_one_line(tmp_path: Path) -> None:
    def once(rng: Random) -> None:
        folder = tmp_path / str(rng.random())
        for name in ("tracks", "tasks", "data/mine"):
            (folder / name).mkdir(parents=True)
        (folder / "tracks" / "own.yaml").write_text(yaml.safe_dump(OWN))
        (folder / "own.yaml").write_text(yaml.safe_dump(SPEC))
        which = rng.random()
        task = written(rng) if which < 0.4 else rng.choice(TASKS).encode()
        (folder / "tasks" / "mine.yaml").write_bytes(task)
        for split, start in (("train", 0), ("test", rng.choice([4, 100, 100]))):
            suffix, data = "jsonl", "\n".join(json.dumps(row(start + number)) for number in range(8)).encode()
            if which > 0.4 and rng.random() < 0.6:
                suffix, data = content(rng, start)
            (folder / "data" / "mine" / f"{split}.{suffix}").write_bytes(data)
        make_plan(load([folder / "own.yaml"], Options()), Inputs(DataLocations.of(folder / "data")))

    survive("workspaces", once)
