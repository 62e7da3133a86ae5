"""`suite answers`: readable at 80 columns, whole in JSON, and harmless whatever a model wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.cli.commands import answers as command
from suite.results.records import export_records, import_records
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, classified, per_document
from tests.cli.calls import light, suite

OUTPUTS = ("paris", " rome\n\n", "\x1b[2Jgone\rover", "", "word " * 200)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    with Store.open(f"sqlite:///{folder / 'suite.db'}") as store:
        world = World(store)
        scored = per_document(100.0, 0.0, 0.0, 0.0, 0.0, said=OUTPUTS)
        world.experiment("lora", {("qa", 1): scored, ("cb", 1): classified(("True", "False"))}, targets=("qa",))
    return folder


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setattr(command, "room", lambda: 80)


def test_a_list_has_what_was_asked_said_parsed_and_right(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = suite(capsys, "answers", "lora", "--home", home, "--limit", "1")
    assert code == 0
    assert out.splitlines()[1:] == [
        out.splitlines()[1],
        "match 20.0 over 5 documents",
        "also asked: cb 1-shot (--role, --shots)",
        "",
        "document 0 · score 100.0",
        "  question  Q0",
        "  output    paris",
        "  parsed    paris",
        "  right     paris",
        "",
        "1 of 5 documents; --limit N shows more, --doc K one of them whole",
    ]
    assert out.splitlines()[1].startswith("t_qa 1-shot · lora · step ")


@pytest.mark.usefixtures("narrow")
def test_every_line_fits_the_terminal(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for more in ([], ["--doc", "4"], ["--wrong"], ["--prompt"]):
        _, out, err = suite(capsys, "answers", "lora", "--home", home, *more)
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80


def test_blanks_at_the_ends_of_an_output_are_seen(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "answers", "lora", "--home", home)
    assert r'  output    " rome\n\n"' in out.splitlines()
    assert '  output    ""' in out.splitlines()


def test_an_output_steers_no_terminal(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "answers", "lora", "--home", home)
    assert r"  output    \x1b[2Jgone over" in out.splitlines()
    _, out, _ = suite(capsys, "answers", "lora", "--home", home, "--json")
    assert "\x1b" not in out
    assert json.loads(out)["answers"][2]["output"] == OUTPUTS[2]


def test_a_long_output_is_cut_in_a_list_and_whole_by_itself(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "answers", "lora", "--home", home)
    assert "… (600 more characters)" in out
    _, out, _ = suite(capsys, "answers", "lora", "--home", home, "--doc", "4")
    assert out.count("word") == 2 * 200
    assert "--limit" not in out


def test_json_has_all_documents_and_a_fixed_set_of_fields(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "answers", "lora", "--home", home, "--json")
    found = json.loads(out)
    assert list(found) == [
        "experiment", "name", "track", "seed", "role", "task", "shots", "step", "title", "artifacts", "score",
        "documents", "has_texts", "evaluations", "matching", "answers", "seeds", "no_prompts",
    ]  # fmt: skip
    assert [each["output"] for each in found["answers"]] == list(OUTPUTS)
    assert list(found["answers"][0]) == [
        "document", "document_hash", "prompt_hash", "question", "output", "parsed", "right_answers", "score",
        "is_right", "unparsable", "truncated", "skill", "prompt", "choices",
    ]  # fmt: skip
    _, out, _ = suite(capsys, "answers", "lora", "--home", home, "--json", "--wrong", "--limit", "2")
    assert [each["document"] for each in json.loads(out)["answers"]] == [1, 2]


def test_no_wrong_document_is_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "answers", "lora", "--home", home, "--doc", "0", "--wrong")
    assert out.splitlines()[-1] == "document 0 has full marks"
    _, out, _ = suite(capsys, "answers", "lora", "--role", "cb", "--home", home, "--wrong")
    assert "document 0 · score 0.0" in out


def test_a_prompt_that_cannot_be_rendered_is_told_in_a_line(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = suite(capsys, "answers", "lora", "--home", home, "--prompt")
    (line,) = [line for line in out.splitlines() if line.startswith("no prompt is shown: ")]
    assert code == 0
    assert line == "no prompt is shown: there is no task 't_qa'"
    assert "  question  Q0" in out.splitlines()


def test_an_imported_record_without_texts_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("cb",))
        said = classified(("True", "True"))
        trained = world.train("lora", 0, Costs(1.0, 10, 100, 7, 80))
        world.experiment("lora", {("rte", 0): said, ("cb", 1): said}, train=[trained])
        (file,) = export_records(store, tmp_path / "records", texts=False)
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        import_records(store, [file])
    _, out, _ = suite(capsys, "answers", "lora", "--home", tmp_path)
    assert "questions and right answers are not stored: the record was exported without texts" in out.splitlines()
    assert "  question" not in out
    assert "  output    True" in out.splitlines()


def test_a_shipped_record_needs_no_store(capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path) -> None:
    for place in (home, tmp_path / "none"):
        code, out, err = suite(capsys, "answers", "svf_reasoning", "--home", place)
        assert (code, err) == (0, "")
        assert out.startswith(f"'svf_reasoning' is not in {place}: shown from the records that come with suite\n")
        assert "svf_reasoning · smol-t2-cpu · seed 0" in out


def test_an_experiment_that_is_nowhere_is_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, err = suite(capsys, "answers", "lor", "--home", home)
    assert (code, out) == (2, "")
    assert err.splitlines() == ["error: there is no experiment 'lor' in the store; did you mean 'lora'?"]


def test_answers_need_no_torch(home: Path) -> None:
    assert "document 0 · score 100.0" in light("answers", "lora", "--home", home)
