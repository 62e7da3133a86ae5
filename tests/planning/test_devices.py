"""Several devices for a step: no part of its name, and refused where they cannot train it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from tests.cli.calls import suite
from tests.planning.test_patience import plan

METHODS = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


def test_the_number_of_devices_is_no_part_of_a_name(specs: Path) -> None:
    one = plan(specs)
    for count in ("2", "auto"):
        made = plan(specs, f"budget.shard={count}")
        assert [step.id for step in made.steps] == [step.id for step in one.steps]
        assert made.experiments[0].experiment.changes == ()


@pytest.mark.parametrize(
    ("name", "sets", "problem"),
    [
        (
            "lora_rte", ("budget.batch_size=1",),
            "a batch of 1 cannot be divided among 2 devices; lower it",
        ),
        (
            "lora_rte", ("method.optimizer=adamw8bit",),
            "adamw8bit cannot be divided among devices; set `optimizer` to adamw or adafactor",
        ),
        (
            "lora_rte", ("model.quantization=4bit",),
            "the weights of micro-llama (4bit) are quantised and cannot be divided; leave out `quantization`",
        ),
        (
            "lora_rte", ("probes={every: 5, gradients: 4}",),
            "gradient alignment needs all weights on one device; leave out `probes.gradients`",
        ),
    ],
)  # fmt: skip
def test_what_several_devices_cannot_train_is_refused_in_one_line(
    specs: Path, name: str, sets: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        plan(specs, "budget.shard=2", *sets, name=name)
    assert f"--set budget.shard=2: budget.shard: {problem}" in str(caught.value).splitlines()


def test_a_method_with_a_loop_of_its_own_is_for_one_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own,) = re.findall(r"^```python methods/own_loop.py\n(.*?)```", METHODS, re.MULTILINE | re.DOTALL)
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "own_loop.py").write_text(own)
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nmethod: {name: own_loop}\ntargets: [rte]\n")
    code, _, err = suite(capsys, "plan", file, "--set", "budget.shard=2", "--home", tmp_path / "home")
    assert code == 2
    line = "--set budget.shard=2: budget.shard: own_loop does not say what several devices would divide; set it to 1"
    assert err.strip() == f"error: {line}"
