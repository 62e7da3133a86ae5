"""Papers' tables as files: what is shipped is whole, and every problem of a file has its line."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.papers.form import Layout, experiments
from suite.specs import shipped
from suite.specs.load import load_track
from suite.specs.papers import named_tables, read_table, table_files
from suite.specs.workspace import Workspace

SHIPPED = sorted((shipped() / "tables").glob("*.yaml"))
FILE = """title: a
source: b
figures_from: c
model: d
columns:
  - {group: g, head: one, of: a_1, shots: 1}
  - {group: g, head: four, of: a_1, shots: 4}
rows:
  - {head: t, show: target, role: rte, paper: [1.0]}
  - {head: s, show: score, role: cb, paper: [1.0, null]}
"""


def read(tmp_path: Path, text: str) -> Layout:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return read_table(file)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_table_asks_for_what_there_is(file: Path) -> None:
    layout = read_table(file)
    track = load_track(Workspace.around(), "micro")
    assert layout.comparable is None or layout.comparable in Workspace.around().tracks()
    assert {line.role for line in layout.rows} - {None} <= set(track.roles)
    assert {column.shots for column in layout.columns} - {None} <= set(track.held_out.shots)
    assert set(experiments(layout)) <= {spec.stem for spec in Workspace.around().specs()}
    assert layout.source.endswith(f"Table {file.stem.rpartition('-')[2]}")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_papers_averages_are_those_of_its_figures(file: Path) -> None:
    """A slip of the pen in a figure shows here; what the paper itself has otherwise is in a note."""
    layout = read_table(file)
    found = {line.show: line.paper for line in layout.rows if line.show != "score"}
    figures = zip(*(line.paper for line in layout.rows if line.show == "score"), strict=True)
    means = [statistics.fmean(value for value in column if value is not None) for column in figures]
    base = {
        column.shots: mean for column, mean in zip(layout.columns, means, strict=False) if column.of == "pretrained"
    }
    for column, mean, average, change in zip(
        layout.columns, means, found.get("norm_avg", ()), found.get("change", ()), strict=False
    ):
        assert average == pytest.approx(mean, abs=0.011) or any(f"{average:.2f}" in note for note in layout.notes)
        assert change is None or average is not None
        assert change is None or change == pytest.approx(average - base[column.shots], abs=0.016)


def test_tables_are_found_by_name_by_paper_and_by_path_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = [f"promot-{number}" for number in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15)]
    assert [name for name in table_files() if name.startswith("promot-")] == names
    assert list(named_tables("promot")) == names
    assert list(named_tables("promot-10")) == ["promot-10"]
    assert named_tables(str(tmp_path / "mine.yaml")) == {"mine": tmp_path / "mine.yaml"}
    with pytest.raises(SuiteError, match="there is no table 'promt'; did you mean 'promot'"):
        named_tables("promt")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("title: a", "titel: a", 1, "titel: unknown key; did you mean 'title'?"),
        ("show: score", "show: skore", 10, "rows.1.show: is 'skore'"),
        ("role: cb, ", "", 10, "rows.1.show: score is asked of a task; add `role:`"),
        ("role: rte, ", "", 9, "rows.0.show: target is asked of a task"),
        ("show: score, role: cb", "show: norm_avg, role: cb", 10, "rows.1.role: norm_avg is of no single task"),
        ("[1.0, null]", "[1.0]", 10, "rows.1.paper: has 1 figures, not 2"),
        ("paper: [1.0]", "paper: [1.0, 2.0]", 9, "rows.0.paper: has 2 figures, not 1"),
        ("[1.0, null]", "[1.0, .nan]", 10, "rows.1.paper.1"),
        ("[1.0, null]", '[1.0, "2"]', 10, "rows.1.paper.1: is '2'"),
        ("role: cb,", "role: cb, of: [a],", 10, "rows.1.of: has 1 experiments for 2 columns"),
        ("head: four, of: a_1,", "head: four,", 9, "rows.0: no experiment is named for the column 'four'"),
        ("of: a_1, shots: 1", "of: '../x', shots: 1", 6, "columns.0.of: is '../x'"),
    ],
)
def test_what_does_not_fit_is_told_by_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in FILE
    with pytest.raises(SuiteError) as caught:
        read(tmp_path, FILE.replace(old, new))
    assert f"{tmp_path / 'mine.yaml'}:{line}: {said}" in str(caught.value)


def test_a_quantity_without_shots_stands_once_for_a_group(tmp_path: Path) -> None:
    assert len(read(tmp_path, FILE).rows[0].paper) == 1
    apart = FILE.replace("group: g, head: four", "group: h, head: four").replace("[1.0]", "[1.0, 2.0]")
    assert len(read(tmp_path, apart).rows[0].paper) == 2
