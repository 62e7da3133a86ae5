"""Task files of any content: they are read, planned with, rendered and scored, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import yaml

from suite.evaluation.evaluate import evaluate_with
from suite.tasks import lm_eval_names
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task, training_examples
from suite.tasks.metadata import Metadata
from tests.fuzz.fuzzing import Answers, corrupted, mutated, survive
from tests.fuzz.test_rows import TASKS, row

KEYS = (
    sorted(lm_eval_names.FIELDS - lm_eval_names.OURS_MAY_NOT_SET.keys())
    + sorted(Metadata.model_fields)
    + ["include", "until"]
)


def written(rng: Random) -> bytes:
    """A task file's bytes."""
    value: dict[str, Any] = yaml.safe_load(rng.choice(TASKS))
    if rng.random() < 0.3:
        value["metadata"] = {**value.get("metadata", {}), "splits": {"test": "test[1:]", "exemplars": "test[:1]"}}
    text = yaml.safe_dump(mutated(value, rng, keys=KEYS), allow_unicode=rng.random() < 0.5, sort_keys=False)
    data = text.encode("utf-8", "surrogatepass")
    return corrupted(data, rng) if rng.random() < 0.15 else data


def test_any_task_file_works_or_is_refused_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "mine").mkdir(parents=True)
    for split in ("train", "test"):
        lines = [json.dumps(row(number)).replace("what", split) for number in range(8)]
        (data / "mine" / f"{split}.jsonl").write_text("\n".join(lines))
    locations = DataLocations.of(data)

    def once(rng: Random) -> None:
        folder = tmp_path / str(rng.random())
        folder.mkdir()
        (folder / "mine.yaml").write_bytes(written(rng))
        task = read_task("mine", [folder])
        if task.training_split:
            training_examples(task, locations)
        evaluate_with(Answers(rng), load_task(task, locations, shots=rng.choice([0, 1])))

    survive("task files", once)
