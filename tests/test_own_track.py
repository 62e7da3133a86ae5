"""A user's own track, task and data, from the first plan to the board."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import suite

TASK = """task: mine
training_split: train
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list:
  - {name: label, filter: [{function: first_label, labels: ["True", "False"]}, {function: take_first}]}
metric_list: [{metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {folder: mine, kind: entailment, labels: ["True", "False"], chance: 50.0}
"""
TRACK = """name: mini
model: {bundled: micro-llama}
roles: {mine: mine, cb: micro_cb}
held_out: {roles: [cb], shots: [1], documents: 2}
selection: {documents: 4}
budget: {batch_size: 4, max_length: 256}
methods: {finetune: {steps: 1, learning_rate: 1e-3}, lora: {steps: 1, learning_rate: 1e-3, rank: 2}}
"""
OWN = "name: own\ntrack: mini\nmethod: {name: finetune}\ntargets: [mine]\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Case 67: own specs, track, task and data, and no pretrained.yaml; the working directory."""
    days, colours, beasts = ("monday", "friday", "sunday"), ("blue", "red", "white"), ("dog", "fish", "wolf", "fox")
    rows = [f"on {day} the {colour} {beast} is ill ." for day in days for colour in colours for beast in beasts]
    texts = [json.dumps({"text": row, "label": str(number % 2 == 0)}) for number, row in enumerate(rows)]
    files = {
        "specs/tasks/mine.yaml": TASK,
        "specs/tracks/mini.yaml": TRACK,
        "specs/own.yaml": OWN,
        "data/mine/train.jsonl": "\n".join(texts[:28]),
        "data/mine/test.jsonl": "\n".join(texts[28:]),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITE_DATA", "data")
    return tmp_path


def notes(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("note: ")]


@pytest.mark.usefixtures("workspace")
def test_a_spec_runs_with_nothing_else_written_and_its_row_has_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    made = (
        "note: the row 'pretrained' on track 'mini' is made from the track and the targets (mine); a spec "
        "pretrained.yaml would take its place"
    )
    code, out, err = suite(capsys, "plan", "specs/own.yaml")
    assert (code, notes(out), err) == (0, [made], "")
    assert "2 experiments ask for 5 steps" in out
    assert suite(capsys, "run", "specs/own.yaml")[0] == 0
    code, out, _ = suite(capsys, "board", "--json")
    (board,) = json.loads(out)
    assert [(row["name"], row["targets"]) for row in board["rows"]] == [("pretrained", ["mine"]), ("own", ["mine"])]
    assert board["rows"][1]["change"]["1"] is not None
    assert "5 distinct, 0 shared, 5 done" in suite(capsys, "plan", "specs/own.yaml")[1]


@pytest.mark.usefixtures("workspace")
def test_a_written_pretrained_spec_is_the_same_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite(capsys, "run", "specs/own.yaml")[0] == 0
    Path("specs/pretrained.yaml").write_text(OWN.replace("own", "pretrained").replace("finetune", "pretrained"))
    code, out, _ = suite(capsys, "run", "specs/own.yaml", "specs/pretrained.yaml")
    assert (code, notes(out)) == (0, [])
    assert "0 steps done, 5 reused" in out
    (board,) = json.loads(suite(capsys, "board", "--json")[1])
    assert [row["name"] for row in board["rows"]] == ["pretrained", "own"]


def test_lm_evals_own_task_is_asked_beside_ours_of_the_same_name(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    choices = {"text": ["one", "two"], "label": ["A", "B"]}
    rows = [{"question": f"which is {n} ?", "choices": choices, "answerKey": "AB"[n % 2]} for n in range(24)]
    (workspace / "data" / "arc_easy").mkdir()
    for split, part in (("train", rows[:16]), ("validation", rows[14:16]), ("test", rows[16:])):
        text = "\n".join(map(json.dumps, part))
        (workspace / "data" / "arc_easy" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    (workspace / "specs" / "own.yaml").write_text(OWN.replace("[mine]", "['lm_eval:arc_easy']"), encoding="utf-8")
    lacking = workspace / "data" / "arc_easy" / "validation.jsonl"
    there = lacking.rename(workspace / "validation.jsonl")
    code, _, err = suite(capsys, "plan", "specs/own.yaml")  # which functions of lm-eval's may look at
    assert (code, len(err.splitlines())) == (2, 1)
    assert "needs the split 'validation' of 'arc_easy'" in err
    there.rename(lacking)
    track = TRACK.replace("cb: micro_cb", "ours: arc_easy").replace("[cb]", "[ours]")
    (workspace / "specs" / "tracks" / "mini.yaml").write_text(track, encoding="utf-8")
    code, out, _ = suite(capsys, "run", "specs/own.yaml")
    assert code == 0
    assert any("lm-eval's own is lm_eval:arc_easy" in note for note in notes(out))
    assert not list(workspace.glob("runs/**/*:*"))
    claims = workspace / "claims.yaml"
    expect = 'target(own, "lm_eval:arc_easy") - target(pretrained, "lm_eval:arc_easy") > -101'
    claims.write_text(f"track: mini\nclaims: [{{id: a, says: b, source: c, expect: '{expect}'}}]\n", encoding="utf-8")
    assert "1 holds" in suite(capsys, "check", claims)[1]
    assert suite(capsys, "export", "records")[0] == 0
    assert suite(capsys, "import", "records", "--home", "other")[0] == 0
    asked = [json.loads(suite(capsys, "show", "own", "--json", "--home", home)[1]) for home in ("runs", "other")]
    assert [each[0]["rows"][0]["target_scores"][0]["role"] for each in asked] == ["lm_eval:arc_easy"] * 2


@pytest.mark.usefixtures("workspace")
def test_a_row_of_another_target_leaves_one_pretrained_row_that_answers_for_both(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = TRACK.replace("{mine: mine, ", "{mine: mine, yours: micro_rte, ").replace(
        "documents: 2}", "documents: 2}\ntarget: {documents: 4}"
    )
    Path("specs/tracks/mini.yaml").write_text(other, encoding="utf-8")
    Path("specs/other.yaml").write_text(OWN.replace("own", "other").replace("mine", "yours"), encoding="utf-8")
    for spec in ("own", "other"):
        assert suite(capsys, "run", f"specs/{spec}.yaml")[0] == 0
    (board,) = json.loads(suite(capsys, "board", "--json")[1])
    assert [(row["name"], row["targets"]) for row in board["rows"]] == [
        ("pretrained", ["mine", "yours"]), ("own", ["mine"]), ("other", ["yours"]),
    ]  # fmt: skip
    assert all(row["change"]["1"] is not None for row in board["rows"][1:])


@pytest.mark.usefixtures("workspace")
def test_a_target_whose_rows_are_gone_is_not_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite(capsys, "run", "specs/own.yaml")[0] == 0
    Path("data/mine").rename("data/gone")
    track = TRACK.replace("{mine: mine, ", "{mine: mine, yours: micro_rte, ")
    Path("specs/tracks/mini.yaml").write_text(track, encoding="utf-8")
    Path("specs/other.yaml").write_text(OWN.replace("own", "other").replace("mine", "yours"), encoding="utf-8")
    code, out, _ = suite(capsys, "plan", "specs/other.yaml")
    assert code == 0
    assert "made from the track and the targets (yours)" in out
    code, _, err = suite(capsys, "plan", "specs/own.yaml")
    assert code == 2
    assert err.count("task 'mine' reads its rows from a folder 'mine', and there is none in data") == 1
