"""Transformer²: experts are shared, and what a task is answered with depends on the task."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.planning import Evaluate, Inputs, Plan, Step, Train, make_plan
from suite.specs import load
from suite.tasks.data import BUNDLED, DataLocations

EASY = ("math", "code", "reasoning")


def plan(specs: Path, *names: str) -> Plan:
    files = [specs / "transformer2" / f"{name}.yaml" for name in names]
    return make_plan(load(files), Inputs(DataLocations()))


def trained(made: Plan, method: str) -> dict[tuple[str, ...], Step]:
    """A method's train steps by their targets."""
    return {
        tuple(step.work.targets): step
        for step in made.steps
        if isinstance(step.work, Train) and step.work.method == method
    }


def answered_with(made: Plan, role: str) -> tuple[str, ...]:
    """The stack of the only experiment for a role."""
    (planned,) = made.experiments
    (link,) = [link for link in planned.links if link.part == "evaluate" and link.role == role]
    return next(step.parents for step in made.steps if step.id == link.step)


def test_experts_are_trained_once_for_all_adaptations(specs: Path) -> None:
    made = plan(specs, "svf_math", "svf_reasoning", "svf_code", "t2_few_shot", "t2_uniform", "t2_oracle")
    experts = trained(made, "svf")
    assert set(experts) == {(role,) for role in EASY}
    for mixture in trained(made, "mixture").values():
        assert mixture.parents == tuple(experts[role,].id for role in EASY)


def test_every_task_has_a_mixture_of_its_own(specs: Path) -> None:
    made = plan(specs, "t2_few_shot")
    mixtures = trained(made, "mixture")
    assert set(mixtures) == {(role,) for role in (*EASY, "math_hard", "code_hard", "reasoning_hard")}
    for (role,), mixture in mixtures.items():
        assert answered_with(made, role) == (mixture.id,)
        assert mixture.title.startswith(f"adapt mixture on {role}")


def test_every_role_is_answered_once(specs: Path) -> None:
    for planned in plan(specs, "t2_few_shot", "svf_math").experiments:
        roles = [link.role for link in planned.links if link.part == "evaluate"]
        assert len(roles) == len(set(roles))


def test_rows_that_a_mixture_is_searched_on_may_not_be_reported(specs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "micro_arithmetic_hard"
    shutil.copytree(BUNDLED[0] / folder.name, folder)
    test = (folder / "test.jsonl").read_text(encoding="utf-8")
    (folder / "train.jsonl").write_text(test, encoding="utf-8")
    files = [specs / "transformer2" / "t2_few_shot.yaml"]
    with pytest.raises(SuiteError, match=r"reports \d+ rows of .* that 'math_hard' trains on"):
        make_plan(load(files), Inputs(DataLocations.of(tmp_path)))


def test_an_even_mixture_is_one_for_all_tasks(specs: Path) -> None:
    made = plan(specs, "t2_uniform")
    (mixture,) = trained(made, "mixture").values()
    assert {answered_with(made, role) for role in (*EASY, "reasoning_hard")} == {(mixture.id,)}


def test_the_oracle_answers_with_the_expert_of_the_skill(specs: Path) -> None:
    made = plan(specs, "t2_oracle")
    experts = trained(made, "svf")
    for skill in EASY:
        wanted = (experts[skill,].id,)
        assert answered_with(made, skill) == answered_with(made, f"{skill}_hard") == wanted
    assert not trained(made, "mixture")


def test_a_first_pass_chooses_among_the_shared_experts(specs: Path) -> None:
    made = plan(specs, "svf_math", "svf_reasoning", "svf_code", "t2_prompt", "t2_classifier")
    experts = trained(made, "svf")
    assert set(experts) == {*((role,) for role in EASY), ("skills",)}
    routes = [step.work.routes for step in made.steps if isinstance(step.work, Evaluate) and step.work.routes]
    assert len(routes) == 12  # two ways of asking, for six tasks
    for each in routes:
        assert each.stacks == {role: (experts[role,].id,) for role in EASY}
        assert each.router in ((), (experts["skills",].id,))
        assert each.task.name == "micro_skills"


def test_experts_by_another_method_are_those_of_its_own_specs(specs: Path) -> None:
    made = plan(specs, "lora_math", "lora_code", "lora_reasoning", "t2_lora")
    experts = trained(made, "lora")
    assert set(experts) == {(role,) for role in EASY}
    for mixture in trained(made, "mixture").values():
        assert mixture.parents == tuple(experts[role,].id for role in EASY)


def test_tuning_on_a_few_examples_is_for_each_task(specs: Path) -> None:
    made = plan(specs, "ia3_few_100")
    tuned = trained(made, "ia3")
    assert set(tuned) == {(role,) for role in (*EASY, "math_hard", "code_hard", "reasoning_hard")}
    for (role,), step in tuned.items():
        assert answered_with(made, role) == (step.id,)
        assert step.key["method"]["examples"] == 10


@pytest.mark.parametrize(("name", "shots"), [("ia3_few_100_shots_3", 3), ("ia3_few_1000_shots_20", 20)])
def test_a_few_examples_may_be_more_or_fewer(specs: Path, name: str, shots: int) -> None:
    tuned = trained(plan(specs, name), "ia3")
    assert {step.key["method"]["examples"] for step in tuned.values()} == {shots}


def test_tuning_may_start_from_what_all_targets_taught_together(specs: Path) -> None:
    made = plan(specs, "ia3_few_100_from_targets")
    (first,) = trained(made, "ia3").values()
    assert tuple(first.work.targets) == EASY  # type: ignore[union-attr]
    further = trained(made, "ia3_further")
    assert set(further) == {(role,) for role in (*EASY, "math_hard", "code_hard", "reasoning_hard")}
    for (role,), step in further.items():
        assert step.parents == (first.id,)
        assert answered_with(made, role) == (step.id,)
        assert (step.key["method"]["examples"], step.key["method"]["steps"]) == (10, 100)


def test_experts_of_another_base_are_moved_before_they_are_mixed(specs: Path, tmp_path: Path) -> None:
    spec = (specs / "transformer2" / "transfer" / "t2_from_base.yaml").read_text(encoding="utf-8")
    base = "{hub: HuggingFaceTB/SmolLM2-135M, dtype: bfloat16}"
    assert base in spec
    file = tmp_path / "t2_from_base.yaml"
    file.write_text(spec.replace(base, "{bundled: micro-llama}").replace("smol-t2", "micro-t2"), encoding="utf-8")
    made = make_plan(load([file]), Inputs(DataLocations()))
    moved, own = trained(made, "svf_transfer"), trained(made, "svf")
    assert set(moved) == set(own) == {(role,) for role in EASY}
    assert all(moved[role].parents == (own[role].id,) for role in moved)
    for mixture in trained(made, "mixture").values():
        assert mixture.parents == tuple(moved[role,].id for role in EASY)


def test_only_ia3_starts_from_the_targets(specs: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    how = "{name: few_shot_tuning, start: targets, tuner: {name: lora}}"
    file.write_text(f"name: a\ntrack: micro-t2\nmethod: {how}\ntargets: [math]\n", encoding="utf-8")
    with pytest.raises(SuiteError, match="`start: targets` is for IA³"):
        load([file])
