"""The first run of a model of the hub: fetched first, then planned, so that its steps count for the second run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from suite.micro import MODELS
from suite.results.store import Store

COMMIT = hashlib.sha1(b"a commit").hexdigest()
FILES = {file.name: file.read_bytes() for file in sorted((MODELS / "micro-llama").iterdir()) if file.is_file()}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as its client asks for a model: the list of its files, and each file."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/org/tiny/tree/"):
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in FILES.items()
            ]
            self._send(json.dumps(entries).encode(), "application/json", body=body)
        elif path.startswith("/api/models/org/tiny"):
            listed = {"id": "org/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
            self._send(json.dumps(listed).encode(), "application/json", body=body)
        elif path.startswith("/org/tiny/resolve/") and (content := FILES.get(path.rpartition("/")[2])) is not None:
            self._send(content, "application/octet-stream", body=body)
        elif path == "/":
            self._send(b"", "text/plain", body=body)
        else:
            self.send_error(404)

    def _send(self, content: bytes, kind: str, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def suite(folder: Path, hub: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    environment |= {"HF_ENDPOINT": hub, "HF_HOME": str(folder / "cache"), "NO_PROXY": "127.0.0.1", "no_proxy": "*"}
    done = subprocess.run(
        [sys.executable, "-m", "suite", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_first_run_of_a_model_of_the_hub_counts_for_the_second(tmp_path: Path, hub: str) -> None:
    (tmp_path / "specs/tracks").mkdir(parents=True)
    (tmp_path / "specs/tracks/own.yaml").write_text(
        "name: own\nmodel: {hub: org/tiny}\nroles: {rte: micro_rte, cb: micro_cb}\n"
        "held_out: {roles: [cb], shots: [0], documents: 4}\ntarget: {documents: 4}\nseeds: [0]\n"
        "selection: {documents: 8}\nbudget: {batch_size: 4, max_length: 128}\n",
        encoding="utf-8",
    )
    (tmp_path / "specs/lora.yaml").write_text(
        "name: lora\ntrack: own\nmethod: {name: lora, steps: 2, learning_rate: 1e-2}\ntargets: [rte]\n",
        encoding="utf-8",
    )
    first = suite(tmp_path, hub, "run", "specs/lora.yaml")
    assert "5 steps done, 0 reused" in first
    assert "0 steps done, 5 reused" in suite(tmp_path, hub, "run", "specs/lora.yaml")
    with Store.open(tmp_path / "runs" / "suite.db", create=False) as store:
        identities = {record.config["model"]["identity"] for record in store.steps(store.step_ids()).values()}
    assert len(identities) == 1
    assert "hub:" not in identities.pop()
