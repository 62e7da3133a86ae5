"""`suite remove`: says what would go, asks, and leaves what others need, on disk too."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from suite.results.store import Store
from tests.cli.calls import SMALL, start, suite
from tests.leaderboard.filled import BASE, METHODS, Filling


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the base and LoRA on two seeds, its artifacts in their folders."""
    with Store.open(tmp_path / "suite.db") as store:
        filling = Filling(store, documents=2)
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add("lora_rte", "lora", METHODS["lora"], (0, 1))
        for step in _steps(store):
            (tmp_path / "artifacts" / step).mkdir(parents=True)
            (tmp_path / "artifacts" / step / "adapter.safetensors").write_bytes(b"12345")
    return tmp_path


def _steps(store: Store) -> list[str]:
    links = store.links_of([record.id for record in store.experiments()])
    return sorted({link.step_id for each in links.values() for link in each if link.part == "train"})


def left(home: Path) -> list[tuple[str, int]]:
    with Store.open(home / "suite.db") as store:
        assert sorted(path.name for path in (home / "artifacts").iterdir()) == _steps(store)
        return [(record.name, record.seed) for record in store.experiments()]


def test_experiments_go_with_their_folders(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = suite(capsys, "remove", "lora_rte", "--seeds", "1", "--yes", "--home", home)
    assert code == 0
    told = "1 experiment would go, with 18 steps that no other needs, 34 scores, 34 answers and 5 B of files"
    assert told in out
    assert left(home) == [("lora_rte", 0), ("pretrained", 0)]
    code, out, err = suite(capsys, "remove", "lora_rte", "--seeds", "1", "--yes", "--home", home)
    assert (code, err) == (2, "error: no such experiment has these seeds; `suite show` lists the experiments\n")


def test_an_experiment_can_be_named_by_its_id(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    with Store.open(home / "suite.db") as store:
        name = store.experiments()[0].id
    assert suite(capsys, "remove", name[:8], "--yes", "--home", home)[0] == 0
    assert left(home) == [("lora_rte", 1), ("pretrained", 0)]


def test_nothing_goes_without_a_yes(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = suite(capsys, "remove", "lora_rte", "--home", home)
    assert code == 2
    assert "2 experiments would go" in out
    what = "cannot confirm: stdin is not a terminal, so nothing was removed"
    assert err == f"error: {what}; pass --yes to remove without a question\n"
    typed = io.StringIO("n\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    code, out, _ = suite(capsys, "remove", "lora_rte", "--home", home)
    assert code == 0
    assert out.endswith("nothing was removed\n")
    assert len(left(home)) == 3


def test_only_failed_ones_go_where_that_is_asked(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert "no such experiment has failed" in suite(capsys, "remove", "--failed", "--yes", "--home", home)[2]
    with Store.open(home / "suite.db") as store:
        record = next(each for each in store.experiments() if each.seed == 1)
        step = store.links(record.id)[0].step_id
        store.requeue([step], include_done=True)
        assert store.claim(step, "me:1:1")
        assert store.fail(step, "me:1:1", "no memory left")
    assert suite(capsys, "remove", "--failed", "--yes", "--home", home)[0] == 0
    assert left(home) == [("lora_rte", 0), ("pretrained", 0)]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "there is nothing to remove; name experiments"),
        (["lora_rta"], "there is no experiment 'lora_rta' in the store; did you mean 'lora_rte'?"),
        (["lora_rte", "--track", "nano"], "there is no experiment 'lora_rte' in the store on the track 'nano'"),
        (["lora_rte", "--seeds", "x"], "--seeds: 'x' names no seeds; write all, or numbers: 0,1,2"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], home: Path, arguments: list[str], wanted: str
) -> None:
    code, _, err = suite(capsys, "remove", *arguments, "--yes", "--home", home)
    assert code == 2
    assert wanted in err
    assert len(err.splitlines()) == 1
    assert len(left(home)) == 3


def test_a_run_goes_on_when_what_it_was_about_to_do_is_removed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    long = tmp_path / "long.yaml"
    long.write_text("name: long\nmethod: {name: finetune, steps: 200}\ntargets: [rte]\n")
    home = tmp_path / "home"
    process = start(
        "run", long, "specs/lora_rte.yaml", "--track=micro", "--home", home, *SMALL, "--set", "method.dropout=0.1"
    )
    for _ in range(1200):  # until it trains
        time.sleep(0.05)
        if (home / "work").is_dir() and any((home / "work").iterdir()):
            break
    code, _, err = suite(capsys, "remove", "long", "--yes", "--home", home)
    assert code == 2
    assert "the step 'train finetune on rte · micro · seed 0' is running, and nothing was removed" in err
    assert suite(capsys, "remove", "lora_rte", "--yes", "--home", home)[0] == 0
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert "failed: train lora on rte · micro · seed 0: it was removed from the store meanwhile" in out
    with Store.open(home / "suite.db") as store:
        assert [record.name for record in store.experiments()] == ["long", "pretrained"]
