"""The benchmarks compare what is equal, stop where it is not, and their figures make a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import equality, evaluation, gpu, training
from benchmarks.__main__ import table
from benchmarks.evaluation import asked, compare
from benchmarks.scaling import exponent
from benchmarks.trainers import Ran
from suite.evaluation.evaluate import EvaluationResult
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations


@pytest.fixture(scope="module", params=["micro-llama", "micro-t5"])
def measured(request: pytest.FixtureRequest) -> tuple[Backbone, list[Any]]:
    backbone = load_backbone(locate(ModelSource(bundled=request.param), None), "cpu")
    track = "micro" if request.param == "micro-llama" else "micro-t5"
    (experiment,) = load([shipped() / "pretrained.yaml"], Options(track=track))
    return backbone, asked(experiment, DataLocations(), 3, roles=["cb", "triviaqa"], shots=(1, 4))


def test_both_sides_say_the_same_and_make_a_table(measured: tuple[Backbone, list[Any]]) -> None:
    told = compare(*measured, sizes=[2], times=1)
    assert set(told["tasks"]) == {"cb 1-shot", "cb 4-shot", "triviaqa 1-shot", "triviaqa 4-shot"}
    assert told["ratio"] == pytest.approx(told["lm-eval"] / told["ours"])
    figures = json.loads(json.dumps({"device": "cpu", "evaluation": {"a model": {"documents": 3, **told}}}))
    assert "| a model, 4 evaluations of 3 documents |" in table(figures)


def test_another_answer_stops_it(measured: tuple[Backbone, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    right = evaluation.ours

    def wrong(*arguments: Any) -> EvaluationResult:
        found = right(*arguments)
        vars(found.answers[0])["output"] += "!"
        return found

    monkeypatch.setattr(evaluation, "ours", wrong)
    with pytest.raises(SystemExit, match="not equal: cb 1-shot, document 0"):
        compare(*measured, sizes=[2], times=1)


def trained(model: str, name: str) -> dict[str, Any]:
    """A case of the benchmark of training, for two steps."""
    source, track = ModelSource(bundled=model, sentinels=model == "micro-t5"), model.replace("llama", "").strip("-")
    (experiment,) = load([shipped() / "promot" / "finetune_mix.yaml"], Options(track=track))
    (case,) = (each for each in training.CASES if each.name == name)
    return training.measure(load_backbone(locate(source, None), "cpu"), experiment, DataLocations(), case, 2, 2)


@pytest.mark.parametrize("model", ["micro-llama", "micro-t5"])
@pytest.mark.parametrize("case", ["all weights, RTE", "soft prompt, En-Fr"])
def test_trainer_learns_the_same(model: str, case: str) -> None:
    told = trained(model, case)
    assert told["ratio"] == pytest.approx(told["ours"] / told["Trainer"])
    assert told["ratio on our batches"] == pytest.approx(told["ours"] / told["Trainer on our batches"])
    assert 0 <= told["share of padding"]["ours"] <= told["share of padding"]["Trainer"] < 0.2
    assert [len(side) for side in told["losses afterwards"].values()] == [2, 2]
    assert f"| a model, {case} |" in table({"device": "cpu", "training": {"a model": {case: told}}})


@pytest.mark.parametrize("usual", [False, True])
def test_a_trainer_that_learns_something_else_stops_it(usual: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    right = training.theirs

    def wrong(backbone: Backbone, batches: Any, terms: Any, *rest: Any, **more: Any) -> Ran:
        if more.get("usual", False) is usual:
            terms = replace(terms, learning_rate=terms.learning_rate * 4)
        return right(backbone, batches, terms, *rest, **more)

    monkeypatch.setattr(training, "theirs", wrong)
    with pytest.raises(SystemExit, match="losses afterwards are" if usual else "of their value apart"):
        trained("micro-llama", "all weights, RTE")


def test_a_power_law_has_its_exponent() -> None:
    assert exponent([1, 4, 16], [3.0, 6.0, 12.0]) == pytest.approx(0.5)


def test_the_command_for_a_gpu_keeps_what_each_part_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gpu.json"
    arguments = ["gpu", "--device", "cpu", "--tiny", "--json", str(file), "--only", "equality", "memory", "row"]
    monkeypatch.setattr("sys.argv", [*arguments, "--minutes", "5"])
    with pytest.raises(SystemExit) as ended:
        gpu.main()
    assert ended.value.code == 0
    parts = json.loads(file.read_text(encoding="utf-8"))["parts"]
    assert [(name, part["exit"]) for name, part in parts.items()] == [("equality", 0), ("memory", 0), ("row", 0)]
    assert parts["equality"]["figures"]["micro-llama"]["loss, float32"] == 0
    (lora,) = parts["memory"]["figures"]
    assert lora["title"].startswith("train lora on rte")
    assert lora["measured"] > 4 * lora["parameters"]
    assert any("micro2_cb 4-shot" in line for line in parts["row"]["end"])
    assert "exit 0 after" in capsys.readouterr().out


def test_a_part_without_time_is_not_begun_and_one_that_fails_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = gpu.Part("broken", 0, lambda given, figures: ["-c", "print('why'); raise SystemExit(3)"])
    endless = gpu.Part("endless", 0, lambda given, figures: ["-c", "print('on', flush=True)\nwhile True: pass"])
    monkeypatch.setattr(gpu, "PARTS", (broken, endless, gpu.Part("tests", 60, gpu.tests)))
    file = tmp_path / "gpu.json"
    monkeypatch.setattr("sys.argv", ["gpu", "--device", "cpu", "--minutes", "0.05", "--json", str(file)])
    with pytest.raises(SystemExit) as ended:
        gpu.main()
    assert ended.value.code == 1
    parts = json.loads(file.read_text(encoding="utf-8"))["parts"]
    assert (parts["broken"]["exit"], parts["broken"]["end"]) == (3, ["why"])
    assert (parts["endless"]["exit"], parts["endless"]["end"]) == (None, ["on"])
    assert parts["tests"]["end"][0].startswith("not begun: ")


def test_a_device_that_answers_otherwise_is_out_of_bounds() -> None:
    figures = {"answers that differ, float32": 0.01, "loss, float32": 2e-3, "gradient, float32": float("nan"),
               "loss, bfloat16": 0.01}  # fmt: skip
    assert equality.wrong(figures) == [
        "loss, float32 is 0.002, more than 0.001", "gradient, float32 is nan, more than 0.001"
    ]  # fmt: skip
