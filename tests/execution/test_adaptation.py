"""Transformer² from spec to scores: experts, mixtures, and what each task is answered with."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.cli.calls import start

SPEC = """
name: t2_small
track: micro-t2
method:
  name: transformer2
  shots: 3
  expert: {steps: 2, select_every: 1}
  search: {population: 3, generations: 2}
targets: [math, reasoning]
held_out: {roles: [math_hard], documents: 8}
target: {documents: 8}
selection: {documents: 8}
budget: {batch_size: 4, max_length: 64}
"""


def test_experts_are_mixed_for_each_task(tmp_path: Path) -> None:
    spec = tmp_path / "t2_small.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    process = start("run", spec, "--home", tmp_path / "home")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    with sqlite3.connect(tmp_path / "home" / "suite.db") as connection:
        done = dict(connection.execute("SELECT title, status FROM step").fetchall())
        curves = connection.execute(
            "SELECT title, name, count(*) FROM curve_point JOIN step ON id = step_id GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        timed = connection.execute("SELECT content FROM finding WHERE name = 'training_time'").fetchall()
        (kept,) = connection.execute("SELECT sum(seconds) FROM step WHERE title LIKE 'train%'").fetchone()
    spent = [json.loads(content) for (content,) in timed]
    assert len(spent) == 2  # one for each expert; a search trains nothing
    assert all(each["sampling"] > 0 and each["update"] > 0 and each["selection"] > 0 for each in spent)
    assert sum(each["sampling"] + each["update"] + each["selection"] for each in spent) <= kept
    assert set(done.values()) == {"done"}
    assert [title for title in sorted(done) if title.startswith(("train", "adapt"))] == [
        *(f"adapt mixture on {role} · micro-t2 · seed 0" for role in ("math", "math_hard", "reasoning")),
        *(f"train svf on {role} · micro-t2 · seed 0" for role in ("math", "reasoning")),
    ]
    assert ("train svf on math · micro-t2 · seed 0", "reward", 2) in curves
    assert ("adapt mixture on math_hard · micro-t2 · seed 0", "α of expert 1", 2) in curves
    assert ("adapt mixture on math_hard · micro-t2 · seed 0", "selection", 2) in curves
    assert "micro_arithmetic_hard 0-shot · mixture on math_hard · micro-t2 · seed 0" in done
    assert len(list((tmp_path / "home" / "factors").glob("*/*.safetensors"))) == 28  # each matrix is decomposed once


def test_a_classifier_chooses_the_expert_of_each_document(tmp_path: Path) -> None:
    spec = tmp_path / "t2_asked.yaml"
    adaptation = "adaptation: classifier\n  classifier: {steps: 2, select_every: 1}\n  shots: 3"
    spec.write_text(SPEC.replace("t2_small", "t2_asked").replace("shots: 3", adaptation), encoding="utf-8")
    process = start("run", spec, "--home", tmp_path / "home")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    with sqlite3.connect(tmp_path / "home" / "suite.db") as connection:
        done = dict(connection.execute("SELECT title, status FROM step").fetchall())
        found = connection.execute(
            "SELECT title, content FROM finding JOIN step ON id = step_id WHERE name = 'dispatch'"
        )
        dispatched = {title: json.loads(content) for title, content in found}
        scored = connection.execute(
            "SELECT count(*) FROM answer JOIN finding USING (step_id) WHERE name = 'dispatch'"
        ).fetchone()
    assert set(done.values()) == {"done"}
    assert [title for title in sorted(done) if title.startswith(("train", "adapt"))] == [
        f"train svf on {role} · micro-t2 · seed 0" for role in ("math", "reasoning", "skills")
    ]
    assert len(dispatched) == 3
    for title, finding in dispatched.items():
        assert "chosen by svf on skills" in title
        assert len(finding["of_documents"]) == 8
        assert all(seconds > 0 for seconds in finding["seconds"])
    assert scored == (24,)  # every document, whatever was read in its prompt
