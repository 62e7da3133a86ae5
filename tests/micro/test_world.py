"""The micro data sets: reproducible, disjoint, balanced, and never seen in pretraining."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from suite.micro import documents, templates, world
from suite.micro.documents import Sort, draw_document
from suite.micro.drawn import Draw, Drawn, Split, draw_from

DATASETS = tuple(world.TASKS)


def lines(folder: Path, dataset: str, split: Split) -> bytes:
    return (folder / dataset / f"{split}.jsonl").read_bytes()


def test_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    world.write(tmp_path)
    for dataset in DATASETS:
        for split in world.SPLITS:
            assert lines(tmp_path, dataset, split) == lines(world.DATA, dataset, split), f"{dataset}/{split}"


def test_data_are_small() -> None:
    assert sum(path.stat().st_size for path in world.DATA.rglob("*.jsonl")) < 3_000_000


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_row_is_in_two_splits_or_twice_in_one(dataset: str) -> None:
    asked = [templates.prompt(dataset, row) for split in world.SPLITS for row in world.read(dataset, split)]
    assert len(asked) == len(set(asked)) == sum(world.size(dataset, split) for split in world.SPLITS)


@pytest.mark.parametrize(
    ("dataset", "labels"), [("micro_rte", 2), ("micro_cb", 3), ("micro_snli", 3), ("micro_wic", 2)]
)
def test_labels_come_in_equal_parts(dataset: str, labels: int) -> None:
    counts = Counter(row["label"] for row in world.read(dataset, "test"))
    assert len(counts) == labels
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_split_depends_on_the_content_alone() -> None:
    for dataset, draw in world.TASKS.items():
        drawn = draw_from(draw, "test", Random(0))
        assert Drawn({}, drawn.content).split == "test", dataset


def test_pretraining_asks_no_validation_or_test_question() -> None:
    held_out = {
        templates.prompt(dataset, row)
        for dataset in DATASETS
        for split in ("validation", "test")
        for row in world.read(dataset, split)
    }
    rng = Random(11)
    for sort in get_args(Sort):
        seen = {each.prompt for _ in range(400) for each in draw_document(sort, 6, rng).exemplars}
        assert held_out.isdisjoint(seen), sort


def test_documents_draw_from_the_train_combinations_only(monkeypatch: pytest.MonkeyPatch) -> None:
    splits: list[str] = []

    def watched(draw: Draw, split: Split, rng: Random) -> Drawn:
        splits.append(split)
        return draw_from(draw, split, rng)

    monkeypatch.setattr(documents, "draw_from", watched)
    for sort in get_args(Sort):
        draw_document(sort, 4, Random(0))
    assert set(splits) == {"train"}


def test_programs_do_what_their_tests_say() -> None:
    for dataset in ("micro_programs_easy", "micro_programs_hard"):
        for row in world.read(dataset, "test")[:50]:
            exec("\n".join([row["code"], *row["test_list"]]), {})
