"""A hub that cannot be reached is asked once, and all that is missing is said at once and soon."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.core import hub


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*hub.SWITCHES, "HF_ENDPOINT", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    hub.unreachable.cache_clear()
    yield
    hub.unreachable.cache_clear()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_switch_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.unreachable() == "HF_HUB_OFFLINE is set"
    assert hub.reason_of(OSError("no file\nmore")) == "OSError: no file; offline: HF_HUB_OFFLINE is set"


def test_a_server_that_never_answers_is_given_up_soon(monkeypatch: pytest.MonkeyPatch, silent: str) -> None:
    monkeypatch.setattr(hub, "SECONDS", 0.2)
    assert "timed out" in str(hub._asked(silent))


def test_a_closed_port_is_no_hub() -> None:
    assert "refused" in str(hub._asked("http://127.0.0.1:9"))


SPEC = """\
name: mine
method: {name: finetune}
targets: [rte]
held_out: {roles: [cb], shots: [0]}
model: {hub: no/such-model}
roles: {rte: one, cb: two}
"""
TASK = """\
task: NAME
dataset_path: no/such-NAME
training_split: train
test_split: test
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 4}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


@pytest.mark.parametrize("command", ["plan", "run"])
def test_without_a_network_all_that_is_missing_is_said_at_once(tmp_path: Path, command: str) -> None:
    (tmp_path / "tasks").mkdir()
    for name in ("one", "two"):
        (tmp_path / "tasks" / f"{name}.yaml").write_text(TASK.replace("NAME", name))
    (tmp_path / "mine.yaml").write_text(SPEC)
    environment = {name: value for name, value in os.environ.items() if name not in hub.SWITCHES}
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "cache")}
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", "from suite.cli import main; main()", command, "mine.yaml"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert [line for line in lines if "offline: " not in line or "refused" not in line] == []
    for missing in ("'no/such-one train'", "'no/such-one test'", "'no/such-two test'", "the model 'no/such-model'"):
        assert sum(missing in line for line in lines) == 1
    assert time.monotonic() - began < 60  # a second by itself; the client's own retries take minutes
