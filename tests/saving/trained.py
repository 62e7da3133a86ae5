"""Experiments of every method, trained for a few steps that change answers, and their answers in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import suite

ROWS = 16
FAST: dict[str, Any] = {
    "held_out.roles": ["triviaqa"], "held_out.shots": [1], "held_out.documents": 2, "target.documents": ROWS,
    "selection.documents": 2, "budget.batch_size": 4, "budget.max_length": 128,
}  # fmt: skip
"""A track of the micro world, cut down to seconds."""
LORA = {"steps": 3, "learning_rate": 0.05, "select_every": 3}
IA3 = {"steps": 3, "learning_rate": 0.3, "select_every": 3}
SVF = {"steps": 3, "learning_rate": 0.5, "clip": 10.0, "objective": "next_token", "select_every": 3}
TEXT = "Is it true or false? answer: False the dog is black . question: the dog is black . answer: False"
PROMPT = {"steps": 4, "learning_rate": 0.1, "length": 20, "init": "text", "text": TEXT, "select_every": 4}
WEIGHTS = {"steps": 3, "learning_rate": 3e-3, "select_every": 3}
METHODS: dict[str, dict[str, Any]] = {
    "finetune": WEIGHTS,
    "lora": LORA,
    "dora": LORA,
    "rslora": LORA,
    "pissa": LORA,
    "boft": {"steps": 3, "learning_rate": 0.1, "select_every": 3},
    "ia3": IA3,
    "ia3_further": {**IA3, "first": IA3},
    "few_shot_tuning": {"tuner": IA3, "shots": 3},
    "prompt_tuning": PROMPT,
    "fixed_prompt": {"init": "text", "text": TEXT, "length": 20},
    "fixed_exemplar": {"name": "fixed_prompt", "init": "exemplar"},
    "prefix_tuning": {"steps": 3, "learning_rate": 1.0, "length": 4, "select_every": 3},
    "promot": {**WEIGHTS, "stage_one": PROMPT},
    "promot_lora": {"name": "promot", **WEIGHTS, "stage_one": {"name": "lora", **LORA, "steps": 6}},
    "joint_tuning": {**WEIGHTS, "length": 4},
    "svf": SVF,
    "svf_transfer": {"base": {"bundled": "micro-llama"}, "expert": SVF},
    "mixture": {"experts": ["rte", "cb"], "expert": SVF, "weights": "uniform"},
    "t2_uniform_lora": {
        "name": "transformer2", "adaptation": "uniform", "expert": {"name": "lora", **LORA}, "targets": ["rte", "cb"],
    },
    "t2_few_shot": {
        "name": "transformer2", "adaptation": "few_shot", "expert": SVF, "targets": ["rte", "cb"], "shots": 3,
        "search": {"population": 4, "generations": 1},
    },
    "t2_oracle": {
        "name": "transformer2", "adaptation": "oracle", "expert": {"name": "lora", **LORA}, "targets": ["rte", "cb"],
    },
}  # fmt: skip
"""Row -> settings of its method, which has the row's name unless it says another; `targets` are rte unless it does."""
TRACKS = {"decoder": "micro", "encoder-decoder": "micro-t5"}
MODELS = {"decoder": "micro-llama", "encoder-decoder": "micro-t5"}


def write_specs(folder: Path, rows: Mapping[str, Mapping[str, Any]], track: str, model: str) -> list[Path]:
    """A spec for each row."""
    files = []
    for name, given in rows.items():
        settings = {"name": name, **given}
        spec = {"name": name, "track": track, "targets": settings.pop("targets", ["rte"])}
        spec |= {"sweep": settings.pop("sweep")} if "sweep" in settings else {}
        if "base" in settings:
            settings["base"] = {"bundled": model}
            if model == "micro-t5":
                settings["base"]["sentinels"] = True
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump({**spec, "method": settings}))
        files.append(file)
    return files


def run(files: Sequence[Path], home: Path, **options: Any) -> None:
    """Run specs that must all be done."""
    outcome = suite.run(suite.plan(suite.load_spec(*files, **options.pop("load", {})), home=home, **options))
    assert dict(outcome.failed) == {}
    assert outcome.exit_code == 0


@dataclass(frozen=True)
class Asked:
    """A part of a saved folder, what it is asked, and what suite's own evaluation says that it answers."""

    folder: Path
    part: int
    """Which of the card's blocks of code."""
    prompts: tuple[str, ...]
    outputs: tuple[str, ...]
    choices: tuple[tuple[str, ...], ...] = ()

    def job(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "folder": str(self.folder), "part": self.part, "prompts": list(self.prompts),
            "choices": [list(each) for each in self.choices],
        }  # fmt: skip


def asked(home: Path, saved: suite.SavedModel, role: str, part: int = 0, data: Path | None = None) -> Asked:
    """What was asked and answered in the evaluation of a role."""
    with suite.open_store(home) as store:
        found = suite.answers(store, saved.experiment.id, role=role, prompts=True, data=data)
    assert not any(each.truncated for each in found.answers)
    assert found.no_prompts == ()
    prompts = tuple(str(each.prompt) for each in found.answers)
    choices = tuple(each.choices for each in found.answers if each.choices)
    outputs = tuple(each.parsed if each.choices else each.output for each in found.answers)
    return Asked(saved.folder, part, prompts, outputs, choices)


PLAIN = """
import contextlib, io, json, re, sys

jobs = json.load(open(sys.argv[1]))
for job in jobs:
    card = open(job["folder"] + "/README.md", encoding="utf-8").read()
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(re.findall(r"```python\\n(.*?)```", card, re.DOTALL)[job["part"]], scope)
    rows = [(prompt,) for prompt in job["prompts"]]
    if job["choices"]:
        rows = list(zip(job["prompts"], job["choices"]))
    job["answers"] = [scope["answer"](*row) for row in rows]
assert not [name for name in sys.modules if name.partition(".")[0] in ("suite", "lm_eval", "leaderboard")]
json.dump([job["answers"] for job in jobs], open(sys.argv[2], "w"))
"""


def plainly(jobs: Sequence[Asked], folder: Path) -> list[tuple[str, ...]]:
    """The answers of the cards' own code, in one fresh process without suite."""
    given, answers = folder / "jobs.json", folder / "answers.json"
    given.write_text(json.dumps([job.job() for job in jobs]))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", PLAIN, given, answers], capture_output=True, text=True, check=False, cwd=folder,
        env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [tuple(each) for each in json.loads(answers.read_text())]
