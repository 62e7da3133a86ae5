"""What is shown where hardly anything is known: two documents, all alike, one seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.analysis.board import board
from suite.cli.commands.boards import print_boards, print_comparison
from suite.core.run_dir import RunDir
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, per_document

COSTS = Costs(10.0, 100, 1000, 7, 80)


@pytest.fixture
def home(tmp_path: Path) -> RunDir:
    found = RunDir(tmp_path)
    with Store.open(found.url) as store:
        world = World(store, held_out=("qa",))
        world.experiment("pretrained", {("qa", 1): per_document(0.0, 0.0)}, targets=())
        for name, values in (("one_rte", (100.0, 0.0)), ("all_rte", (100.0, 100.0))):
            train = [world.train(name, 0, COSTS)]
            world.experiment(name, {("rte", 0): per_document(100.0), ("qa", 1): per_document(*values)}, train=train)
    return found


def test_scores_and_changes_stay_within_their_bounds(home: RunDir) -> None:
    with Store.open(home.url) as store:
        for row in board(store, "tiny").rows:
            average, against = row.norm_avg[1], row.against[1]
            assert average is not None
            assert average.low is not None
            assert average.high is not None
            assert 0 <= average.low <= average.value <= average.high <= 100
            assert against is not None
            assert -100 <= against.low <= against.value <= against.high <= 100
            assert 0 <= against.p <= 1
            assert row.rank is None or (row.rank.low, row.rank.high) == (1, 2)


def test_a_change_to_a_perfect_score_from_nothing_is_as_open_as_two_documents(home: RunDir) -> None:
    with Store.open(home.url) as store:
        row = next(row for row in board(store, "tiny").rows if row.name == "all_rte")
    change = row.change[1]
    assert change is not None
    assert change.value == change.high == 100
    assert change.low == pytest.approx(-100 + 200 * 0.025**0.5)


def test_no_difference_can_be_seen_where_it_would_have_to_be_larger_than_the_scale(
    home: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    print_boards(home, "tiny", as_json=False, wide=True)
    line = next(line for line in capsys.readouterr().out.splitlines() if " one_rte " in line)
    assert "none" in line.split()
    print_comparison(home, "one_rte", "pretrained", "tiny", as_json=False, wide=True)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("qa"))
    assert line.split()[2:7] == ["+50.0", "[−100.0,", "+100.0]", "1.000", "none"]
