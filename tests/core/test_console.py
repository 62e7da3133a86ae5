"""Consoles: any encoding, closed and broken streams; none of them ends a command or keeps the site from being made."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from suite.cli import main
from suite.cli.commands.report import report
from suite.core.run_dir import RunDir
from suite.execution.outcome import Outcome
from suite.execution.progress import PlanProgress
from suite.planning import Plan
from suite.results.store import Store
from tests.leaderboard.filled import BASE, METHODS, Filling

COMMANDS = {
    "show": ["show"], "one": ["show", "finetune_rte"], "json": ["show", "--json"], "board": ["board"],
    "compare": ["compare", "pretrained", "finetune_rte"], "check": ["check", "--json"], "list": ["list"],
    "table": ["table", "promot-3"], "wrong": ["show", "föo"],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home ä±")
    with Store.open(folder / "suite.db") as store:
        filling = Filling(store, documents=2)
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add("finetune_rte", "finetune", METHODS["finetune"], (0, 1))
    return folder


class Console:
    """Standard output and error of an encoding."""

    def __init__(self, patch: pytest.MonkeyPatch, encoding: str) -> None:
        self.streams = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}
        for name, stream in self.streams.items():
            patch.setattr(sys, name, stream)

    @property
    def out(self) -> bytes:
        buffer = self.streams["stdout"].buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()

    def run(self, *arguments: str | Path) -> int:
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        return int(ended.value.code or 0)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_on_any_console_as_on_a_unicode_one(
    monkeypatch: pytest.MonkeyPatch, home: Path, command: str, encoding: str
) -> None:
    of_home = [] if command == "list" else ["--home", home]
    codes = []
    for each in ("utf-8", encoding):
        with monkeypatch.context() as patch:
            console = Console(patch, each)
            codes.append(console.run(*COMMANDS[command], *of_home))
    assert codes[0] == codes[1]
    if "--json" in COMMANDS[command]:
        json.loads(console.out.decode(encoding))


def test_signs_that_a_console_lacks_are_written_with_those_it_has(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    console = Console(monkeypatch, "ascii")
    console.run("show", "--home", home)
    assert b" +/- " in console.out


class Broken(io.StringIO):
    """Nobody reads it."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def test_the_site_is_made_whatever_becomes_of_the_console(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(sys, "stdout", Broken())
    with pytest.raises(BrokenPipeError):
        report(Plan((), (), ()), RunDir(home), Outcome(0, 0), pages=True)
    assert (home / "site" / "index.html").is_file()


@pytest.mark.parametrize("out", [None, Broken(), io.StringIO()])
def test_progress_goes_on_unseen(out: io.StringIO | None) -> None:
    if out is not None and not isinstance(out, Broken):
        out.close()
    plan = PlanProgress(2, out)  # type: ignore[arg-type]
    progress = plan.of_step("1")
    progress.begin("one")
    progress.say("a line")
    progress.progress(3, 3, 0.5)
    plan.end("1", "one", "done", 1.0)
    assert plan.done == 1


@pytest.mark.parametrize("shell", ["{} list all >&-", "{} list all >&- 2>&-", "{} list x 2>&-"])
def test_a_closed_stream_is_no_error(shell: str) -> None:
    command = f"{sys.executable} -m suite"
    ended = subprocess.run(["sh", "-c", shell.format(command)], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.returncode == (2 if "list x" in shell else 0)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [("board --json", 141), ("show --wide", 141), ("--help", 141), ("check", 141), ("show nothing", 2)],
)
def test_a_pipe_that_its_reader_closes_ends_a_command_without_a_word(
    home: Path, arguments: str, code: int, unbuffered: str
) -> None:
    command = [sys.executable, "-m", "suite", *arguments.split()]
    reader, writer = os.pipe()
    os.close(reader)
    into = {"stderr" if code == 2 else "stdout": writer}
    about = {**os.environ, "SUITE_HOME": str(home), "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(command, **{"stdout": PIPE, "stderr": PIPE, **into}, env=about, check=False)  # type: ignore[call-overload]
    os.close(writer)
    assert (ended.returncode, ended.stdout or b"", ended.stderr or b"") == (code, b"", b"")


def test_a_broken_pipe_that_is_not_the_users_is_a_bug(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("suite.cli.commands.results.show_results", broken)
    with pytest.raises(BrokenPipeError):
        main(["show", "--home", str(home)])


def test_a_full_disk_behind_standard_output_is_one_line(home: Path) -> None:
    command = f"{sys.executable} -c 'from suite.cli import main; main()' list all > /dev/full"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: No space left on device; make room")
    assert len(ended.stderr.splitlines()) == 1
