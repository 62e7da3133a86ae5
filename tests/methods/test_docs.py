"""The method that docs/methods.md has readers write runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.core.errors import StepFailed
from suite.methods import MethodRegistry
from tests.cli.calls import SMALL, suite
from tests.methods.outside import EXAMPLE, REPOSITORY
from tests.methods.tiny_jobs import job_for
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_backbone

DOCS = (REPOSITORY / "docs" / "methods.md").read_text(encoding="utf-8")


def test_the_method_of_the_page_runs_and_is_15_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(re.findall(r"^```\w+ ([\w/]+\.\w+)\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL))
    assert list(files) == ["methods/gains.py", "gains.yaml", "methods/own_loop.py", "methods/replay.py"]
    assert len([line for line in files["methods/gains.py"].splitlines() if line]) <= 15
    (tmp_path / "methods").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code, _, err = suite(capsys, "run", "gains.yaml", "--home", tmp_path, *SMALL, "--set", "method.steps=2")
    assert code == 0, err
    assert "gains" in suite(capsys, "board", "--home", tmp_path)[1]
    assert "Settings of gains: " in suite(capsys, "schema", "gains")[1]
    assert "[methods/gains.py]" in suite(capsys, "list", "methods")[1]
    assert "gains (methods/gains.py, source " in suite(capsys, "doctor", "--home", tmp_path)[1]


def test_the_loop_of_the_page_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```python methods/own_loop.py\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL)
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "own_loop.py").write_text(text, encoding="utf-8")
    method, backbone = MethodRegistry.of((tmp_path,)).get("own_loop"), tiny_backbone("decoder")
    config = method.Config(steps=5, learning_rate=0.5)  # type: ignore[call-arg]
    assert method.train is not None
    whole = method.train(config, job_for("lora", backbone, tmp_path / "whole"))
    with pytest.raises(StepFailed, match="Stop"):
        method.train(config, job_for("lora", backbone, tmp_path / "cut", log=Memory(3), checkpoint_seconds=0.0))
    log = Memory()
    resumed = method.train(config, job_for("lora", backbone, tmp_path / "cut", log=log))
    assert len(log.losses) == 2
    assert resumed.artifact.hash == whole.artifact.hash
    assert (resumed.fit.best_score, resumed.fit.tokens) == (whole.fit.best_score, whole.fit.tokens)
    other = method.train(config.model_copy(update={"steps": 6}), job_for("lora", backbone, tmp_path / "cut", log=log))
    assert log.said == ["starting anew: the checkpoint is of another configuration"]
    assert other.artifact.hash != whole.artifact.hash


def test_the_page_shows_the_entry_point_of_the_example() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL)
    assert block in (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
