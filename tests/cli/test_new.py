"""`suite new`: from a table to a workspace whose specs run."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import peft
import pytest
import yaml
from transformers import AutoModelForCausalLM

from suite.micro import MODELS
from suite.starter.budget import METHODS
from tests.cli.calls import suite

WORDS = {"billing": "invoice", "bug": "crash", "account": "password", "other": "hello"}


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [(number, f"a {word} in line {number} of Köln", label) for number, (label, word) in
            enumerate(list(WORDS.items()) * 12)]  # fmt: skip
    with Path("tickets.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text", "label"), *rows, (97, "", "bug"), *rows[:2]])
    return tmp_path


def test_a_table_becomes_a_workspace_whose_specs_are_a_plan(
    tickets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = suite(capsys, "new", "mine", "--data", "tickets.csv", "--minutes", "60")
    assert (code, err) == (0, "")
    assert "columns: id (names rows), text (7 words), label (4 labels)" in out
    assert "taken for classification: input text, target label" in out
    assert "note: 1 row without input or target left out, first tickets.csv:50" in out
    assert out.endswith("now run `cd mine && suite run`\n")
    monkeypatch.chdir("mine")
    track = yaml.safe_load(Path("specs/tracks/mine.yaml").read_text("utf-8"))
    assert set(track["methods"]) == set(METHODS) - {"pretrained"}
    code, out, err = suite(capsys, "plan")
    assert (code, err) == (0, "")
    assert f"{len(METHODS)} experiments ask for" in out
    assert "trains on" not in out.replace("trains on 3", "")  # the two doubles are said, and no leak
    task = yaml.safe_load(Path("specs/tasks/tickets.yaml").read_text("utf-8"))
    assert sorted(task["metadata"].pop("labels")) == sorted(WORDS)
    assert task["metadata"] == {"kind": "classification", "chance": 25.0, "lenient": "named_label"}


def test_a_row_of_a_new_workspace_runs(
    tickets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suite(capsys, "new", "mine", "--data", "tickets.csv", "--minutes", "1")[0] == 0
    monkeypatch.chdir("mine")
    code, out, err = suite(capsys, "run", "specs/finetune.yaml", "--set", "method.steps=30", "--set",
                           "method.learning_rate=1e-3", "--set", "held_out.documents=4")  # fmt: skip
    assert code == 0, err
    _, out, _ = suite(capsys, "show", "finetune", "--json")
    (row,) = (row for table in json.loads(out) for row in table["rows"] if row["name"] == "finetune")
    assert row["target_scores"][0]["score"]["value"] > 25


def test_what_is_not_plain_is_refused_where_nobody_can_be_asked(
    tickets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("two.csv").write_text("subject,body,label\n" + "a b,c d,x\ne f,g h,y\n" * 20, encoding="utf-8")
    code, out, err = suite(capsys, "new", "mine", "--data", "two.csv")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "subject (2 labels)" in err
    assert "--input COLUMN" in err
    assert not Path("mine").exists()


def test_a_terminal_is_asked(
    tickets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["subject,body,label", *(f"about {n},more of {n},{'xy'[n % 2]}" for n in range(40))]
    Path("two.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["bodi", "body"])
    monkeypatch.setattr("typer.prompt", lambda question: next(answers))
    code, out, err = suite(capsys, "new", "mine", "--data", "two.csv", "--minutes", "1")
    assert (code, err) == (0, "")
    assert "there is no 'bodi'; did you mean 'body'?" in out
    assert "input body, target label" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "no-such-model"), "is no model"), (("--kind", "quiz"), "there is no kind 'quiz'"),
        (("--model", "gone.gguf"), "there is no such file"), (("--model", "org/none"), "cannot be fetched"),
        (("--target", "lable"), "did you mean 'label'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_writes_nothing(
    arguments: tuple[str, str], says: str, tickets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = suite(capsys, "new", "mine", "--data", "tickets.csv", *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert says in err
    assert not Path("mine").exists()


def test_a_run_without_specs_needs_a_workspace(tickets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, "run")
    assert code == 2
    assert "no spec is named, and there is no workspace here" in err


def test_an_adapter_is_named_with_the_base_that_it_was_trained_on(
    tickets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(MODELS / "micro-llama")
    peft.get_peft_model(model, peft.LoraConfig(r=2, task_type="CAUSAL_LM")).save_pretrained("adapter")
    code, _, err = suite(capsys, "new", "mine", "--data", "tickets.csv", "--minutes", "1", "--model", "adapter")
    assert (code, err) == (0, "")
    track = yaml.safe_load(Path("mine/specs/tracks/mine.yaml").read_text("utf-8"))
    assert track["model"] == {"path": str(MODELS / "micro-llama"), "adapter": str(tickets / "adapter")}
    assert track["held_out"]["roles"] == ["facts", "arithmetic", "instructions", "reasoning", "reading"]


def test_an_empty_folder_is_filled(
    tickets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine").mkdir()
    monkeypatch.chdir("mine")
    code, _, err = suite(capsys, "new", ".", "--data", "../tickets.csv", "--minutes", "1")
    assert (code, err) == (0, "")
    assert Path("specs/tracks/mine.yaml").is_file()
