"""Artifacts through a folder and through a bucket of a real S3 server: sent whole, verified on arrival."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from suite.core.errors import ArtifactLost, SuiteError
from suite.execution.artifacts import load_published, publish
from suite.execution.exchange import MANIFEST, ArtifactExchange
from suite.models.artifacts.prompt import SoftPrompt

STEP = "0123456789abcdef"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("NO_PROXY", "127.0.0.1")
        boto3.client("s3").create_bucket(Bucket="artifacts")
        yield "s3://artifacts/some/folder"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "shared") if request.param == "folder" else str(request.getfixturevalue("bucket"))


def saved(folder: Path, value: float = 0.5) -> SoftPrompt:
    artifact = SoftPrompt(torch.full((4, 8), value))
    publish(folder, artifact, "base")
    return artifact


def test_an_artifact_arrives_as_it_was_sent(url: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours" / STEP, tmp_path / "theirs" / STEP
    artifact = saved(ours)
    sender, receiver = ArtifactExchange(url), ArtifactExchange(url)
    sender.check()
    sender.send(ours, artifact.hash)
    assert receiver.has(STEP, artifact.hash)
    receiver.fetch(theirs, artifact.hash)
    assert {file.name: file.read_bytes() for file in theirs.iterdir()} == {
        file.name: file.read_bytes() for file in ours.iterdir()
    }
    assert load_published(theirs, "base", artifact.hash).hash == artifact.hash
    assert [each.name for each in theirs.parent.iterdir()] == [STEP]


def test_another_version_takes_the_place_of_the_one_that_was_fetched(url: str, tmp_path: Path) -> None:
    exchange, there = ArtifactExchange(url), tmp_path / "theirs" / STEP
    for value in (1.0, 2.0):
        artifact = saved(tmp_path / str(value) / STEP, value)
        exchange.send(tmp_path / str(value) / STEP, artifact.hash)
        exchange.fetch(there, artifact.hash)
        assert load_published(there, "base", artifact.hash).hash == artifact.hash
    before = {file: file.stat().st_mtime_ns for file in there.iterdir()}
    exchange.fetch(there, artifact.hash)  # what is there is not fetched again
    assert {file: file.stat().st_mtime_ns for file in there.iterdir()} == before


def test_what_is_missing_half_sent_or_damaged_is_lost(tmp_path: Path) -> None:
    shared, ours, theirs = tmp_path / "shared", tmp_path / "ours" / STEP, tmp_path / "theirs" / STEP
    artifact = saved(ours)
    exchange = ArtifactExchange(str(shared))
    with pytest.raises(ArtifactLost, match="is not in"):
        exchange.fetch(theirs, artifact.hash)
    exchange.send(ours, artifact.hash)
    folder = shared / f"{STEP}-{artifact.hash}"
    tensors = folder / "artifact.safetensors"
    content = bytearray(tensors.read_bytes())
    content[-5] ^= 16
    tensors.write_bytes(content)
    with pytest.raises(ArtifactLost, match=r"is damaged \(artifact.safetensors\)"):
        exchange.fetch(theirs, artifact.hash)
    assert not theirs.exists()
    assert list(theirs.parent.iterdir()) == []
    (folder / MANIFEST).unlink()  # as if the sender had been killed
    with pytest.raises(ArtifactLost, match="is not in"):
        exchange.fetch(theirs, artifact.hash)
    exchange.send(ours, artifact.hash)
    exchange.fetch(theirs, artifact.hash)
    assert json.loads((folder / MANIFEST).read_text()).keys() == {file.name for file in theirs.iterdir()}


def test_a_name_in_the_list_of_files_cannot_leave_the_folder(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours" / STEP, tmp_path / "theirs" / STEP
    artifact = saved(ours)
    exchange = ArtifactExchange(str(tmp_path / "shared"))
    exchange.send(ours, artifact.hash)
    folder = tmp_path / "shared" / f"{STEP}-{artifact.hash}"
    sums = json.loads((folder / MANIFEST).read_text())
    shutil.copy(folder / "artifact.json", tmp_path / "shared" / "evil.json")
    (folder / MANIFEST).write_text(json.dumps({**sums, "../evil.json": sums["artifact.json"]}))
    exchange.fetch(theirs, artifact.hash)
    assert {file.name for file in theirs.iterdir()} == {"artifact.json", "artifact.safetensors", "evil.json"}
    assert [each.name for each in theirs.parent.iterdir()] == [STEP]


def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"'nothing' needs a package|'nothing://x' cannot be used"):
        ArtifactExchange("nothing://x")
    (tmp_path / "file").touch()
    with pytest.raises(SuiteError, match="cannot be written"):
        ArtifactExchange(str(tmp_path / "file" / "folder")).check()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)  # what was imported before
    with pytest.raises(SuiteError) as raised:
        ArtifactExchange("s3://bucket/folder")
    assert raised.value.problems[0].fix == 'pip install "finetune-suite[s3]"'
