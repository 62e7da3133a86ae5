"""lm-eval's own command with our LM: the scores of its `hf` model, and one line for what cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import suite
from suite.lm_eval import SuiteLM
from tests.forks import Forked

MODEL = Path(suite.__file__).parent / "micro" / "models" / "micro-llama"
TASK = """\
task: tiny_copy
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 6}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


OWN_TASKS = """\
import runpy, sys
from lm_eval import tasks

class Own(tasks.TaskManager):
    def __init__(self, *given, **settings):
        super().__init__(*given, **{**settings, "include_defaults": False})

tasks.TaskManager = Own
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
"""A module as a command, without the tasks that come with lm-eval, which take long to read."""


def lm_eval(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and errors; without `--device`, for which lm-eval puts `cuda:0`."""
    command = [*arguments, "--tasks", "tiny_copy", "--include_path", str(folder)]
    command += ["--output_path", str(folder / "out"), "--log_samples"]
    process = Forked(["-c", OWN_TASKS, *command], os.environ)
    _, errors = process.communicate(timeout=300)
    return process.wait(), errors


def said(folder: Path) -> list[Any]:
    """The answers of the newest run."""
    newest = max((folder / "out").rglob("samples_*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    return [json.loads(line)["resps"] for line in newest.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_lm_evals_command_gives_the_answers_of_its_own_model(tmp_path: Path) -> None:
    rows = [{"question": text, "answer": "a"} for text in ("a b c", "Q: who is it ? A:", "the")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "tiny.yaml").write_text(TASK.replace("FILE", str(tmp_path / "rows.jsonl")))
    code, errors = lm_eval(
        tmp_path, "suite.lm_eval", "run", "--model", "suite", "--model_args", "pretrained=micro-llama"
    )
    assert code == 0, errors[-2000:]
    answers = said(tmp_path)
    code, errors = lm_eval(
        tmp_path, "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={MODEL},dtype=float32"
    )
    assert code == 0, errors[-2000:]
    assert answers == said(tmp_path)
    assert any(answer[0][0] for answer in answers)
    code, errors = lm_eval(tmp_path, "suite.lm_eval", "run", "--model", "suite", "--model_args",
                    f"pretrained=micro-llama,artifact={tmp_path}/nothing")  # fmt: skip
    assert code == 2
    assert errors.splitlines()[-1].startswith("error: ")


def test_beams_and_their_length_penalty_are_arguments_of_the_model() -> None:
    model = SuiteLM("micro-llama", beams=4, length_penalty=0.6)
    assert (model.beams, model.length_penalty) == (4, 0.6)
    assert SuiteLM("micro-llama").length_penalty is None
    assert "micro2-llama-2m" in SuiteLM("micro2-llama-2m").tokenizer_name  # as each bundled model
