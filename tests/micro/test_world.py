"""The micro data sets: reproducible, disjoint, balanced, and never seen in pretraining."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from suite.micro import documents, templates, world
from suite.micro.documents import Sort, draw_document
from suite.micro.drawn import Draw, SampledRow, Split, draw_from
from suite.tasks.definition import read_task
from suite.tasks.identity import Identities

DATASETS = tuple(world.TASKS)


def large(story: str) -> bool:
    """Whether a change is by more than eight."""
    words = story.split(" ")
    return any(before in ("loses", "buys") and int(word) > 8 for before, word in pairwise(words))


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


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_order_of_choices_makes_no_other_row(dataset: str) -> None:
    rows = [world.read(dataset, split) for split in world.SPLITS]
    identity = Identities(read_task(dataset, [Path(__file__).parents[2] / "specs" / "tasks"]), rows[0][0])
    contents = [{identity(row).document for row in part} for part in rows]
    assert sum(map(len, contents)) == len(set.union(*contents))


def test_pretraining_leaves_french_and_a_part_of_reasoning_to_be_learned() -> None:
    rng = Random(5)
    for sort in get_args(Sort):
        for _ in range(200):
            for exemplar in draw_document(sort, 4, rng).exemplars:
                assert " le " not in f" {exemplar.answer} ", sort
                formula = exemplar.answer.partition(": ")[2].rpartition("* (")[2]
                assert "*" not in formula, exemplar
                assert not set(exemplar.prompt.split(" ")) & {"loses", "buys"} or not large(exemplar.prompt), exemplar
    for dataset in ("micro_programs_easy", "micro_arithmetic_easy", "micro_choice_easy", "micro_openbookqa"):
        shown = [documents.taught(dataset, row) for row in world.read(dataset, "test")]
        assert 0.2 < sum(shown) / len(shown) < 0.8, dataset


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
        assert SampledRow({}, drawn.content).split == "test", dataset


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

    def watched(draw: Draw, split: Split, rng: Random) -> SampledRow:
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
