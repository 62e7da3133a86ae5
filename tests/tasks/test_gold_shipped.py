"""Right answers are right by the filters and metrics of every shipped task."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.tasks.data import DataLocations, rows
from suite.tasks.definition import TaskFile, read_task, task_names
from suite.tasks.gold import gold
from tests.tasks.test_task_files import SCORED, SHIPPED

SHARED = next(
    (each / "shared" / "data" for each in Path(__file__).parents if (each / "shared" / "data").is_dir()), None
)
"""Real data sets beside a checkout, where they are at hand."""
KNOWN = {("triviaqa", "train"): ("NASDAQ:MSFT",)}
"""Right answers that miss full marks: `NASDAQ:MSFT` is cut at `Q:`, with which the next example would begin."""


def splits(task: TaskFile) -> list[str]:
    named = (task.training_split, task.config.get("validation_split"), task.reported_split, task.exemplar_split)
    return list(dict.fromkeys(split for split in named if split))


def missed(name: str, split: str, locations: DataLocations) -> tuple[str, ...]:
    task = read_task(name, [SHIPPED])
    return tuple(miss.reference for misses in gold(task, rows(task, split, locations)) for miss in misses.rows)


BUNDLED = ("appliance_", "basics_", "micro_", "micro2_")
"""The tasks whose rows come with suite begin so."""


@pytest.mark.parametrize("name", [name for name in SCORED if name.startswith(BUNDLED)])
def test_right_answers_of_the_bundled_data_get_full_marks(name: str) -> None:
    task = read_task(name, [SHIPPED])
    assert [gold(task, rows(task, split, DataLocations())) for split in splits(task)] == [()] * len(splits(task))


@pytest.mark.skipif(SHARED is None, reason="no shared data beside the checkout")
@pytest.mark.parametrize("name", [name for name in task_names([SHIPPED]) if not name.startswith(BUNDLED)])
def test_right_answers_of_real_data_get_full_marks_but_for_those_that_are_known(name: str) -> None:
    assert SHARED is not None
    task, locations = read_task(name, [SHIPPED]), DataLocations((SHARED,))
    there = [split for split in splits(task) if task.sources or stored(task, split).is_file()]
    assert there
    for split in there:
        assert missed(name, split, locations) == KNOWN.get((name, split), ())


def stored(task: TaskFile, split: str) -> Path:
    assert SHARED is not None
    cut = str(task.metadata.get("splits", {}).get(split, split))
    return SHARED / task.folder / f"{cut.partition('[')[0]}.jsonl"
