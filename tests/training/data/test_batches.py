"""Batches: a pure function of the seed and the step, every example once an epoch."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from suite.models.backbone import Shape
from suite.training.data.batches import IGNORE, Batches, Collator
from suite.training.data.examples import Encoded, encode
from suite.training.device import seed_device
from tests.models.tiny_models import tiny_backbone, tiny_examples


def batches(count: int, size: int, *, seed: int = 0, shape: Shape = "decoder") -> Batches:
    backbone = tiny_backbone(shape)
    encoding = encode(backbone, tiny_examples(count), max_length=64, soft_length=0)
    return Batches(backbone, encoding.examples, batch_size=size, seed=seed)


def chosen(made: Batches, step: int) -> list[int]:
    """Which of the examples are in the batch of a step."""
    every = made._epochs[0]
    return [next(at for at, each in enumerate(every) if each is example) for example in made.examples(step)]


@pytest.mark.parametrize(("count", "size"), [(24, 4), (25, 4), (7, 4), (3, 8), (100, 3), (1, 2)])
def test_every_example_is_seen_once_an_epoch(count: int, size: int) -> None:
    made, epochs = batches(count, size), 5
    steps = epochs * count // size
    seen = [index for step in range(steps) for index in chosen(made, step)]
    times = Counter(seen)
    assert len(seen) == steps * size
    assert set(times) == set(range(count))
    assert max(times.values()) - min(times.values()) <= 1  # the last epoch may not be complete
    places = [index for step in range(count) for index in chosen(made, step)]  # ends where an epoch ends
    assert set(Counter(places).values()) == {size}


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first, again, other = batches(50, 4), batches(50, 4), batches(50, 4, seed=1)
    forwards = [chosen(first, step) for step in range(40)]
    backwards = [chosen(again, step) for step in reversed(range(40))][::-1]
    assert forwards == backwards != [chosen(other, step) for step in range(40)]


def test_neighbours_in_length_are_together() -> None:
    made = batches(400, 8)
    lengths = [len(example.prompt) for example in made._epochs[0]]
    spread = [
        max(lengths[i] for i in chosen(made, step)) - min(lengths[i] for i in chosen(made, step))
        for step in range(50, 100)
    ]
    assert sum(spread) / len(spread) <= 2 < max(lengths) - min(lengths)


def test_labels_are_what_comes_next_and_only_of_the_answer(shape: Shape) -> None:
    made = batches(6, 6, shape=shape)
    batch = made.parts(0, 6)[0]
    examples = made.examples(0)
    assert int((batch.labels != IGNORE).sum()) == made.target_tokens(0) == sum(len(e.target) for e in examples)
    for row, example in enumerate(examples):
        assert batch.labels[row][batch.labels[row] != IGNORE].tolist() == list(example.target)
        if batch.decoder_input_ids is None:
            known = torch.nonzero(batch.labels[row] != IGNORE).flatten()
            assert known[0] == len(example.prompt) - 1
            assert batch.input_ids[row][known + 1].tolist()[:-1] == list(example.target)[:-1]
        else:
            assert batch.decoder_input_ids[row][: len(example.target)].tolist() == [0, *example.target[:-1]]


def test_parts_together_are_the_batch(shape: Shape) -> None:
    made = batches(20, 8, shape=shape)
    parts = made.parts(3, 3)
    assert [len(part.input_ids) for part in parts] == [3, 3, 2]
    assert sum(part.tokens for part in parts) == made.parts(3, 8)[0].tokens


def test_a_batch_says_when_nothing_is_padding() -> None:
    backbone = tiny_backbone("encoder-decoder")
    collate, short, long = Collator(backbone), Encoded((7, 8), (6, 1)), Encoded((7, 8, 9), (6, 6, 1))
    for examples in ([short, short], [short, long]):
        batch = collate(examples)
        assert batch.even == batch.to(torch.device("cpu")).even == bool(batch.attention_mask.all())


def test_a_seed_keeps_no_trace_of_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traceback.format_stack", lambda *_: pytest.fail("a stack was formatted"))
    for seed in (1, 2, 1):
        seed_device(torch.device("cpu"), seed)
        drawn = torch.rand(3)
        torch.default_generator.manual_seed(seed)
        assert torch.equal(torch.rand(3), drawn)
