"""Sweeps: lists of values become tries, each a whole method block, and every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.specs import Experiment, Options, load

HEAD = "name: mine\nmethod: {name: lora, rank: 4}\ntargets: [rte]\n"
PROMOT = HEAD.replace("lora, rank: 4", "promot")


def loaded(folder: Path, text: str, *sets: str) -> Experiment:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    (experiment,) = load([file], Options(sets=sets))
    return experiment


def test_a_sweep_is_the_product_of_its_lists_in_order(tmp_path: Path) -> None:
    tries = loaded(tmp_path, HEAD + "sweep: {learning_rate: [1e-3, 1e-2], steps: [5, 6]}\n").tries
    values = [(each["learning_rate"], each["steps"], each["rank"]) for each in (t.model_dump() for t in tries)]
    assert values == [(1e-3, 5, 4), (1e-3, 6, 4), (1e-2, 5, 4), (1e-2, 6, 4)]


def test_a_nested_field_is_swept_by_its_dotted_key(tmp_path: Path) -> None:
    tries = loaded(tmp_path, PROMOT + "sweep: {stage_one.length: [3, 7]}\n").tries
    blocks = [each.model_dump() for each in tries]
    assert [block["stage_one"]["length"] for block in blocks] == [3, 7]
    assert blocks[0]["stage_one"]["steps"] == 300  # the track's, as without a sweep


def test_values_may_be_lists_and_blocks(tmp_path: Path) -> None:
    lists = loaded(tmp_path, HEAD + "sweep: {target_modules: [[q_proj], [q_proj, k_proj], all-linear]}\n").tries
    assert lists[1].model_dump()["target_modules"] == ("q_proj", "k_proj")
    blocks = loaded(tmp_path, PROMOT + "sweep: {stage_one: [{length: 3}, {length: 4, steps: 9}]}\n").tries
    assert [each.model_dump()["stage_one"]["steps"] for each in blocks] == [300, 9]


def test_a_sweep_can_be_set_changed_and_taken_off_by_the_command_line(tmp_path: Path) -> None:
    text = PROMOT + "sweep: {stage_one.length: [3, 7]}\n"
    assert len(loaded(tmp_path, PROMOT, "sweep.stage_one.length=[3, 4, 5]").tries) == 3
    changed = loaded(tmp_path, text, "sweep.stage_one.length=[8, 9]").tries
    assert [each.model_dump()["stage_one"]["length"] for each in changed] == [8, 9]
    assert loaded(tmp_path, text, "sweep=null").tries == ()


def test_the_resolved_experiment_says_what_tries_share_and_what_they_do_not(tmp_path: Path) -> None:
    resolved = loaded(tmp_path, PROMOT + "sweep: {learning_rate: [1e-3, 1e-2], stage_one.length: [3, 7]}\n").resolved()
    assert resolved["sweep"][1] == {"learning_rate": 1e-3, "stage_one": {"length": 7}}
    assert "learning_rate" not in resolved["method"]
    assert resolved["method"]["stage_one"]["steps"] == 300


def test_what_a_try_puts_into_effect_is_part_of_the_experiments_name(tmp_path: Path) -> None:
    text = HEAD.replace("rank: 4", "reinforce: {kl: 0.1}") + "sweep: {objective: [next_token, reinforce]}\n"
    first, second = (loaded(tmp_path, text.replace("0.1", kl)) for kl in ("0.1", "0.2"))
    assert first.resolved()["sweep"][1]["reinforce"]["kl"] == 0.1
    assert first.id != second.id


def test_an_experiment_without_a_sweep_is_named_as_ever(tmp_path: Path) -> None:
    plain = loaded(tmp_path, HEAD)
    assert "sweep" not in plain.resolved()
    assert plain.resolved()["method"] == {"name": "lora", **plain.config.model_dump(mode="json")}
    assert len({plain.id, loaded(tmp_path, HEAD + "sweep: {learning_rate: [1e-3, 1e-2]}\n").id}) == 2


BAD = {
    "no list": ("sweep: {rank: 4}", ":4: sweep.rank: is 4; should be a list"),
    "an empty list": ("sweep: {rank: []}", ":4: sweep.rank: is []; should have at least 1 item"),
    "no key": ("sweep: {}", ":4: sweep: is {}; should have at least 1 item"),
    "no block": ("sweep: [rank]", ":4: sweep: is ['rank']; should be a block of `key: value`"),
    "an unknown key": ("sweep: {rnak: [1, 2]}", ":4: sweep.rnak: unknown key; did you mean 'rank'?"),
    "the method itself": ("sweep: {name: [lora, dora]}", ":4: sweep.name: unknown key"),
    "a block for a number": ("sweep: {rank: [2, {x: 1}]}", ":4: sweep.rank: is {'x': 1}; should be a valid integer"),
    "a wrong value": ("sweep:\n  rank:\n    - 2\n    - 0\n", ":7: sweep.rank: is 0; should be greater than"),
    "a value twice": ("sweep: {rank: [2, 3, 2]}", ":4: sweep: tries 1 and 3 are the same"),
    "not in effect": ("sweep: {reinforce.kl: [0.1, 0.2]}", ":4: sweep: tries 1 and 2 are the same"),
    "one try": ("sweep: {rank: [2], steps: [5]}", ":4: sweep: is one try, with nothing to choose from"),
    "very many": (f"sweep: {{rank: [1, 2], steps: {list(range(1, 40))}}}", ":4: sweep: makes 78 tries; at most 64"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_sweep_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    text, wanted = BAD[name]
    with pytest.raises(SuiteError) as caught:
        loaded(tmp_path, f"{HEAD}{text}\n")
    (problem,) = caught.value.problems
    assert wanted in str(problem)


@pytest.mark.parametrize(
    ("method", "why"), [("pretrained", "trains nothing"), ("transformer2", "no train step of its")]
)
def test_a_method_without_a_train_step_is_not_swept(tmp_path: Path, method: str, why: str) -> None:
    with pytest.raises(SuiteError, match=f":4: sweep: {method} .*{why}.*nothing to choose between"):
        loaded(tmp_path, HEAD.replace("lora, rank: 4", method) + "sweep: {shots: [1, 2]}\n")


def test_all_wrong_values_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        loaded(tmp_path, HEAD + "sweep:\n  rank: [0, 2]\n  steps: [many, 3]\n")
    assert sorted(str(each).split(":")[1] for each in caught.value.problems) == ["5", "6"]


def test_wrong_values_of_a_sweep_are_told_with_those_of_the_method_and_of_the_spec(tmp_path: Path) -> None:
    for wrong, line in ((HEAD.replace("rank", "rnak"), 2), (HEAD + "tragets: [rte]\n", 4)):
        text = wrong + "sweep:\n  rank: [0, 2]\n  steps: [many, 3]\n"
        with pytest.raises(SuiteError) as caught:
            loaded(tmp_path, text)
        below = text.count("\n")
        lines = sorted(int(str(each).split(":")[1]) for each in caught.value.problems)
        assert lines == [line, below - 1, below]


def test_what_is_wrong_in_the_method_is_not_told_again_for_its_sweep(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        loaded(tmp_path, HEAD.replace("rank: 4", "rank: 4, alpha: -1") + "sweep: {steps: [2, 3]}\n")
    (problem,) = caught.value.problems
    assert ":2: method.alpha: is -1" in str(problem)
