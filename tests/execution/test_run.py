"""Running plans: sharing, failure, and interruption at any moment lose nothing and change nothing."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from suite.training.checkpoint import intact
from tests.cli.calls import SMALL, light, start, suite

QUICK = [*SMALL, "--set", "method.steps=6"]
QUICK_PROMPT = [*QUICK, "--set", "method.stage_one.steps=6", "--set", "method.stage_one.length=3"]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    """What the database says. A look before there is one makes none: an empty file would be refused."""
    with sqlite3.connect(f"{(home / 'suite.db').as_uri()}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def results(home: Path) -> dict[str, Any]:
    """All that must be the same however often a run was interrupted."""
    scores = rows(
        home, "SELECT title, metric, value, stderr, n FROM score JOIN step ON step.id = step_id ORDER BY 1, 2"
    )
    answers = rows(home, "SELECT title, doc_id, output FROM answer JOIN step ON step.id = step_id ORDER BY 1, 2")
    artifacts = rows(home, "SELECT title, hash FROM artifact JOIN step ON step.id = step_id ORDER BY 1")
    curves = rows(
        home, "SELECT title, name, step, value FROM curve_point JOIN step ON step.id = step_id ORDER BY 1, 2, 3"
    )
    return {"scores": scores, "answers": answers, "artifacts": artifacts, "curves": curves}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an uninterrupted run of ProMoT."""
    home = tmp_path_factory.mktemp("whole")
    process = start("run", "specs/promot_rte.yaml", "--track=micro", "--home", home, *QUICK_PROMPT, pages=True)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "held-out average 1-shot" in out
    assert (home / "site" / "index.html").is_file()
    return home


@pytest.fixture(scope="module", autouse=True)
def expected(whole: Path) -> dict[str, Any]:
    """Its results, before any test adds to them, in whatever order they come."""
    return results(whole)


def test_a_run_stores_everything_about_every_step(whole: Path) -> None:
    found = rows(whole, "SELECT kind, status, attempts, seconds, tokens, host, device, versions FROM step")
    assert len(found) == 11  # base: 4 targets, 2 held-out; prompt, weights; target, 2 held-out
    for kind, status, attempts, seconds, tokens, host, device, versions in found:
        assert (status, attempts, device) == ("done", 1, "cpu")
        assert seconds > 0
        assert tokens > 0
        assert host
        assert {"torch", "transformers", "lm-eval", "python"} <= set(json.loads(versions))
        assert kind in ("train", "evaluate")
    trained = rows(whole, "SELECT trained_parameters, artifact_bytes, peak_memory FROM step WHERE kind = 'train'")
    assert all(number > 0 for row in trained for number in row)
    assert not any((whole / "work").iterdir())  # checkpoints of finished steps are gone
    assert rows(whole, "SELECT count(*) FROM answer") == [(5 * 16 + 4 * 8,)]


def test_a_finished_run_is_not_run_again(whole: Path, expected: dict[str, Any]) -> None:
    out = light("run", "specs/promot_rte.yaml", "--track=micro", "--home", whole, *QUICK_PROMPT)
    assert "0 steps done, 11 reused" in out
    assert results(whole) == expected


def test_prompt_tuning_is_promots_first_stage_and_elsewhere_the_pretrained_model(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [*QUICK, "--set", "method.length=3"]
    code, out, _ = suite(capsys, "run", "specs/prompt_tuning_rte.yaml", "--track=micro", "--home", whole, *settings)
    assert code == 0
    assert "1 steps done" in out  # the target with its prompt; training and held-out tasks were there
    changes = rows(
        whole,
        "SELECT e.name, l.role, s.value FROM experiment e JOIN experiment_step l ON l.experiment_id = e.id "
        "JOIN score s ON s.step_id = l.step_id WHERE l.shots = 1 ORDER BY 1, 2",
    )
    by_name = {name: [value for other, _, value in changes if other == name] for name, _, _ in changes}
    assert by_name["prompt_tuning_rte"] == by_name["pretrained"]


def test_a_run_travels_as_records_into_another_home(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = suite(capsys, "export", tmp_path / "records", "promot_rte", "--home", whole)
    assert code == 0  # with texts: tables of classes are made of them
    assert "promot_rte--seed0" in out
    for expected_word in ("imported", "already here"):
        code, out, _ = suite(capsys, "import", tmp_path / "records", "--home", tmp_path / "other")
        assert code == 0
        assert expected_word in out
    here, there = (suite(capsys, "show", "promot_rte", "--home", home)[1] for home in (whole, tmp_path / "other"))
    details = [text[text.index("task ") :].splitlines() for text in (here, there)]
    results = [[line for line in lines if not re.search("^(seed 0: |save the model )", line)] for lines in details]
    assert results[0] == results[1]
    assert len(details[0]) > len(details[1])  # the artifacts are here alone


def test_killed_at_any_moment_it_resumes_to_the_same_results(expected: dict[str, Any], tmp_path: Path) -> None:
    random.seed(0)
    arguments = ["run", "specs/promot_rte.yaml", "--track=micro", "--home", tmp_path, *QUICK_PROMPT]
    kills = 0
    while kills < 3:
        process = start(*arguments)
        wait_for_steps(tmp_path, process, kills * 3)  # at the start, in the middle, near the end
        time.sleep(random.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    process = start(*arguments)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert results(tmp_path) == expected
    assert max(attempts for (attempts,) in rows(tmp_path, "SELECT attempts FROM step")) > 1


def wait_for_steps(home: Path, process: Any, count: int) -> None:
    """Until a run has finished so many steps and is at work on another."""
    for _ in range(6000):
        time.sleep(0.05)
        if process.poll() is not None:
            return
        try:
            done, running = rows(home, "SELECT sum(status = 'done'), sum(status = 'running') FROM step")[0]
        except sqlite3.OperationalError:
            continue
        if (done or 0) >= count and running:
            return
    raise AssertionError("the run did not get that far")


def test_interrupted_from_the_keyboard_a_step_is_cancelled_and_goes_on_later(tmp_path: Path) -> None:
    arguments = [
        "run",
        "specs/finetune_rte.yaml",
        "--track=micro",
        "--home",
        tmp_path,
        *SMALL,
        "--set",
        "method.steps=100000",
    ]
    process = start(*arguments)
    until(lambda: bool(rows(tmp_path, "SELECT 1 FROM step WHERE kind = 'train' AND seconds > 0.5")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "Interrupted" in out
    ((status, reason, seconds),) = rows(tmp_path, "SELECT status, reason, seconds FROM step WHERE kind = 'train'")
    assert (status, reason) == ("cancelled", "interrupted by the user (Ctrl-C)")
    assert seconds > 0.5  # what it took so far counts when it goes on
    assert rows(tmp_path, "SELECT count(*) FROM step WHERE status = 'running'") == [(0,)]


def test_what_a_killed_attempt_took_counts(tmp_path: Path) -> None:
    arguments = [
        "run",
        "specs/finetune_rte.yaml",
        "--track=micro",
        "--home",
        tmp_path,
        *SMALL,
        "--set",
        "method.steps=100000",
    ]
    training = "SELECT seconds, peak_memory, attempts FROM step WHERE kind = 'train'"
    process = start(*arguments)
    until(lambda: bool(rows(tmp_path, f"{training} AND seconds > 3")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    ((before, peak, attempts),) = rows(tmp_path, training)
    assert attempts == 1
    assert peak > 0
    process = start(*arguments)
    until(lambda: bool(rows(tmp_path, f"{training} AND attempts = 2 AND seconds > {before}")))
    ((first, _, _),) = rows(tmp_path, training)
    assert first < before + 3.0  # the first word of the second attempt: not long after it began
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    ((after, _, attempts),) = rows(tmp_path, training)
    assert attempts == 2
    assert after >= first


SAVING = """
import suite.execution.lease as lease
lease.HEARTBEAT_SECONDS = 0.2
from suite.cli import main
main()
"""


def test_tokens_of_a_killed_attempt_are_told_once_and_what_was_lost_was_spent(tmp_path: Path) -> None:
    sets = ["--set", "method.steps=200", "--set", "budget.checkpoint_minutes=0.005"]
    arguments = ["run", "specs/finetune_rte.yaml", "--track=micro", *SMALL, *sets]
    costs = "SELECT seconds, peak_memory, tokens, attempts FROM step WHERE kind = 'train'"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    _, err = start(*arguments, "--home", whole).communicate(timeout=300)
    process = start(*arguments, "--home", cut, code=SAVING)
    until(lambda: any((cut / "work").rglob("checkpoint.*.safetensors")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    ((before, peak, told, attempts),) = rows(cut, costs)
    (folder,) = (cut / "work").iterdir()
    kept = intact(folder, print)
    assert kept is not None, err
    progress = kept.state["state"]["progress"]
    assert 0 < progress["step"] < 200
    useful = progress["tokens"]
    process = start(*arguments, "--home", cut)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    ((needed, _, tokens, _),) = rows(whole, costs)
    ((seconds, most, spent, again),) = rows(cut, costs)
    assert (attempts, again) == (1, 2)
    assert spent == tokens + max(0, (told or 0) - useful)
    assert seconds > (before or 0)
    assert needed > 0
    assert most >= (peak or 0)
    assert results(cut) == results(whole)


def until(happened: Callable[[], bool]) -> None:
    for _ in range(3600):
        time.sleep(0.05)
        with suppress(sqlite3.OperationalError):  # no store yet
            if happened():
                return
    raise AssertionError("it did not come to that")


def test_a_failed_step_says_why_and_does_not_stop_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: bad\nmethod: {name: finetune, learning_rate: 1e38, clip: null, steps: 6}\ntargets: [rte]\n")
    good = tmp_path / "good.yaml"
    good.write_text("name: good\nmethod: {name: prompt_tuning, length: 3, steps: 6}\ntargets: [rte]\n")
    home = tmp_path / "home"
    code, out, _ = suite(capsys, "run", bad, good, "--home", home, *SMALL)
    assert code == 1
    ((status, reason),) = rows(home, "SELECT status, reason FROM step WHERE title LIKE 'train finetune%'")
    assert status == "failed"
    assert "step" in reason
    assert "NaN" in reason or "nan" in reason or "inf" in reason
    assert rows(home, "SELECT status FROM step WHERE title LIKE 'train prompt_tuning%'") == [("done",)]
    assert "failed: train finetune on rte" in out
    assert "not run, as they need a failed step: 3" in out
    code, out, _ = suite(capsys, "show", "bad", "--home", home)
    assert "bad misses" in out  # and nothing missing is shown as a number
    why = f"failed: train finetune on rte · micro · seed 0: {reason}"
    assert why in out.splitlines()
    assert why in suite(capsys, "show", "--home", home)[1].splitlines()
    assert "failed: " not in suite(capsys, "show", "good", "--home", home)[1]
    (told,) = json.loads(suite(capsys, "show", "bad", "--json", "--home", home)[1])
    assert [(each["status"], each["reason"]) for each in told["failed"]] == [("failed", reason)]


def test_two_processes_on_one_store_share_the_work(expected: dict[str, Any], tmp_path: Path) -> None:
    arguments = ["run", "specs/promot_rte.yaml", "--track=micro", "--home", tmp_path, *QUICK_PROMPT]
    both = [start(*arguments), start(*arguments)]
    ends = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert results(tmp_path) == expected
    assert rows(tmp_path, "SELECT DISTINCT attempts, status FROM step") == [(1, "done")]


def test_again_runs_finished_steps_again(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = results(whole)
    code, out, _ = suite(
        capsys, "run", "specs/promot_rte.yaml", "--track=micro", "--home", whole, "--again", *QUICK_PROMPT
    )
    assert code == 0
    assert "11 steps done, 0 reused" in out
    assert results(whole) == before
