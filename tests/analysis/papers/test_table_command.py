"""`suite table`: a paper's layout with what is stored, as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from suite.analysis.board import Row
from suite.analysis.papers import TrackRows
from suite.results.store import Costs, FindingRecord, Store
from tests.analysis.board.tiny_board import World
from tests.analysis.claims.test_judge import right
from tests.cli.calls import suite

LAYOUT = """title: "a | b & <c>"
source: Paper, Table 1
figures_from: somewhere
model: a model_x
comparable: paper
columns:
  - {group: Base, head: 1-shot, of: pretrained, shots: 1}
  - {group: Base, head: 4-shots, of: pretrained, shots: 4}
  - {group: 50% Tuned, head: 1-shot, of: lora_a, shots: 1}
  - {group: 50% Tuned, head: 4-shots, of: lora_a, shots: 4}
  - {head: Never, of: lora_z, shots: 4}
rows:
  - {group: Target, head: "RTE", show: target, role: rte, paper: [null, 92.06, 92.78]}
  - {group: Held out, head: "=cmd()|Norm.", show: norm_avg, paper: [17.52, 18.75, 15.4, 16.56, 20.1]}
  - {group: Held out, head: change, show: change, paper: [null, null, -2.1, -2.19, 2.58]}
  - {group: Held out, head: q_a, show: score, role: qa, paper: [1, 2, 3, 4, 5]}
  - {group: Held out, head: trained, show: parameters, paper: [null, null, null]}
notes: ["the *paper* says 5_0%"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "suite.db") as store:
        world = World(store, held_out=("cb", "qa"), shots=(1, 4))
        keys = [(role, shots) for role in ("cb", "qa") for shots in (1, 4)]
        world.experiment("pretrained", {key: right(0.5) for key in keys}, targets=())
        train = [world.train("lora_a", 0, Costs(10.0, 100, 1000, 1234567, 80))]
        world.experiment("lora_a", {("rte", 0): right(0.9), **{key: right(0.75) for key in keys}}, train=train)
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine-1.yaml"
    file.write_text(LAYOUT, encoding="utf-8")
    return file


def rows(markdown: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.replace("\\|", "!")[1:-1].split("|")]
        for line in markdown.splitlines()
        if line.startswith("|")
    ]


def test_numbers_are_the_boards_beside_the_papers_and_blank_where_nothing_was_run(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    code, out, _ = suite(capsys, "table", file, "--home", home)
    assert code == 0
    head, _, target, average, change, score, trained = rows(out)
    assert head[2:6] == ["Base, 1-shot", "paper", "Base, 4-shots", "paper"]
    assert target == ["Target", "RTE", "", "", "", "", "90.0 [82.4, 95.1]", "92.06", "", "", "", "92.78"]
    assert average[2:] == [
        "50.0 ± 7.2", "17.52", "50.0 ± 7.2", "18.75", "75.0 [68.4, 80.9]", "15.40", "75.0 [68.4, 80.9]", "16.56",
        "", "20.10",
    ]  # fmt: skip
    assert change[2:8] == ["", "", "", "", "+25.0 ± 6.1", "-2.10"]
    assert change[-2:] == ["", "+2.58"]
    assert score[0] == ""
    assert trained[6] == "1,234,567"
    shown = suite(capsys, "show", "--home", home)[1]
    assert "75.0 [68.4, 80.9]" in shown
    assert "+25.0 ± 6.1" in shown


def test_markdown_keeps_texts_in_their_cells_and_tells_that_figures_do_not_compare(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    out = suite(capsys, "table", file, "--home", home)[1]
    assert "a \\| b & \\<c\\>" in out
    assert "| =cmd()\\|Norm. |" in out
    assert len({len(line) for line in rows(out)}) == 1
    assert (
        "- ours: the track Tiny. ± is half of a 95% interval, \\[low, high\\] one whose sides differ, over documents"
        in out
    )
    assert "a model\\_x, Paper, Table 1; figures read in somewhere. They do not compare with those of tiny." in out
    assert "- the \\*paper\\* says 5\\_0%" in out
    file.write_text(LAYOUT.replace("comparable: paper", "comparable: tiny"), encoding="utf-8")
    assert "They do not compare" not in suite(capsys, "table", file, "--home", home)[1]


def test_a_csv_has_numbers_and_no_formulas_and_its_notes_beside_it(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    _, out, err = suite(capsys, "table", file, "--format", "csv", "--home", home)
    head, target, average, change, *_ = csv.reader(io.StringIO(out))
    assert head[1:6] == [
        "mine-1 on tiny",
        "Base, 1-shot",
        "Base, 1-shot low",
        "Base, 1-shot high",
        "Base, 1-shot paper",
    ]
    assert average[:6] == ["Held out", "'=cmd()|Norm.", "50.0000", "42.8475", "57.1525", "17.52"]
    assert target[2:6] == ["", "", "", ""]
    assert (change[0], change[-1]) == ("Held out", "2.58")
    assert float(change[13]) == -2.1
    assert "They do not compare" not in out
    assert "They do not compare with those of tiny" in err


def test_latex_has_as_many_cells_in_every_row_and_no_commands_from_texts(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    file.write_text(LAYOUT.replace("q_a", r"'\input{x}^~q_a'"), encoding="utf-8")
    out = suite(capsys, "table", file, "--format", "latex", "--home", home)[1]
    inside = out[out.index("\\hline") : out.index("\\end{tabular}")]
    lines = [line for line in inside.splitlines() if line.endswith(r"\\")]
    assert [line.replace(r"\&", "").count(" & ") for line in lines[2:]] == [11] * 6
    assert r"\multicolumn{4}{c}{50\% Tuned} & \multicolumn{2}{c}{} \\" in out
    assert r"\textbackslash{}input\{x\}\textasciicircum{}\textasciitilde{}q\_a & 50.0 $\pm$ " in out
    assert r"\caption{Paper, Table 1: a \textbar{} b \& \textless{}c\textgreater{}}" in out


def test_same_store_same_bytes(capsys: pytest.CaptureFixture[str], home: Path, file: Path) -> None:
    for form in ("markdown", "csv", "latex"):
        first, second = (suite(capsys, "table", file, "--format", form, "--home", home)[1] for _ in range(2))
        assert first == second


def test_without_a_track_those_that_have_a_row_of_it_are_printed_and_a_named_one_even_empty(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    out = suite(capsys, "table", "promot-3", "--track", "tiny", "--home", home)[1]
    assert rows(out)[2] == ["Fine-tuning", "RTE", "", "47.65", "", "", "", "92.06", "", "", "", "92.78", "", "",
                            "", "93.86", "", ""]  # fmt: skip
    assert out.count("Table 3") == 2
    code, _, err = suite(capsys, "table", "promot-3", "--home", home)
    assert code == 2
    assert "no row of 'promot-3' was run; run one of its rows, or see it empty: --track tiny" in err


def test_rows_that_are_not_on_the_tracks_terms_or_miss_something_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        world = World(store, held_out=("qa",), changes=("budget.batch_size",))
        world.experiment("lora_a", {("rte", 0): right(0.9), ("qa", 1): None}, train=[world.train("lora_a", 0, None)])
    out = suite(capsys, "table", file, "--home", tmp_path)[1]
    assert "- lora\\_a is not on the track's terms: budget.batch\\_size." in out
    assert "- lora\\_a misses qa 1-shot" in out


def test_a_users_mistakes_are_one_line_each(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path, tmp_path: Path
) -> None:
    for arguments, said in (
        (["promot-33"], "there is no table 'promot-33'; did you mean 'promot-3'?"),
        ([], "name a table; `suite table --list` lists them"),
        ([file, "--format", "latx"], "--format: there is no format 'latx'; did you mean 'latex'?"),
        ([file, "--track", "tinny"], "did you mean 'tiny'?"),
        ([tmp_path / "none.yaml"], "there is no such file"),
    ):
        code, _, err = suite(capsys, "table", *arguments, "--home", home)
        assert code == 2, err
        assert said in err
        assert len(err.splitlines()) == 1
    assert suite(capsys, "table", file, "--home", tmp_path / "nowhere")[0] == 2


def test_the_list_needs_no_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "other-2.yaml").write_text(LAYOUT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code, out, _ = suite(capsys, "table", "--list", "--home", tmp_path / "nowhere")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()][:2] == ["other-2", "promot-2"]
    assert "other-2      Paper, Table 1: a | b & <c>" in out


def test_a_column_without_shots_shows_the_most_and_rows_may_ask_for_what_training_took(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        world = World(store, held_out=("qa",), shots=(1, 4))
        answers = {("rte", 0): right(0.9), ("qa", 1): right(0.2), ("qa", 4): right(0.3)}
        world.experiment("lora_a", answers, train=[world.train("lora_a", 0, Costs(12.3, 100, 1000, 7, 80))])
    asked = ("score, role: qa", "norm_avg", "format_ratio", "seconds")
    lines = "".join(f"  - {{head: x, show: {each}, paper: [null]}}\n" for each in asked)
    head = LAYOUT.partition("columns:")[0]
    file.write_text(f"{head}columns:\n  - {{head: A, of: lora_a}}\nrows:\n{lines}", encoding="utf-8")
    found = [row[1] for row in rows(suite(capsys, "table", file, "--home", tmp_path)[1])[2:]]
    assert found == ["30.0 [21.2, 40.0]", "30.0 [21.2, 40.0]", "0.0 [0.0, 3.6]", "12"]


def test_the_best_of_several_tries_is_named_as_such(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = TrackRows.row

    def swept(self: TrackRows, name: str) -> Row | None:
        row = made(self, name)
        return replace(row, tries=6) if row and name == "lora_a" else row

    monkeypatch.setattr(TrackRows, "row", swept)
    assert "- lora\\_a is the best of 6 tries" in suite(capsys, "table", file, "--home", home)[1]


def test_the_passes_of_a_dispatch_are_shown_in_seconds_and_counts_of_parameters_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        for seed, seconds in enumerate(([1.0, 3.5], [2.0, 4.5])):
            world = World(store, held_out=("qa",))
            told = {"skills": ["math"], "of_documents": [0] * 100, "seconds": seconds}
            world.experiment(
                "t2_a", {("rte", 0): right(0.9), ("qa", 1): right(0.2)}, seed=seed, dispatch={"asker": str(seed)},
                train=[world.train("t2_a", seed, Costs(12.3, 100, 1000, 7, 80))],
                findings=(FindingRecord("dispatch", told),),
            )  # fmt: skip
            world.experiment("lora_a", {("qa", 1): right(0.2)}, train=[world.train("lora_a", seed, None)], seed=seed)
    head = LAYOUT.partition("columns:")[0]
    lines = [
        f"  - {{head: x, show: {each}, role: qa, paper: [1.25, null]}}\n" for each in ("first_pass", "second_pass")
    ]
    lines.append("  - {head: x, show: parameters, paper: [6820000, null]}\n")
    columns = "columns:\n  - {head: A, of: t2_a}\n  - {head: B, of: lora_a}\n"
    file.write_text(f"{head}{columns}rows:\n{''.join(lines)}", encoding="utf-8")
    found = [row[1:] for row in rows(suite(capsys, "table", file, "--home", tmp_path)[1])[2:]]
    assert found == [["1.50", "1.25", "", ""], ["4.00", "1.25", "", ""], ["7", "6,820,000", "", ""]]
