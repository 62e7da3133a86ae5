"""A folder of small task files and a data folder with rows for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.tasks.data import DataLocations

GOOD = """\
task: colours
training_split: train
test_split: test
doc_to_text: "Q: {{question}} A:"
doc_to_target: "{{answers}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list: [{name: answer, filter: [{function: cut_answer, prefix: "Q:"}, {function: take_first}]}]
metric_list: [{metric: normalised_match, aggregation: mean, higher_is_better: true}]
metadata: {folder: colours, kind: qa, chance: 0.0}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a task file (by default a right one, with replacements) and give its folder."""

    def writes(name: str = "colours", text: str = GOOD, **changes: str) -> Path:
        for old, new in changes.items():
            text = text.replace(old, new)
        folder = tmp_path / "tasks"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return folder

    return writes


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., DataLocations]:
    """Write splits as `train=rows` and give the data folder."""

    def writes(dataset: str = "colours", **splits: list[dict[str, object]]) -> DataLocations:
        for split, rows in splits.items():
            file = tmp_path / "data" / dataset / f"{split}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return DataLocations.of(tmp_path / "data")

    return writes
