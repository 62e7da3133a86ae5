"""Batches of several targets: a declared ratio, and parts of one target each."""

from __future__ import annotations

from collections import Counter

import pytest

from suite.models.backbone import Shape
from suite.training.data.batches import Batches, Mixed, shares
from suite.training.data.examples import Encoded, encode
from tests.models.tiny_models import tiny_backbone, tiny_examples

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize(
    ("weights", "size", "counts"),
    [([1, 1], 8, [4, 4]), ([1, 3], 8, [2, 6]), ([1, 2], 8, [3, 5]), ([1, 100], 4, [1, 3]), ([1, 1, 1], 4, [2, 1, 1])],
)
def test_a_batch_is_shared_out_as_near_to_the_ratio_as_it_goes(
    weights: list[float], size: int, counts: list[int]
) -> None:
    assert shares(weights, size) == counts


def test_more_targets_than_places_are_an_error() -> None:
    with pytest.raises(ValueError, match="a batch of 2 cannot hold examples of 3 targets"):
        shares([1, 1, 1], 2)


def examples(place: int, count: int, shape: Shape) -> tuple[Encoded, ...]:
    rows = tiny_examples(count, seed=place)
    return encode(tiny_backbone(shape), rows, max_length=64, soft_length=0, target_index=place).examples


def test_every_batch_holds_the_ratio_and_every_part_one_target(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    few, many = examples(0, 7, shape), examples(1, 8, shape)
    mixed = Mixed([Batches(backbone, rows, batch_size=size, seed=0) for rows, size in ((few, 2), (many, 6))])
    for step in range(6):
        parts = mixed.parts(step, 4)
        rows = Counter[int]()
        for part in parts:
            rows[part.target_index] += len(part.input_ids)
            assert len(part.input_ids) <= 4
        assert rows == {0: 2, 1: 6}
        assert mixed.target_tokens(step) == sum(int((part.labels >= 0).sum()) for part in parts)


def test_a_pool_of_targets_is_taken_apart_by_target(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    pool = (*examples(0, 5, shape), *examples(1, 7, shape))
    batches = Batches(backbone, pool, batch_size=6, seed=3)
    seen = Counter[int]()
    for step in range(2):
        places = [part.target_index for part in batches.parts(step, 2)]
        assert places == sorted(places)
        seen.update(example.target_index for example in batches.examples(step))
    assert seen == {0: 5, 1: 7}


def test_each_epoch_may_have_examples_of_its_own(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    epochs = [examples(place, 4, shape) for place in range(2)]
    batches = Batches(backbone, *epochs, batch_size=2, seed=0)
    found = [{each.target_index for each in batches.examples(step)} for step in range(6)]
    assert found == [{0}, {0}, {1}, {1}, {1}, {1}]
