"""What a run says, and the log that has all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.cli.commands.planning import verbosity_of
from tests.cli.calls import SMALL, start, suite

QUICK = ["specs/finetune_rte.yaml", "--track=micro", *SMALL, "--set", "method.steps=2"]


@pytest.fixture(scope="module")
def quietly(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The home of a quiet run, and what it printed."""
    home = tmp_path_factory.mktemp("quiet")
    process = start("run", *QUICK, "--home", home, "-q", pages=True)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return home, out, err


def test_a_quiet_run_prints_its_end_only(quietly: tuple[Path, str, str]) -> None:
    home, out, err = quietly
    assert err == ""
    assert "note: " not in out
    assert "steps done, 0 reused" in out
    assert out.splitlines()[-1] == f"open {home}/site/index.html"


def test_its_log_has_the_plan_every_step_with_its_id_and_the_end(quietly: tuple[Path, str, str]) -> None:
    home, out, _ = quietly
    (log,) = (home / "logs").iterdir()
    text = log.read_text("utf-8")
    assert f"log {log}" in out.splitlines()
    assert "experiment " in text
    assert " finetune_rte · micro · seed 0 · specs/finetune_rte.yaml" in text
    assert re.search(r"plan: \d+ steps, 0 done, about ", text)
    assert "train finetune on rte · micro · seed 0 · step " in text
    assert " steps done, 0 reused, in " in text.splitlines()[-1]


def test_options_say_how_much_is_printed() -> None:
    assert verbosity_of(quiet=False, verbose=False) == "normal"
    assert verbosity_of(quiet=True, verbose=False) == "quiet"
    assert verbosity_of(quiet=False, verbose=True) == "verbose"


def test_less_and_more_at_once_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = suite(capsys, "run", *QUICK, "--home", tmp_path / "new", "-q", "-v")
    assert code == 2
    assert err == "error: --quiet --verbose: a run cannot say less and more; name one of them\n"
    assert not (tmp_path / "new").exists()


def test_the_doctor_names_the_last_log(
    quietly: tuple[Path, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, out, _ = suite(capsys, "doctor", "--home", quietly[0])
    newest = max((quietly[0] / "logs").iterdir())
    assert any(line.startswith("ok    logs: ") and line.endswith(str(newest)) for line in out.splitlines())
    _, out, _ = suite(capsys, "doctor", "--home", tmp_path)
    assert "ok    logs: no run has written one yet" in out.splitlines()
