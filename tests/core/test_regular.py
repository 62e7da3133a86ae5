"""What lies among files and is none (a FIFO, a socket, a device) is told in one line; nobody waits for it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.core.errors import machine_problem
from suite.core.hashing import file_hash
from suite.core.regular import NotRegular, open_regular
from tests.cli.calls import suite
from tests.planning.own_task import make_workspace

MODEL = Path(__file__).parents[2] / "suite" / "micro" / "models" / "micro-llama"


@pytest.fixture(autouse=True)
def _limited() -> Iterator[None]:
    """Who waits nevertheless, fails."""

    def late(*_: object) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS: dict[str, Callable[[Path], None]] = {
    "a FIFO": os.mkfifo,
    "a socket": a_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    KINDS[kind](Path("here"))
    for read in (open_regular, file_hash):
        with pytest.raises(NotRegular) as caught:
            read(Path("here"))
        assert str(machine_problem(caught.value)).startswith(f"here: cannot be read (it is {kind}, not a regular file)")


@pytest.mark.parametrize("name", ["a.json", "micro/a.json.gz"])
def test_a_folder_of_records_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = tmp_path / "records"
    (folder / "micro").mkdir(parents=True)
    (folder / "old.json").mkdir()
    os.mkfifo(folder / name)
    told = f"error: {folder / name}: cannot be read (it is a FIFO, not a regular file); name a file, or take it away\n"
    assert suite(capsys, "import", folder, "--verify") == (2, "", told)
    code, _, told_by_site = suite(capsys, "render", "--records", folder, "--home", tmp_path / "home")
    assert (code, told_by_site) == (2, told)


@pytest.mark.parametrize(
    "place", ["specs/own.yaml", "specs/tracks/mini.yaml", "specs/tasks/mine.yaml", "data/mine/train.jsonl",
              "data/mine/test.jsonl", "models/own/tokenizer.json", "models/own/config.json"]
)  # fmt: skip
def test_a_workspace_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    folder = make_workspace(tmp_path)
    shutil.copytree(MODEL, folder / "models" / "own")
    track = folder / "specs" / "tracks" / "mini.yaml"
    track.write_text(track.read_text().replace("{bundled: micro-llama}", "{path: ../../models/own}"))
    (folder / place).unlink()
    os.mkfifo(folder / place)
    given = ["plan", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", tmp_path / "home"]
    code, _, told = suite(capsys, *given)
    assert code == 2
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert Path(place).name.removesuffix(".yaml") in told
