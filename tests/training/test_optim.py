"""Optimisers and schedules."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers.optimization import Adafactor

from suite.training.optim import learning_rate, make_optimizer, restore_state, shrink, state_of
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


def rms(tensor: Tensor) -> Tensor:
    return tensor.square().mean().sqrt()


def t5x_adafactor(start: Tensor, gradients: Tensor, rate: float, *, scaled: bool, decay: float) -> Tensor:
    """T5X's update, written out: matrices with factored second moments, all else with plain ones; no momentum."""
    value, rows, columns, whole = start.clone(), torch.zeros(()), torch.zeros(()), torch.zeros(())
    for step, gradient in enumerate(gradients, 1):
        kept = 1 - step**-0.8
        square = gradient.square() + 1e-30
        if start.ndim == 2:
            rows = kept * rows + (1 - kept) * square.mean(1)
            columns = kept * columns + (1 - kept) * square.mean(0)
            update = gradient * (rows / rows.mean())[:, None].rsqrt() * columns[None].rsqrt()
        else:
            whole = kept * whole + (1 - kept) * square
            update = gradient * whole.rsqrt()
        update = update / rms(update).clamp(min=1.0)
        size = rms(value).clamp(min=1e-3) if scaled else 1.0
        value = (1 - decay) * value - rate * size * update
    return value


@pytest.mark.parametrize("shape", [(6, 5), (7,)])
@pytest.mark.parametrize("scale", [3.0, 1e-5], ids=["large", "tiny"])
@pytest.mark.parametrize(("scaled", "decay"), [(True, 0.0), (False, 1e-2), (False, 0.0)])
def test_adafactor_is_t5x_s(shape: tuple[int, ...], scale: float, scaled: bool, decay: float) -> None:
    torch.manual_seed(0)
    start, gradients = scale * torch.randn(shape), torch.randn(5, *shape)
    terms = budget(
        optimizer="adafactor", learning_rate=0.2, scale_parameter=scaled, weight_decay=decay, decay_by_rate=False
    )
    parameter = {"w": nn.Parameter(start.clone())}
    optimizer = make_optimizer(parameter, terms)
    for gradient in gradients:
        parameter["w"].grad = gradient.clone()
        shrink(parameter.values(), terms)
        optimizer.step()
    wanted = t5x_adafactor(start, gradients, 0.2, scaled=scaled, decay=decay)
    torch.testing.assert_close(parameter["w"].data, wanted, rtol=1e-5, atol=1e-7)


def test_a_scaled_step_is_that_of_transformers_adafactor() -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(6, 5), torch.randn(6, 5)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    terms = budget(optimizer="adafactor", learning_rate=1e-3, scale_parameter=True)
    other = Adafactor([theirs], lr=1e-3, scale_parameter=True, relative_step=False, warmup_init=False)
    for parameter, optimizer in ((ours, make_optimizer({"w": ours}, terms)), (theirs, other)):
        parameter.grad = gradient.clone()
        optimizer.step()
    assert torch.equal(ours, theirs)
    unscaled = nn.Parameter(start.clone())
    unscaled.grad = gradient.clone()
    make_optimizer({"w": unscaled}, budget(optimizer="adafactor", learning_rate=1e-3)).step()
    torch.testing.assert_close((ours - start) / rms(start), unscaled - start, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_decay_may_go_by_itself_whatever_the_rate(name: str, rate: float) -> None:
    flat = {"flat": nn.Parameter(torch.full((8,), 2.0))}
    terms = budget(optimizer=name, learning_rate=rate, weight_decay=0.01, decay_by_rate=False)
    optimizer = make_optimizer(flat, terms)
    flat["flat"].grad = torch.zeros(8)
    shrink(flat.values(), terms)
    optimizer.step()
    torch.testing.assert_close(flat["flat"].data, torch.full((8,), 2.0 * 0.99))


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
