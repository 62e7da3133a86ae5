"""Sweeps in a plan: tries are ordinary train steps, and a step chooses between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.planning import CopyFromTry, Inputs, Plan, SelectTry, Step, Train, make_plan
from suite.specs import load
from suite.tasks.data import DataLocations

LORA = "name: lora_best\ntrack: micro-t2\nmethod: {name: lora}\ntargets: [math]\nsweep: {learning_rate: [1e-3, 3e-3]}\n"
PROMOT = "name: promot_best\nmethod: {name: promot}\ntargets: [rte]\nsweep: "


def plan(folder: Path, text: str, *others: Path) -> Plan:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return make_plan(load([file, *others]), Inputs(DataLocations()))


def of_kind(made: Plan, kind: type) -> list[Step]:
    return [step for step in made.steps if isinstance(step.work, kind)]


def answered_with(made: Plan, role: str) -> tuple[str, ...]:
    """The stack of the first experiment for a role."""
    link = next(each for each in made.experiments[0].links if (each.part, each.role) == ("evaluate", role))
    return next(step.parents for step in made.steps if step.id == link.step)


def test_a_try_is_the_train_step_of_the_same_settings(tmp_path: Path, specs: Path) -> None:
    plain = specs / "transformer2" / "lora_math.yaml"
    made = plan(tmp_path, LORA, plain)
    slow, usual = of_kind(made, Train)
    assert usual.id in {link.step for link in made.experiments[1].links}
    (alone,) = of_kind(make_plan(load([plain]), Inputs(DataLocations())), Train)
    assert (usual.id, usual.title) == (alone.id, alone.title)
    assert slow.title == "train lora on math with learning_rate 0.001 · micro-t2 · seed 0"


def test_every_task_is_answered_with_the_choice(tmp_path: Path) -> None:
    made = plan(tmp_path, LORA)
    (choice,) = of_kind(made, SelectTry)
    assert choice.title == "choose lora on math, best of 2 · micro-t2 · seed 0"
    assert choice.parents == tuple(step.id for step in of_kind(made, Train))
    assert {answered_with(made, role) for role in ("math", "math_hard")} == {(choice.id,)}


def test_a_prompt_that_all_tries_share_stays_what_it_is(tmp_path: Path) -> None:
    made = plan(tmp_path, PROMOT + "{learning_rate: [1e-4, 1e-3]}\n")
    prompt, *tries = of_kind(made, Train)
    (choice,) = of_kind(made, SelectTry)
    assert isinstance(choice.work, SelectTry)
    assert choice.work.tries == tuple({"rte": (prompt.id, each.id)} for each in tries)  # scored as it is answered
    assert answered_with(made, "rte") == (prompt.id, choice.id)
    assert answered_with(made, "cb") == (choice.id,)


def test_the_prompt_of_the_chosen_try_goes_with_its_weights(tmp_path: Path) -> None:
    made = plan(tmp_path, PROMOT + "{stage_one.learning_rate: [0.1, 0.5]}\n")
    prompts = [step for step in of_kind(made, Train) if "prompt_tuning" in step.title]
    (choice,), (beside,) = of_kind(made, SelectTry), of_kind(made, CopyFromTry)
    assert answered_with(made, "rte") == (beside.id, choice.id)
    assert isinstance(beside.work, CopyFromTry)
    assert beside.work.candidates == tuple(step.id for step in prompts)
    assert (beside.work.choice, set(beside.work.among)) == (choice.id, set(choice.parents) - {s.id for s in prompts})
    assert len({step.title for step in made.steps}) == len(made.steps)


@pytest.mark.parametrize("sweep", ["{learning_rate: [1e-4, 1e-3]}", "{stage_one.learning_rate: [0.1, 0.5]}"])
def test_parents_come_before_what_needs_them_and_all_are_the_experiments(tmp_path: Path, sweep: str) -> None:
    made = plan(tmp_path, PROMOT + sweep + "\n")
    seen: set[str] = set()
    for step in made.steps:
        assert set(step.parents) <= seen
        seen.add(step.id)
    assert {link.step for link in made.experiments[0].links} == seen


def test_what_decides_a_choice_is_part_of_its_name(tmp_path: Path) -> None:
    texts = [LORA, LORA.replace("1e-3, 3e-3", "3e-3, 1e-3"), LORA + "selection: {documents: 9}\n"]
    texts.append(LORA + "decoding: {beams: 2}\n")
    (first, order, rows, beams) = (of_kind(plan(tmp_path, text), SelectTry)[0] for text in texts)
    assert len({first.id, order.id, rows.id, beams.id}) == 4


def test_a_try_without_room_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="a soft prompt of 600 leaves no room"):
        plan(tmp_path, PROMOT + "{stage_one.length: [8, 600]}\n")


def test_tries_that_answer_with_other_numbers_of_artifacts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.methods import SELF, lora

    monkeypatch.setattr(lora, "stack", lambda config, role, targets: (SELF,) * (1 + (config.learning_rate > 2e-3)))
    with pytest.raises(SuiteError, match="stacks of different lengths"):
        plan(tmp_path, LORA)
