"""Ten prompt-tuned variants of one base: ten runs of lm-eval's command against one process of ours.

`python -m benchmarks.commands` saves ten soft prompts for PEFT and for us, and answers XSum at 4 shots with each.
Theirs is `lm_eval run --model hf --model_args pretrained=…,peft=…`, once for each prompt, on a task with the same
rendered prompts, scored by exact match. Ours renders the task itself, scores it by ROUGE, and answers all ten variants
in common batches. All answers must be equal. Seconds are processor time of whole processes: ten runs pay for importing
and loading ten times. `--path FOLDER --data FOLDER` uses a decoder's folder and the tasks of track `smol-cpu`, `--json
FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml
from peft import PromptTuningConfig, TaskType, get_peft_model

import benchmarks.variants
from benchmarks.evaluation import asked
from benchmarks.sides import Asked
from suite.evaluation.multi_adapter import evaluate_together
from suite.models.adapted import AdaptedModel
from suite.models.artifacts import load_artifact
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations


def loaded(given: argparse.Namespace) -> tuple[Backbone, Asked]:
    """The base model, and the task with the track's settings."""
    source = ModelSource(path=given.path) if given.path else ModelSource(bundled="micro-llama")
    backbone = load_backbone(locate(source, None), "cpu")
    (experiment,) = load([shipped() / "pretrained.yaml"], Options(track="smol-cpu" if given.path else "micro"))
    locations = DataLocations.of(given.data) if given.data else DataLocations()
    return backbone, asked(experiment, locations, given.documents, roles=["xsum"], shots=[4])[0]


def ours(given: argparse.Namespace, folder: Path) -> None:
    """The work of our process: write the answers of all variants as JSON."""
    backbone, each = loaded(given)
    prompts = [load_artifact(folder / f"ours{place}", backbone.identity) for place in range(benchmarks.variants.COUNT)]
    stacks = [AdaptedModel(backbone, backbone.model, prompt.vectors, (prompt.hash,)) for prompt in prompts]  # type: ignore[union-attr]
    results = evaluate_together(stacks, each.task, batch_tokens=each.batch_tokens, max_length=each.max_length)
    said = [[answer.output for answer in result.answers] for result in results]
    (folder / "ours.json").write_text(json.dumps(said), encoding="utf-8")


def prepared(given: argparse.Namespace, folder: Path) -> tuple[Path, int]:
    """Save the soft prompts, and the task for lm-eval. Returns the base model's folder and the positions for text."""
    backbone, each = loaded(given)
    for place, stack in enumerate(benchmarks.variants.variants(backbone)):
        assert stack.soft is not None
        SoftPrompt(stack.soft).save(folder / f"ours{place}", base=backbone.identity)
        config = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=benchmarks.variants.LENGTH)
        tuned: Any = get_peft_model(backbone.model, config)
        tuned.prompt_encoder["default"].embedding.weight.data = stack.soft
        tuned.save_pretrained(str(folder / f"theirs{place}"))
    each.task.build_all_requests()
    rows = [json.dumps({"prompt": request.args[0]}) + "\n" for request in each.task.instances]
    (folder / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    task = {
        "task": "variants", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": f"{folder}/rows.jsonl"}},
        "test_split": "test", "output_type": "generate_until", "doc_to_text": "{{prompt}}", "doc_to_target": "x",
        "generation_kwargs": dict(each.task.config.generation_kwargs),
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    (folder / "variants.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    return Path(backbone.model.name_or_path), each.max_length - benchmarks.variants.LENGTH


def theirs(folder: Path, model: Path, length: int, place: int, size: int) -> list[str]:
    """Run lm-eval's command once and return its answers."""
    out = folder / f"out{place}"
    named = f"pretrained={model},peft={folder}/theirs{place},dtype=float32,max_length={length}"
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", named, "--tasks", "variants"]
    command += ["--include_path", str(folder), "--batch_size", str(size), "--device", "cpu", "--log_samples"]
    _done([*command, "--output_path", str(out)])
    (file,) = out.rglob("samples_*.jsonl")
    samples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [each["resps"][0][0] for each in sorted(samples, key=lambda each: int(each["doc_id"]))]


def _done(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if ended.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed: {ended.stderr[-2000:]}")


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of both sides. Raises SystemExit if an answer differs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, length = prepared(given, folder)
        again = [option for option in ("path", "data", "documents") if getattr(given, option)]
        options = [text for option in again for text in (f"--{option}", str(getattr(given, option)))]
        began = _used()
        _done([sys.executable, "-m", "benchmarks.commands", "--ours", str(folder), *options])
        mine, began = _used() - began, _used()
        answers = [theirs(folder, model, length, place, given.size) for place in range(benchmarks.variants.COUNT)]
        found = {"ours": mine, "lm-eval": _used() - began}
        said = json.loads((folder / "ours.json").read_text(encoding="utf-8"))
    different = sum(one != other for both in zip(said, answers, strict=True) for one, other in zip(*both, strict=True))
    if different:
        raise SystemExit(f"not equal: {different} answers differ")
    found |= {"answers": sum(map(len, said)), "ratio": found["lm-eval"] / found["ours"]}
    print(f"  {len(said)} runs of lm_eval {found['lm-eval']:.1f} s, one process of ours {found['ours']:.1f} s: "
          f"{found['ratio']:.1f}x, {found['answers']} equal answers")  # fmt: skip
    return found


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--path", help="a decoder's folder, instead of the bundled one")
    parser.add_argument("--data", type=Path, help="a data folder, for `--path`")
    parser.add_argument("--documents", type=int, help="instead of the track's number")
    parser.add_argument("--size", type=int, default=16, help="lm-eval's batch size")
    parser.add_argument("--ours", type=Path, metavar="FOLDER", help="do what one process of ours does")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.ours:
        ours(given, given.ours)
        return
    told = compare(given)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
