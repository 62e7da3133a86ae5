"""`suite gc`: what it frees, what it leaves to runs that go on, and what later commands make of a deleted artifact."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from suite.core.disk import bytes_in
from tests.cli.calls import SMALL, light, start, suite

QUICK = [*SMALL, "--set", "method.steps=6"]
LORA = ["run", "specs/lora_rte.yaml", "--track=micro", *QUICK, "--seeds", "0,1"]
PROMOT = [
    "run",
    "specs/promot_rte.yaml",
    "--track=micro",
    *SMALL,
    "--set",
    "method.steps=30",
    "--set",
    "method.stage_one.steps=30",
]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "suite.db") as connection:
        return connection.execute(query).fetchall()


def results(home: Path) -> list[tuple[Any, ...]]:
    return rows(home, "SELECT title, metric, value FROM score JOIN step ON step.id = step_id ORDER BY 1, 2")


def said(output: str) -> str:
    return " ".join(output.split())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whole")
    process = start(*LORA, "--home", home)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "home")


def test_gc_says_what_it_would_free_and_then_frees_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = suite(capsys, "gc", "--home", home)
    assert code == 0
    assert out.startswith("0 B freed; ")
    orphan = home / "artifacts" / ("0" * 16)
    orphan.mkdir()
    (orphan / "weights.safetensors").write_bytes(b"x" * 5000)
    before = bytes_in(home)
    code, out, _ = suite(capsys, "gc", "--dry-run", "--home", home)
    assert code == 0
    assert "artifacts their steps were removed 1 5.0 kB" in said(out)
    assert "5.0 kB would be freed" in out
    assert bytes_in(home) == before
    assert light("gc", "--dry-run", "--home", home) == out  # every time, and without torch
    code, out, _ = suite(capsys, "gc", "--home", home)
    assert "5.0 kB freed" in out
    assert bytes_in(home) == before - 5000


def test_the_best_seed_keeps_its_artifact_and_every_row_its_scores(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = results(home)
    code, out, _ = suite(capsys, "gc", "lora_rte", "--keep-artifacts", "best", "--home", home)
    assert code == 0
    assert "1 train step has no artifact now; scores and answers stay" in out
    ((kept_seed,),) = rows(
        home,
        "SELECT seed FROM experiment JOIN experiment_step ON id = experiment_id JOIN artifact USING (step_id) "
        "WHERE path <> ''",
    )
    code, out, err = suite(capsys, "save", "lora_rte", tmp_path / "saved", "--home", home)
    assert code == 0, err
    assert f"Seed {kept_seed} of 0, 1" in out
    assert results(home) == before
    assert len(list((home / "artifacts").iterdir())) == 1
    code, out, _ = suite(capsys, "doctor", "--deep", "--home", home)
    assert "skip artifact: 1 were deleted since (`suite gc`)" in said(out)
    assert "ok artifact: 1 files have the hash that is stored" in said(out)


def test_a_deleted_artifact_is_trained_again_only_where_it_is_needed_or_restored(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hashes = rows(home, "SELECT step_id, hash, path FROM artifact ORDER BY 1")
    assert suite(capsys, "gc", "--keep-artifacts", "none", "--home", home)[0] == 0
    assert list((home / "artifacts").iterdir()) == []
    code, out, _ = suite(capsys, "plan", *LORA[1:], "--home", home)
    lines = [said(line) for line in out.splitlines() if "train lora on rte" in line]
    assert [line.endswith("its artifact was deleted") and line.startswith("done") for line in lines] == [True, True]
    shown = said(suite(capsys, "show", "lora_rte", "--home", home)[1])
    assert "seed 0: adapter of " in shown
    assert shown.count(" deleted") >= 2
    assert "train what was deleted again with suite run specs/lora_rte.yaml --track micro --seeds 1 --set" in shown
    assert "save the model with" not in shown
    assert "0 steps done" in suite(capsys, *LORA, "--home", home)[1]
    _, _, err = suite(capsys, "save", "lora_rte", tmp_path / "saved", "--seed", "1", "--home", home)
    assert "--seeds 1" in err
    assert err.endswith("--restore` trains it again\n")
    code, out, err = suite(capsys, *LORA, "--set", "target.documents=12", "--seeds", "0", "--home", home)
    assert code == 0
    assert "done again, for its artifact was deleted" in out + err
    code, out, _ = suite(capsys, *LORA, "--restore", "--home", home)
    assert "1 steps done" in out  # that of the other seed
    assert rows(home, "SELECT step_id, hash, path FROM artifact ORDER BY 1") == hashes


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["lora_rte"], "--keep-artifacts: experiments are named, and not what they should keep; add --keep-artifacts "
                       "reported, best or none"),
        (["--keep-artifacts", "bst"], "--keep-artifacts: 'bst' is no choice; did you mean 'best'?"),
        (["--track", "nano", "--keep-artifacts", "none"],
         "no experiment of the track 'nano' is stored; `suite show` lists the experiments"),
        (["lora", "--keep-artifacts", "none"], "there is no experiment 'lora' in the store; did you mean 'lora_rte'?"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_line_and_deletes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    before = bytes_in(home)
    code, _, err = suite(capsys, "gc", *arguments, "--home", home)
    assert (code, err) == (2, f"error: {line}\n")
    assert bytes_in(home) == before


def test_the_artifacts_of_another_database_are_not_garbage(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = suite(capsys, "gc", "--home", tmp_path / "nowhere")
    assert code == 2
    assert "there is no store yet; `suite run` makes one" in err
    (home / "suite.db").unlink()
    assert suite(capsys, "remove", "x", "--home", home)[0] == 2  # that made no store
    from suite.results.store import Store

    with Store.open(home / "suite.db"):
        pass
    code, _, err = suite(capsys, "gc", "--home", home)
    assert code == 2
    assert f"is empty, and all of {home / 'artifacts'} would go; name the database with --db" in err
    assert len(list((home / "artifacts").iterdir())) == 2


def test_gc_beside_a_run_of_another_process_takes_nothing_that_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet, busy = tmp_path / "quiet", tmp_path / "busy"
    assert suite(capsys, *PROMOT, "--home", quiet)[0] == 0
    process = start(*PROMOT, "--home", busy)
    collected = 0
    while process.poll() is None:  # all the while, in this process
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        if (busy / "suite.db").exists():
            code, out, err = suite(capsys, "gc", "--keep-artifacts", "none", "--caches", "--home", busy)
            assert code == 0, err
            collected += "1 step is running: its files stay" in out
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert collected > 3
    assert "done again" not in out + err
    assert results(busy) == results(quiet)
    assert suite(capsys, "gc", "--keep-artifacts", "none", "--home", busy)[0] == 0
    assert list((busy / "artifacts").iterdir()) == []
    assert rows(busy, "SELECT DISTINCT status, attempts FROM step") == [("done", 1)]
