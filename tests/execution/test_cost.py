"""A step's costs are its own: the peak whatever ran before it, the seconds of all its attempts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.execution import cost
from suite.execution.cost import Cost
from suite.results.store import Costs

MB = 1_000_000


def peak(work: Any, earlier: Costs = Costs()) -> int:
    measured = Cost(earlier)
    with measured.measured("cpu"):
        work()
    return measured.peak_memory


def small() -> None:
    torch.ones(10 * MB // 4)


def large() -> None:
    held = torch.ones(200 * MB // 4)
    time.sleep(0.3)  # several samples, on a busy machine too
    del held


@pytest.fixture(params=["kernel", "sampled"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the kernel's record of the peak, and where it cannot be reset."""
    if request.param == "sampled":
        monkeypatch.setattr(cost, "RESET", tmp_path / "missing" / "clear_refs")
    elif not cost._reset_kernel_peak():
        pytest.skip("this kernel cannot reset the peak")


@pytest.mark.usefixtures("where")
def test_the_peak_of_a_step_does_not_remember_a_larger_one() -> None:
    first = peak(small)
    most = peak(large)
    assert most - first > 150 * MB
    assert abs(peak(small) - first) < 30 * MB


@pytest.mark.usefixtures("where")
def test_memory_that_the_allocator_or_a_cycle_holds_back_is_not_the_next_steps() -> None:
    before = peak(small)
    pieces = [bytearray(60_000) for _ in range(4000)]
    cycle: list[Any] = [torch.ones(200 * MB // 4)]
    cycle.append(cycle)
    pin = bytearray(60_000)
    del pieces, cycle
    assert abs(peak(small) - before) < 30 * MB
    assert pin


def test_a_short_peak_is_seen() -> None:
    if not cost._reset_kernel_peak():
        pytest.skip("this kernel cannot reset the peak")
    lowest = cost.resident()
    assert peak(large) - lowest > 150 * MB


def test_earlier_attempts_count() -> None:
    measured = Cost(Costs(seconds=100.0, peak_memory=10**15))
    assert measured.spent == Costs(seconds=100.0, peak_memory=10**15)
    with measured.measured("cpu"):
        time.sleep(0.05)
        assert 100.0 < measured.seconds < 200.0
    took = measured.seconds
    assert took > 100.04
    time.sleep(0.01)
    assert (measured.seconds, measured.peak_memory) == (took, 10**15)


def test_costs_are_known_while_a_step_runs_and_after_it_failed() -> None:
    measured = Cost()

    def failing() -> None:
        with measured.measured("cpu"):
            assert measured.spent.peak_memory
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        failing()
    assert measured.spent.seconds
    assert measured.spent.peak_memory


def test_the_peak_of_a_gpu_is_that_of_the_steps_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", asked.append)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: {0: 5, 1: 7}[device.index])
    measured = Cost()
    with measured.measured("cuda:1"):
        assert measured.spent.peak_memory == 7
    assert (measured.peak_memory, asked) == (7, [torch.device("cuda:1")])


def test_tokens_of_all_attempts_add_up_and_no_checkpoint_counts_twice() -> None:
    first = Cost()
    first.add_tokens(70)
    kept = first.to_keep()
    first.add_tokens(30)  # lost with the process, but the store was told
    assert first.spent.tokens == 100
    second = Cost(first.spent)
    second.resume(kept)  # it says less than the store
    second.add_tokens(30)
    assert (second.tokens, second.spent.tokens) == (130, 130)


def test_a_checkpoint_brings_its_costs_to_a_store_that_knows_nothing() -> None:
    there = Cost(Costs(seconds=50.0, peak_memory=10**15, tokens=900))
    here = Cost()
    here.resume(there.to_keep())
    here.add_tokens(100)
    assert (here.spent.seconds, here.spent.peak_memory, here.spent.tokens) == (50.0, 10**15, 1000)


def test_without_training_there_are_no_tokens_to_tell() -> None:
    assert Cost().spent.tokens is None
