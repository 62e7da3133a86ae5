"""Chat templates by lm-eval's command: the prompts and answers of its `hf` model; what is put on is taken off again."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import lm_eval.evaluator
import pytest
from lm_eval.models.huggingface import HFLM

import suite
from suite.core.errors import SuiteError
from suite.lm_eval import SuiteLM
from suite.models.backbone import load_backbone
from suite.models.source import ModelSource, locate
from suite.tasks.load import load_task
from tests.evaluation.tiny import MakeTask
from tests.models.test_apply import lora

MODEL = Path(suite.__file__).parent / "micro" / "models" / "micro-llama"
CHAT = """{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('none') }}\
{% endif %}{{ message.role }} : {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}answer:{% endif %}"""
QA = """\
doc_to_text: "the {{question}} is"
doc_to_target: "{{answer}}"
description: "be brief ."
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
ROWS = [{"question": word, "answer": "ill"} for word in ("dog", "cat", "blue wolf", "red fox")]


@pytest.fixture
def chatting(tmp_path: Path) -> Path:
    """The bundled model with a chat template that begins with BOS and knows no system message."""
    folder = tmp_path / "chatting"
    shutil.copytree(MODEL, folder)
    (folder / "chat_template.jinja").write_text(CHAT)
    return folder


def asked(lm: Any, task: Any) -> list[tuple[str, str]]:
    """Each prompt and what was answered."""
    options = {"apply_chat_template": True, "fewshot_as_multiturn": True}
    found = lm_eval.evaluator.evaluate(lm, {"tasks": {"qa": task}}, bootstrap_iters=0, log_samples=True, **options)
    return [(each["arguments"][0][0], each["resps"][0][0]) for each in found["samples"]["qa"]]


@pytest.mark.parametrize("prefix", ["", 'gen_prefix: "so it is"\n'])
def test_a_chat_template_is_applied_as_by_lm_evals_own_model(chatting: Path, make_task: MakeTask, prefix: str) -> None:
    task = load_task(*make_task(QA + prefix, ROWS[:3], ROWS[3:]), shots=1)
    ours = asked(SuiteLM(str(chatting)), task)
    assert ours == asked(HFLM(pretrained=str(chatting), device="cpu", dtype="float32", batch_size=2), task)
    assert all(prompt.startswith("<s>user : ") and "be brief" not in prompt for prompt, _ in ours)
    assert SuiteLM(str(chatting)).tokenizer_name == str(chatting).replace("/", "__")


def test_a_model_without_a_chat_template_is_an_error_of_one_line(make_task: MakeTask) -> None:
    with pytest.raises(SuiteError, match=r"has no chat template; leave out `--apply_chat_template`"):
        asked(SuiteLM("micro-llama"), load_task(*make_task(QA, ROWS)))


def artifact(folder: Path) -> Path:
    """A LoRA for the bundled model."""
    backbone = load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")
    folder.mkdir()
    lora(backbone).save(folder, base=backbone.identity, extra={})
    return folder


def test_artifacts_are_taken_off_with_the_model(tmp_path: Path) -> None:
    lm = SuiteLM("micro-llama", artifact=str(artifact(tmp_path / "lora")))
    model = lm.adapted.backbone.model
    assert any("lora" in name for name, _ in model.named_parameters())
    del lm
    gc.collect()
    assert not any("lora" in name for name, _ in model.named_parameters())


@pytest.mark.slow
def test_nothing_is_raised_while_the_interpreter_ends(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "lora")
    script = f"from suite.lm_eval import SuiteLM\nlm = SuiteLM('micro-llama', artifact={str(folder)!r})"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, "ignored" in ended.stderr, "Traceback" in ended.stderr) == (0, False, False)
