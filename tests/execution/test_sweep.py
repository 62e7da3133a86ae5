"""Sweeps from spec to page: the best try on the selection rows answers, and all tries stay."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from leaderboard.data.union_reader import UnionReader
from suite.analysis.board import Row, boards
from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.evaluation import multi_adapter
from suite.evaluation.lm import generate_together
from suite.execution.progress import PlanProgress
from suite.execution.session import Session
from suite.planning import CopyFromTry, Inputs, SelectTry, Step, make_plan
from suite.planning.steps import StepEstimate
from suite.results.records import read_records_into_memory
from suite.results.store import Store
from suite.specs import load
from suite.specs.load import load_track
from suite.specs.workspace import Workspace
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, start, suite
from tests.execution.test_run import results, rows, wait_for_steps
from tests.leaderboard.reading import read

LORA = """
name: lora_best
track: micro-t2
method: {name: lora, steps: 4, select_every: 2}
sweep: {learning_rate: [1e-5, 2e-5, 1.0]}
targets: [math]
held_out: {roles: [math_hard], documents: 8}
target: {documents: 8}
selection: {documents: 16}
budget: {batch_size: 4, max_length: 64}
"""
PROMOT = """
name: promot_best
method: {name: promot, steps: 3, stage_one: {length: 3, steps: 3}}
sweep: {stage_one.learning_rate: [0.01, 1.0], learning_rate: [1e-5, 1e-3]}
targets: [rte]
"""
PROMPTS = """
name: prompt_best
method: {name: prompt_tuning, length: 3, steps: 3}
sweep: {learning_rate: [0.01, 1.0, 30.0]}
targets: [rte]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an uninterrupted sweep."""
    folder = tmp_path_factory.mktemp("sweep")
    process = start("run", written(folder, LORA), "--home", folder / "home", pages=True)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "try 3 of 3 · score" in err
    assert "lora_best is the best of 3 tries" in out
    return folder / "home"


def scores(home: Path, title: str) -> list[float]:
    """The selection scores of a step, in order."""
    found = rows(
        home,
        "SELECT value FROM curve_point JOIN step ON id = step_id "
        f"WHERE name = 'selection' AND title LIKE '{title}' ORDER BY step_id, curve_point.step",
    )
    return [value for (value,) in found]


def hashes(home: Path) -> dict[str, str]:
    return dict(rows(home, "SELECT title, hash FROM artifact JOIN step ON id = step_id"))


def test_a_choice_scores_each_try_as_its_training_did(whole: Path) -> None:
    tries = [title for title in hashes(whole) if title.startswith("train")]
    told = {title: max(scores(whole, title)) for title in tries}
    by_rate = [told[f"train lora on math with learning_rate {rate} · micro-t2 · seed 0"] for rate in ("1e-05", "2e-05")]
    assert scores(whole, "choose%") == [*by_rate, told["train lora on math with learning_rate 1.0 · micro-t2 · seed 0"]]


def test_the_best_tries_artifact_answers_and_of_equal_ones_the_first(whole: Path) -> None:
    found = scores(whole, "choose%")
    assert found[0] == found[1] > found[2]
    kept = hashes(whole)
    chosen = kept.pop("choose lora on math, best of 3 · micro-t2 · seed 0")
    assert [title for title, each in kept.items() if each == chosen] == [
        "train lora on math with learning_rate 1e-05 · micro-t2 · seed 0"
    ]


def test_the_page_and_the_table_say_how_many_tries_there_were(whole: Path) -> None:
    track, (page,) = read(whole / "site/tracks/micro-t2.html"), whole.glob("site/experiments/*/lora_best-*.html")
    (line,) = [row for row in track.all("tr") if "lora_best" in row.attributes.get("data-key", "")]
    assert "best of 3" in line.text
    table = next(each for each in read(page).all("table") if "Tries and their scores" in each.text)
    told = [row.text for row in table.all("tr")[1:]]
    assert [("chosen" in text, "learning_rate" in text) for text in told] == [
        (True, True),
        (False, True),
        (False, True),
    ]


def row_of(store: Store) -> Row:
    return next(row for board in boards(store) for row in board.rows if row.name == "lora_best")


def test_a_sweep_costs_what_all_its_tries_cost(whole: Path) -> None:
    with Store.open(RunDir(whole).url) as store:
        row = row_of(store)
    ((seconds, tokens),) = rows(whole, "SELECT sum(seconds), sum(tokens) FROM step WHERE kind = 'train'")
    ((parameters, size),) = rows(
        whole, "SELECT trained_parameters, artifact_bytes FROM step WHERE title LIKE 'choose%'"
    )
    assert row.tries == 3
    assert (row.costs.seconds, row.costs.tokens) == (pytest.approx(seconds), tokens)
    assert (row.costs.trained_parameters, row.costs.artifact_bytes) == (parameters, size)
    assert [(parameters,)] == rows(whole, "SELECT DISTINCT trained_parameters FROM step WHERE title LIKE 'train%'")


def test_a_sweep_travels_as_a_record(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suite(capsys, "export", tmp_path, "lora_best", "--home", whole)[0] == 0
    with (
        Store.open(RunDir(whole).url) as store,
        Store.open("sqlite://") as empty,
        read_records_into_memory(tmp_path) as published,
    ):
        here, there = row_of(store), row_of(UnionReader(empty, published))
    assert (there.tries, there.costs) == (here.tries, here.costs)


def test_killed_while_it_chooses_a_sweep_resumes_to_the_same_results(whole: Path, tmp_path: Path) -> None:
    arguments = ["run", written(tmp_path, LORA), "--home", tmp_path / "home"]
    process = start(*arguments)
    ((before,),) = rows(whole, "SELECT count(*) FROM step WHERE title LIKE '%pretrained%' OR title LIKE 'train%'")
    wait_for_steps(tmp_path / "home", process, before)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, err = (again := start(*arguments)).communicate(timeout=300)
    assert again.returncode == 0, err
    assert results(tmp_path / "home") == results(whole)


def test_prompt_and_weights_are_of_the_same_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, "run", written(tmp_path, PROMOT), "--home", tmp_path / "home", *SMALL)
    assert code == 0, err
    kept = hashes(tmp_path / "home")
    with sqlite3.connect(tmp_path / "home" / "suite.db") as connection:
        parents = dict(connection.execute("SELECT hash, json_extract(config, '$.parents[0]') FROM artifact JOIN step "
                                          "ON id = step_id WHERE title LIKE 'train promot%'").fetchall())  # fmt: skip
        prompts = dict(connection.execute("SELECT step_id, hash FROM artifact").fetchall())
    weights = kept["choose promot on rte, best of 4 · micro · seed 0"]
    prompt = kept["choose prompt_tuning on rte, with promot's best of 4 · micro · seed 0"]
    assert prompts[parents[weights]] == prompt
    assert len(scores(tmp_path / "home", "choose%")) == 4  # the second choice follows the first


def test_tries_that_are_soft_prompts_are_scored_in_common_batches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def counted(lms: Any, requests: Any) -> Any:
        counts.append(len(lms))
        return generate_together(lms, requests)

    monkeypatch.setattr(multi_adapter, "generate_together", counted)
    code, _, err = suite(capsys, "run", written(tmp_path, PROMPTS), "--home", tmp_path / "home", *SMALL)
    assert code == 0, err
    assert counts == [3]
    rates = ("0.01", "1.0", "30.0")
    names = [f"train prompt_tuning on rte with learning_rate {rate} · micro · seed 0" for rate in rates]
    assert scores(tmp_path / "home", "choose%") == [max(scores(tmp_path / "home", name)) for name in names]


def test_a_try_that_cannot_be_scored_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def changes_nothing(*_: object) -> None:
        raise SuiteError("the artifacts change nothing")

    monkeypatch.setattr(Session, "stack", changes_nothing)
    made = make_plan(load([written(tmp_path, LORA)]), Inputs(DataLocations()))
    step, work = next((step, step.work) for step in made.steps if isinstance(step.work, SelectTry))
    with pytest.raises(StepFailed, match="try 1 of 3 cannot be scored: the artifacts change nothing"):
        Session(RunDir(tmp_path), Inputs(DataLocations()), None).select_try(
            step, work, PlanProgress(1).of_step("a"), {}
        )


def test_a_choice_that_cannot_be_told_is_not_followed(tmp_path: Path) -> None:
    track = load_track(Workspace.around(), "micro")
    work = CopyFromTry("choice", ("weights 1", "weights 2"), ("prompt 1", "prompt 2"), track)
    session = Session(RunDir(tmp_path), Inputs(DataLocations()), None)
    same: dict[str, Any] = {"choice": "a", "weights 1": "a", "weights 2": "a", "prompt 1": "b", "prompt 2": "c"}
    with pytest.raises(StepFailed, match="the very same artifact"):
        session.copy_from_try(Step("x", "choose", work, {}, StepEstimate(0, 0.0, 0)), work, same)
