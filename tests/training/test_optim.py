"""Optimisers and schedules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from suite.training.optim import learning_rate, make_optimizer, restore_state, state_of
from tests.models.tiny_budget import budget


def test_adafactor_does_not_factor_a_flat_prompt() -> None:
    flat, matrix = nn.Parameter(torch.ones(12)), nn.Parameter(torch.ones(3, 4))
    optimizer = make_optimizer({"flat": flat, "matrix": matrix}, budget(optimizer="adafactor"))
    flat.grad, matrix.grad = torch.ones(12), torch.ones(3, 4)
    optimizer.step()
    assert optimizer.state[flat]["exp_avg_sq"].shape == (12,)
    assert "exp_avg_sq" not in optimizer.state[matrix]
    assert optimizer.state[matrix]["exp_avg_sq_row"].shape == (3,)


def test_adafactor_takes_the_rate_as_given() -> None:
    # the first update has root mean square 1 (decay of the second moment is 0 at step 1), so the step is the rate
    flat = nn.Parameter(torch.full((8,), 100.0))
    optimizer = make_optimizer({"flat": flat}, budget(optimizer="adafactor", learning_rate=0.3))
    flat.grad = torch.full((8,), 5.0)
    optimizer.step()
    torch.testing.assert_close(flat.data, torch.full((8,), 99.7))


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_weight_decay_is_decoupled_and_scaled_by_the_rate(name: str) -> None:
    flat = nn.Parameter(torch.full((8,), 2.0))
    optimizer = make_optimizer({"flat": flat}, budget(optimizer=name, learning_rate=0.1, weight_decay=0.5))
    flat.grad = torch.zeros(8)
    optimizer.step()
    torch.testing.assert_close(flat.data, torch.full((8,), 2.0 * (1 - 0.1 * 0.5)))


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("constant", [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.25, 0.5, 0.75, 1.0, 1.0, 0.853553, 0.5, 0.146447]),
    ],
)
def test_schedules_warm_up_and_come_down(schedule: str, wanted: list[float]) -> None:
    terms = budget(schedule=schedule, warmup=4, steps=8, learning_rate=1.0)
    assert [learning_rate(step, terms) for step in range(8)] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_an_optimiser_goes_on_from_its_state_as_if_never_stopped(name: str) -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(3, 4), torch.randn(6, 3, 4)

    def run(stop: int | None) -> torch.Tensor:
        parameter = {"w": nn.Parameter(start.clone())}
        optimizer = make_optimizer(parameter, budget(optimizer=name, weight_decay=0.1))
        for step, gradient in enumerate(gradients):
            if step == stop:
                kept = state_of(optimizer, parameter)
                parameter = {"w": nn.Parameter(parameter["w"].detach().clone())}
                optimizer = make_optimizer(parameter, budget(optimizer=name, weight_decay=0.1))
                restore_state(optimizer, parameter, *kept)
            parameter["w"].grad = gradient.clone()
            optimizer.step()
        return parameter["w"].detach()

    assert torch.equal(run(None), run(3))
