"""Adafactor block by block: the update and the state of transformers' Adafactor, without a copy of the parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from transformers.optimization import Adafactor

from suite.training import blockwise
from suite.training.blockwise import adafactor_step
from tests.models.tiny_budget import Stop
from tests.training.test_loop import same
from tests.training.test_updates import train


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a block have a few rows only."""
    monkeypatch.setattr(blockwise, "BLOCK", 64)


@pytest.mark.parametrize("shape", [(37, 13), (3, 20, 11)])
@pytest.mark.parametrize(
    "settings",
    [{}, {"scale_parameter": True}, {"weight_decay": 0.1}],
    ids=["plain", "scaled by the parameter", "with weight decay"],
)
def test_three_steps_are_those_of_transformers(shape: tuple[int, ...], settings: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(shape, generator=generator)
    options = {"lr": 0.05, "scale_parameter": False, "relative_step": False, "warmup_init": False, **settings}
    theirs = torch.nn.Parameter(start.clone())
    optimizer = Adafactor([theirs], **options)
    ours, state = start.clone(), dict[str, Any]()
    for _ in range(3):
        gradient = torch.randn(shape, generator=generator)
        theirs.grad = gradient.clone()
        optimizer.step()
        adafactor_step(ours, gradient, state, optimizer.param_groups[0], 0.0, lambda values, block: values)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
    expected = optimizer.state[theirs]
    assert state["step"] == expected["step"] == 3
    for name in ("exp_avg_sq_row", "exp_avg_sq_col"):
        torch.testing.assert_close(state[name], expected[name], rtol=1e-5, atol=1e-7)


def test_a_decay_that_does_not_depend_on_the_rate_comes_first() -> None:
    ours, gradient = torch.ones(20, 8), torch.zeros(20, 8)
    settings = Adafactor([torch.nn.Parameter(ours)], lr=0.1, relative_step=False, scale_parameter=False).param_groups[0]
    adafactor_step(ours, gradient, {}, settings, 0.25, lambda values, block: values)
    assert torch.equal(ours, torch.full((20, 8), 0.75))


class _Largest(TorchDispatchMode):
    """The most numbers that a result had."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        fresh = [each for each in tree_iter(result) if isinstance(each, torch.Tensor) and each._base is None]
        self.numbers = max([self.numbers, *(each.numel() for each in fresh if each.dtype == torch.float32)])
        return result


def test_no_more_than_a_block_is_in_float32() -> None:
    parameter, gradient = torch.ones(64, 16, dtype=torch.bfloat16), torch.ones(64, 16, dtype=torch.bfloat16)
    settings = Adafactor([torch.nn.Parameter(parameter)], lr=0.1, relative_step=False).param_groups[0]
    with _Largest() as largest:
        adafactor_step(parameter, gradient, {}, settings, 0.0, lambda values, block: values.bfloat16())
    assert largest.numbers == 64


def test_a_run_in_blocks_goes_on_where_it_was_interrupted_and_learns_as_in_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"optimizer": "adafactor", "clip": None, "steps": 6, "checkpoint_seconds": 0.0}
    whole = train(tmp_path / "whole", **settings)
    with pytest.raises(Stop):
        train(tmp_path / "cut", stop=3, **settings)
    assert same(train(tmp_path / "cut", **settings), whole)
    monkeypatch.setattr(blockwise, "BLOCK", 2**24)
    at_once = train(tmp_path / "at once", **settings)
    means = [torch.cat([each.float().flatten() for each in fit.best.values()]).mean() for fit in (at_once, whole)]
    assert not same(at_once, whole)  # other numbers are rounded up
    torch.testing.assert_close(means[0], means[1], rtol=0, atol=1e-3)
