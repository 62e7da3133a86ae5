"""The comparison page's numbers are those of `suite compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leaderboard import render
from leaderboard.data import pairwise
from suite.analysis.board import board
from suite.analysis.board.pairs import comparisons
from suite.cli.commands.boards import print_comparison
from suite.core.run_dir import RunDir
from suite.results.store import Store
from suite.results.store.experiment_results import ExperimentResults
from tests.analysis.board.tiny_board import World, of_corpus, per_document, translated
from tests.leaderboard.filled import METHODS, Filling, Rendered, realistic
from tests.leaderboard.reading import loaded


def versus_data(folder: Path, track: str = "micro") -> dict[tuple[str, str], tuple[list[str], list[Any]]]:
    """(First name, second name) -> the tasks' keys, and what the page has."""
    listed = loaded(folder / "rows.js")[1]["tracks"]
    names = {row[0]: row[1] for each in listed for row in each["rows"]}
    found = {}
    for file in sorted((folder / "pairs" / track).iterdir()):
        path, value = loaded(file)
        first = names[path.removeprefix("pairs/").removesuffix(".js")]
        found |= {(first, names[other]): (value["tasks"], told) for other, told in value["rows"].items()}
    return found


def as_shown(found: dict[str, Any], p: float | None) -> list[Any]:
    """What `suite compare` prints of a difference."""
    sides = found["value"] - found["low"], found["high"] - found["value"]
    told = None if not max(sides) else 0 if p < 0.001 else float(f"{p:.3f}")
    value, low, high, seen = (float(f"{found[name]:.1f}") for name in ("value", "low", "high", "resolvable"))
    interval = float(f"{max(sides):.1f}") if min(sides) >= 0.9 * max(sides) else [low, high]
    return [value, interval, told, seen, found["documents"], found["seeds"]]


def test_every_number_is_that_of_suite_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = RunDir(tmp_path)
    with Store.open(home.url) as store:
        realistic(store)
        site = render(store, tmp_path / "site").parent
    shown = versus_data(site)
    assert len(shown) == 8 * 7 // 2
    numbers = 0
    for (first, second), (keys, (tasks, averages)) in shown.items():
        print_comparison(home, first, second, "micro", as_json=True)
        (theirs,) = json.loads(capsys.readouterr().out)
        found = {f"{task['role']}.{task['shots']}": task for task in theirs["tasks"]}
        assert set(found) == set(keys)
        for key, told in zip(keys, tasks, strict=True):
            task = found[key]
            if task["difference"] is None:
                assert told == task["why"]
            else:
                expected = as_shown(task["difference"], task["corrected"])
                assert told == [*expected, task["won"], task["lost"]], (first, second, key)
                numbers += 8
        assert averages == {shots: as_shown(each, each["p"]) for shots, each in theirs["averages"].items()}
        numbers += 6 * len(averages)
    assert numbers > 2500


def test_a_track_with_too_many_rows_says_so_and_holds_no_comparisons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(pairwise, "MOST", 16)
    for track, seeds in (("one", (0,)), ("two", (0, 1))):
        filling = Filling(store, track=track)
        filling.add("lora_rte", "lora", METHODS["lora"], seeds)
        if track == "two":
            filling.add("finetune_rte", "finetune", METHODS["finetune"], seeds)
    site = render(store, tmp_path / "site").parent
    listed = {track["track"]: track["compared"] for track in loaded(site / "rows.js")[1]["tracks"]}
    assert listed == {"one": True, "two": False}
    assert not (site / "pairs").exists()  # one row has nothing to be compared with, the other track too much


def test_rows_on_other_terms_documents_and_seeds_are_compared_as_one_by_one(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.analysis.board import pairs
    from suite.analysis.board.compare import compare_rows
    from suite.analysis.board.tables import grouped
    from suite.cli.commands.as_json import plain

    world = World(store, held_out=("qa", "mt"))
    world.experiment(
        "pretrained",
        {
            ("qa", 1): per_document(100.0, 0.0, 0.0),
            ("mt", 1): translated("le vieux chat", "le chat noir dort", "un chien"),
        },
        targets=(),
    )
    for seed in (0, 1):
        train = [world.train("lora", seed, None)]
        answers = {
            ("qa", 1): per_document(100.0, 100.0 * seed, 0.0),
            ("mt", 1): translated("le vieux chat noir", "le chat", "un chien dort"),
        }
        world.experiment("lora_rte", answers, train=train, seed=seed)
    other = {("qa", 1): per_document(100.0, 100.0), ("mt", 1): of_corpus(30.0, 5.0, 3)}
    for name, asked, seed in (("few", {}, 0), ("code", {"code": "2"}, 0), ("cut", {"data": "2"}, 0), ("late", {}, 7)):
        world.asked = asked
        world.prefix = "x" if name == "cut" else "h"
        world.experiment(name, other, train=[world.train(name, seed, None)], seed=seed)
    rows = [ExperimentResults.of_many(store, group) for group in grouped(store.experiments("tiny"))]
    whys = set()
    for at, found in enumerate(comparisons(store, "tiny", rows)):
        assert set(found) == set(range(at + 1, len(rows)))
        for place, each in found.items():
            theirs = plain(compare_rows(store, "tiny", rows[at], rows[place]))
            assert json.loads(json.dumps(plain(each)), parse_float=shortened) == json.loads(
                json.dumps(theirs), parse_float=shortened
            )
            whys |= {task.why.partition(": ")[2] or task.why for task in each.tasks}
    assert {"scored by another version of the code", "no documents in common"} <= whys
    assert any("no seed in common" in why for why in whys)
    monkeypatch.setattr(pairs, "SINGLY", 0)
    left = [len(found) for found in comparisons(store, "tiny", rows)]
    assert 0 < sum(left) < len(rows) * (len(rows) - 1) // 2
    assert board(store, "tiny").rows
    assert capsys.readouterr().out == ""


def shortened(text: str) -> str:
    return f"{float(text):.6g}"


def test_pages_reach_the_comparisons(rendered: Rendered) -> None:
    listed = loaded(rendered.folder / "rows.js")[1]["tracks"][0]
    firsts = [row[0] for row in listed["rows"][:-1]]
    assert listed["compared"]
    assert all((rendered.folder / "pairs" / f"{key}.js").is_file() for key in firsts)
