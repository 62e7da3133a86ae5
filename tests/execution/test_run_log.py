"""The log of a run: all that it said, small, without secrets, and never the end of a run."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from suite.core import signals
from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.execution.progress import PlanProgress, Verbosity
from suite.execution.run_log import KEPT, MAX_BYTES, NAME, RunLog, newest_log, run_log
from suite.tasks.load import quiet

TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


def only(home: Path) -> str:
    """What the only log says, without its times: each line has one."""
    (file,) = (home / "logs").iterdir()
    assert NAME.fullmatch(file.name)
    lines = file.read_text("utf-8").splitlines()
    assert all(TIMED.match(f"{line} ") for line in lines)
    return "\n".join(line[len("2026-01-01T00:00:00Z ") :] for line in lines)


def test_a_log_says_what_was_called_and_with_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/suite", "run", "a b.yaml"])
    with run_log(RunDir(tmp_path), "cpu") as log:
        log.say("two\nlines")
    command, folder, versions, _, device, *rest = only(tmp_path).splitlines()
    assert command == "command: suite run 'a b.yaml'"
    assert folder == f"folder: {Path.cwd()}"
    assert versions.startswith("versions: python 3.")
    assert device.startswith("device: cpu; ")
    assert rest == ["two", "lines"]


def test_the_arguments_of_another_program_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py", "--key", "abc"])
    with run_log(RunDir(tmp_path), None):
        pass
    assert only(tmp_path).splitlines()[0] == "command: mine.py"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("--db postgresql+psycopg://me:s3cr:t/@a@host/db", "--db postgresql+psycopg://me:***@host/db"),
        ("postgresql://host/db?user=me&password=s3cret&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("HF_TOKEN=abcdef hf_abcdefgh12345", "HF_TOKEN=*** hf_***"),
        ("--set decoding.batch_tokens=64 https://host/a@b", "--set decoding.batch_tokens=64 https://host/a@b"),
    ],
)
def test_nothing_secret_is_written(tmp_path: Path, text: str, masked: str) -> None:
    log = RunLog(RunDir(tmp_path))
    log.say(text)
    log.close()
    assert only(tmp_path) == masked


def test_the_password_of_the_database_is_masked_wherever_it_comes_from(tmp_path: Path) -> None:
    log = RunLog(RunDir(tmp_path, "postgresql+psycopg://me:open%20sesame@host/db"))
    log.say("the driver says: no entry for 'open sesame'")
    log.close()
    assert only(tmp_path) == "the driver says: no entry for '***'"


def test_a_line_steers_no_terminal(tmp_path: Path) -> None:
    log = RunLog(RunDir(tmp_path))
    log.say("a\x1b[2Jb\rc")
    log.close()
    assert only(tmp_path) == r"a\x1b[2Jb c"


def test_a_log_stays_small_and_has_the_end(tmp_path: Path) -> None:
    log = RunLog(RunDir(tmp_path))
    for _ in range(60):
        log.say("x" * 100_000)
    log.say("y" * 300_000 + "the very end", at_the_end=True)
    log.close()
    (file,) = (tmp_path / "logs").iterdir()
    text = file.read_text("utf-8")
    assert file.stat().st_size <= MAX_BYTES
    assert text.count("no more is written before the end: the log is long") == 1
    assert text.endswith("the very end\n")


def test_the_last_logs_are_kept_and_other_files_are_left_alone(tmp_path: Path) -> None:
    home = RunDir(tmp_path)
    home.logs.mkdir()
    (home.logs / "mine.txt").write_text("a note")
    for number in range(KEPT + 5):
        (home.logs / f"20250101T{number:06d}Z-1.log").touch()
    RunLog(home).close()
    names = sorted(file.name for file in home.logs.iterdir())
    assert len(names) == KEPT + 1
    assert names[0] == "20250101T000006Z-1.log"
    assert newest_log(home)[0] == KEPT
    assert names[-1] == "mine.txt"


def test_no_log_can_be_written_and_the_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("in its place")
    with run_log(RunDir(tmp_path), None) as log:
        log.say("unheard")
        assert log.path is None
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"warning: {tmp_path}/logs/\S+\.log is not written \(.+\); the run goes on", line)


FULL = """
import resource, sys
from pathlib import Path
from suite.core.run_dir import RunDir
from suite.execution.run_log import RunLog
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
log = RunLog(RunDir(Path(sys.argv[1])))
for number in range(50):
    log.say(f"line {number}")
log.close()
print("went on")
"""


def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "went on\n")
    (line,) = ended.stderr.splitlines()
    assert "is not written (File too large); the run goes on" in line


@pytest.mark.parametrize(("verbosity", "shown"), [("quiet", False), ("normal", True), ("verbose", True)])
def test_what_libraries_warn_of_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verbosity: Verbosity, shown: bool
) -> None:
    root = logging.getLogger()
    before, root.handlers = root.handlers, []  # pytest's own
    try:
        with warnings.catch_warnings(record=True) as seen, run_log(RunDir(tmp_path), None, verbosity):
            warnings.simplefilter("always")
            logging.getLogger("some.library").warning("old %s", "setting")
            logging.getLogger("some.library").info("nothing of interest")
            logging.getLogger("transformers").warning("a slow tokenizer")
            warnings.warn("soon gone", FutureWarning, stacklevel=1)
        assert not root.handlers
    finally:
        root.handlers = before
    text = only(tmp_path)
    assert "warning of some.library: old setting" in text
    assert text.count("warning of transformers: a slow tokenizer") == 1
    assert "FutureWarning: soon gone (" in text
    assert "of interest" not in text
    assert ("old setting" in capsys.readouterr().err, bool(seen)) == (shown, shown)


@pytest.mark.parametrize("propagate", [True, False])  # lm-eval's own set-up stops it
def test_verbose_has_what_is_silenced_otherwise(
    propagate: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("lm_eval"), "propagate", propagate)
    for verbosity in ("normal", "verbose"):
        with run_log(RunDir(tmp_path / verbosity), None, verbosity), quiet():
            logging.getLogger("lm_eval").warning("of little use")
    assert "of little use" not in only(tmp_path / "normal")
    assert only(tmp_path / "verbose").count("warning of lm_eval: of little use") == 1


def test_a_bug_leaves_its_traceback_and_names_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), run_log(RunDir(tmp_path), None):
        _ = 1 / 0
    text = only(tmp_path)
    assert "Traceback (most recent call last):" in text
    assert text.endswith("ZeroDivisionError: division by zero")
    assert capsys.readouterr().err.startswith(f"the log of this run is {tmp_path}/logs/")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SuiteError("is gone", where="store", fix="look"), "error: store: is gone; look"),
        (signals.EndedBySignal(15), "ended by a signal (SIGTERM)"),
    ],
)
def test_what_ends_a_run_is_written_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException, told: str
) -> None:
    with pytest.raises(type(error)), run_log(RunDir(tmp_path), None):
        raise error
    assert only(tmp_path).splitlines()[-1] == told
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [
        ("quiet", ""),
        ("normal", "  a note\n[1/2] train x · done · 2.0 s\n"),
        ("verbose", "  a note\n[1/2] train x · step 1a2b3c4d · done · 2.0 s\n"),
    ],
)
def test_progress_says_as_much_as_is_asked_and_logs_all(verbosity: Verbosity, shown: str) -> None:
    out, lines = io.StringIO(), list[str]()
    plan = PlanProgress(2, out, verbosity, lines.append, {"train x": "1a2b3c4d"})
    progress = plan.of_step("1a2b3c4d5e")
    progress.begin("train x")
    progress.say_once("a note")
    progress.say_once("a note")
    progress.progress(1, 4, 0.5)
    progress.progress(2, 4, 0.5)
    plan.end("1a2b3c4d5e", "train x", "done", 2.0)
    assert out.getvalue() == shown
    assert lines == ["[1/2] train x · step 1a2b3c4d", "a note", "[1/2] train x · step 1a2b3c4d · done · 2.0 s"]


def test_the_id_of_the_process_is_in_the_name(tmp_path: Path) -> None:
    log = RunLog(RunDir(tmp_path))
    log.close()
    assert str(log.path).endswith(f"Z-{os.getpid()}.log")
