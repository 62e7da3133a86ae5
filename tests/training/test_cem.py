"""The cross-entropy method on problems with a known optimum, and its rules for ties."""

from __future__ import annotations

import torch
from torch import Tensor

from suite.training.cem import Value, search
from suite.training.cem_config import Search

TARGET = torch.tensor([0.2, 0.9, 0.5])


def near(point: Tensor) -> Value:
    return -float(((point - TARGET) ** 2).sum()), 0.0


def test_a_known_optimum_is_found() -> None:
    found = search(near, torch.full((3,), 1 / 3), Search(generations=40, floor=0.0), seed=0)
    torch.testing.assert_close(found.best, TARGET, atol=0.02, rtol=0)
    assert len(found.history) == 40
    values = [value for value, _ in found.history]
    assert values == sorted(values)
    assert found.value == values[-1] == near(found.best)
    assert torch.equal(found.history[-1][1], found.best)


def test_an_optimum_on_the_border_is_found() -> None:
    found = search(lambda point: (float(point[0] - point[1]), 0.0), torch.tensor([0.5, 0.5]), Search(), seed=1)
    assert found.best.tolist() == [1.0, 0.0]


def test_the_start_is_a_candidate_and_the_best_is_never_lost() -> None:
    start = TARGET.clone()
    found = search(near, start, Search(generations=3), seed=2)
    assert torch.equal(found.best, start)
    assert found.value == (0.0, 0.0)


def test_ties_of_accuracy_are_broken_by_likelihood_unless_published() -> None:
    def coarse(point: Tensor) -> Value:
        return 100.0, -float(((point - TARGET) ** 2).sum())

    start = torch.full((3,), 1 / 3)
    found = search(coarse, start, Search(generations=40, floor=0.0), seed=3)
    torch.testing.assert_close(found.best, TARGET, atol=0.02, rtol=0)
    published = search(coarse, start, Search(generations=40, tie_break=False), seed=3)
    assert torch.equal(published.best, start)  # nothing is ever better


def test_a_noise_floor_keeps_the_search_moving() -> None:
    asked: list[list[float]] = []

    def flat(point: Tensor) -> Value:
        asked.append(point.tolist())
        return near(point)

    search(flat, torch.full((3,), 1 / 3), Search(generations=30, floor=0.0), seed=4)
    still = torch.tensor(asked[-31:]).std(0)
    asked.clear()
    search(flat, torch.full((3,), 1 / 3), Search(generations=30, floor=0.05), seed=4)
    assert bool((torch.tensor(asked[-31:]).std(0) > 5 * still).all())


def test_a_seed_gives_the_same_search_and_a_point_is_scored_once() -> None:
    asked: list[tuple[float, ...]] = []

    def count(point: Tensor) -> Value:
        asked.append(tuple(point.tolist()))
        return near(point)

    first = search(count, torch.full((3,), 1 / 3), Search(generations=5), seed=5)
    assert len(asked) == len(set(asked)) <= 5 * 32
    again = search(near, torch.full((3,), 1 / 3), Search(generations=5), seed=5)
    assert torch.equal(first.best, again.best)
    assert not torch.equal(first.best, search(near, torch.full((3,), 1 / 3), Search(generations=5), seed=6).best)
