"""What steps are expected to cost: all that they do counts, and what was measured comes before what is guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.models.source import LocatedModel, ModelSource
from suite.planning import Inputs, Plan, make_plan
from suite.planning.estimate import adapting, training
from suite.planning.memory import LIBRARIES, ModelMemory
from suite.planning.speed import Speed, sort_of
from suite.specs import Options, load
from suite.tasks.data import DataLocations

SPEED = Speed(2_000_000)
TERMS = {"steps": 10, "batch_size": 8, "max_length": 64, "mean_words": 20.0, "select_every": 5, "selection": 16}


def plan(specs: Path, name: str, *sets: str, rates: dict[tuple[str, str], float] | None = None) -> Plan:
    files = [specs / "transformer2" / f"{name}.yaml"]
    return make_plan(load(files, Options(sets=sets)), Inputs(DataLocations(), rates=rates))


def seconds(made: Plan, title: str) -> float:
    """What the steps of such a title are expected to take, together."""
    return sum(step.estimate.seconds for step in made.steps if step.title.startswith(title))


@pytest.mark.parametrize("more", ["search.population=32", "search.generations=16", "shots=20"])
def test_a_search_costs_its_candidates_answers(specs: Path, more: str) -> None:
    few, many = plan(specs, "t2_few_shot"), plan(specs, "t2_few_shot", f"method.{more}")
    assert 1.4 < seconds(many, "adapt mixture on math ") / seconds(few, "adapt mixture on math ") < 2.1
    assert seconds(few, "adapt mixture on math ") > 20 * seconds(plan(specs, "t2_uniform"), "adapt")


def test_answers_that_are_rewarded_are_written_first() -> None:
    rewarded, told = (training(speed=SPEED, rewarded=way, **TERMS) for way in (True, False))  # type: ignore[arg-type]
    assert rewarded.tokens == 2 * told.tokens
    assert rewarded.seconds > told.seconds
    assert rewarded.memory == told.memory


def test_looks_at_the_selection_cost_time() -> None:
    often, once = (training(speed=SPEED, rewarded=False, **{**TERMS, "select_every": n}) for n in (1, 10))  # type: ignore[arg-type]
    assert often.seconds > once.seconds
    assert often.tokens == once.tokens


def test_decomposing_and_composing_matrices_cost_time() -> None:
    plain, few, many = (training(speed=SPEED, rewarded=True, **TERMS, composed=n).seconds for n in (0, 1, 100))  # type: ignore[arg-type]
    assert plain < few < many


def test_more_experts_take_more_memory_and_time() -> None:
    few, many = (adapting(experts, 100, 10, 64, 20.0, SPEED) for experts in (2, 8))
    assert many.seconds > few.seconds
    assert many.memory - LIBRARIES == 2.5 * (few.memory - LIBRARIES)


def test_memory_is_about_what_was_measured(specs: Path) -> None:
    made = make_plan(load([specs / "finetune_rte.yaml"], Options(track="micro")), Inputs(DataLocations()))
    memory = {step.kind: step.estimate.memory for step in made.steps}
    assert memory["train"] == pytest.approx(804e6, rel=0.25)  # the peak of two CPU cores' process, with its libraries
    assert memory["evaluate"] == pytest.approx(660e6, rel=0.25)


def test_memory_follows_from_the_sizes_of_the_model_and_from_what_is_worked_on_at_once(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, '
        '"vocab_size": 49152}'
    )
    located = LocatedModel(ModelSource(path="x"), tmp_path, None, "x", 134_515_008)
    sizes = ModelMemory.of(located)
    assert (sizes.layers, sizes.width, sizes.keys, sizes.vocabulary) == (30, 576, 192, 49152)
    assert sizes.training(8, 120) == pytest.approx(6.5e9, rel=0.25)  # fine-tuning SmolLM2-135M on RTE, as recorded
    assert sizes.answering() == pytest.approx(1.95e9, rel=0.25)
    whole, half = (training(speed=SPEED, rewarded=False, **TERMS, in_memory=texts) for texts in (8, 4))  # type: ignore[arg-type]
    assert whole.memory > half.memory
    assert whole.seconds == half.seconds


def test_without_a_config_sizes_are_told_from_the_parameters() -> None:
    located = LocatedModel(ModelSource(hub="a/b"), None, None, "hub:a/b@main", 2_000_000)
    assert ModelMemory.of(located) == ModelMemory.of_parameters(2_000_000)
    assert (ModelMemory.of_parameters(0).layers, ModelMemory.of_parameters(0).width) == (1, 1)


def test_a_measured_rate_counts_for_steps_of_its_sort() -> None:
    measured = replace(SPEED, rates={"adapt": 100.0, "reinforce": 10.0})
    assert adapting(3, 100, 10, 64, 20.0, measured).seconds == pytest.approx(100 * 10 * 2 * 42 / 100, abs=1)
    by_reward, told = (training(speed=measured, rewarded=way, **TERMS) for way in (True, False))  # type: ignore[arg-type]
    assert by_reward.seconds == pytest.approx(10 * 8 * 2 * 42 / 10, abs=1)
    assert told == training(speed=SPEED, rewarded=False, **TERMS)  # type: ignore[arg-type]


def test_the_sort_of_a_step_is_told_from_its_key(specs: Path) -> None:
    steps = [*plan(specs, "t2_few_shot").steps, *plan(specs, "lora_math").steps]
    sorts = {step.title.split(" on ")[0]: sort_of(step.kind, step.key) for step in steps if step.kind == "train"}
    expected = {"train svf": "reinforce singular", "adapt mixture": "adapt", "train lora": "train adapter"}
    assert sorts == expected
    low = plan(specs, "lora_math", "budget.precision=bf16").steps
    assert [sort_of(step.kind, step.key) for step in low if step.kind == "train"] == ["train adapter in bf16"]
    assert {sort_of(step.kind, step.key) for step in steps if step.kind == "evaluate"} == {"evaluate"}


def test_estimates_are_no_part_of_a_steps_name(specs: Path) -> None:
    made = plan(specs, "t2_few_shot")
    identity = made.steps[0].key["model"]["identity"]
    again = plan(specs, "t2_few_shot", rates={(identity, sort): 1.0 for sort in ("evaluate", "adapt", "reinforce")})
    assert [step.id for step in made.steps] == [step.id for step in again.steps]
    assert seconds(again, "") > 10 * seconds(made, "")
