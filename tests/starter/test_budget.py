"""Steps and documents that fit a time."""

from __future__ import annotations

from suite.starter.budget import ENOUGH, FEWEST, METHODS, MOST, StarterBudget, budget_of
from suite.starter.timing import MeasuredSpeed


def budget(minutes: float = 30, *, step: float = 1.0, token: float = 0.0005, train: int = 300) -> StarterBudget:
    speed = MeasuredSpeed("cpu", 8, step, token, (40, 60), 3)
    return budget_of(
        speed, train=train, tested=100, held_out=5, minutes=minutes, positions=2048, held_out_length=80, longest=384
    )


def test_what_fits_is_within_the_time_and_more_time_gives_more() -> None:
    few, many = budget(10), budget(30)
    assert few.seconds <= 600
    assert many.seconds <= 1800
    assert few.steps < many.steps


def test_small_data_needs_few_steps_and_none_takes_more_than_a_thousand() -> None:
    assert budget(600, step=0.01, train=40).steps == 60
    assert budget(6000, step=0.001, train=100_000).steps == MOST


def test_a_slow_model_gets_the_fewest_steps_and_says_what_they_take() -> None:
    slow = budget(30, step=60.0, token=0.05)
    assert (slow.steps, slow.documents) == (FEWEST, 16)
    assert slow.methods == ("pretrained", "lora")
    assert slow.minutes > 30


def test_methods_are_left_out_until_the_rest_gets_enough_steps_within_the_time() -> None:
    assert budget(30, step=4.0).left_out == ()
    for step, left_out in (
        (6.0, ("svf",)),
        (8.0, ("promot", "svf")),
        (12.0, ("prompt_tuning", "promot", "svf")),
        (25.0, ("finetune", "prompt_tuning", "promot", "svf")),
    ):
        found = budget(30, step=step)
        assert found.left_out == left_out, step
        assert set(found.methods) == set(METHODS) - set(left_out)
        assert found.steps >= ENOUGH, step
        assert found.seconds <= 1800, step


def test_held_out_tasks_are_asked_fewer_documents_before_a_method_is_left_out() -> None:
    some = budget(10, step=2.6, token=0.001)
    assert (some.documents, some.left_out, some.steps) == (32, ("promot", "svf"), 40)
    assert some.seconds <= 600
    assert some.minutes_of_all > 10
    everything = budget(some.minutes_of_all, step=2.6, token=0.001)
    assert (everything.left_out, everything.steps) == ((), 40)
    assert budget(some.minutes_of_all - 1, step=2.6, token=0.001).left_out == ("svf",)


def test_data_that_needs_few_steps_leaves_out_no_method_for_them() -> None:
    assert budget(30, step=4.0, train=40).left_out == ()


def test_inputs_hold_the_longest_row_and_the_exemplars_of_held_out_tasks() -> None:
    assert budget().max_length == 384
    speed = MeasuredSpeed("cpu", 8, 1.0, 0.001, (40, 1000, 4000), 3)
    found = budget_of(
        speed, train=300, tested=100, held_out=5, minutes=30, positions=1024, held_out_length=80, longest=384
    )
    assert found.max_length == 992
    assert found.cut == 2


def test_fewer_methods_leave_time_for_more_steps() -> None:
    speed = MeasuredSpeed("cpu", 8, 1.0, 0.0005, (40, 60), 3)
    of = {"train": 3000, "tested": 100, "held_out": 5, "minutes": 30, "positions": 2048, "held_out_length": 80}
    some = budget_of(speed, **of, longest=384, methods=("pretrained", "lora", "prompt_tuning"))
    assert some.methods == ("pretrained", "lora", "prompt_tuning")
    assert some.steps > 1.5 * budget_of(speed, **of, longest=384).steps
