"""What was measured along training of tasks and of parts: groups, a map of layers, the target against the others."""

from __future__ import annotations

from pathlib import Path

from leaderboard import render
from leaderboard.data.experiment_records import SeedRecords
from leaderboard.pages.training_probes import TrainingProbes, training_probes
from suite.core.curves import OfPart, OfTask, curve_name
from suite.results.store import Costs, CurvePointRecord, ExperimentRecord, StepLink, StepOutcome, Store
from tests.analysis.board.tiny_board import OWNER, PROVENANCE, World, per_document
from tests.leaderboard.reading import experiment_page, read

Curves = dict[OfTask | OfPart, dict[int, float | None]]


def points(curves: Curves) -> tuple[CurvePointRecord, ...]:
    return tuple(
        CurvePointRecord(step, curve_name(of), value) for of, values in curves.items() for step, value in values.items()
    )


def seen(*seeds: Curves, targets: tuple[str, ...] = ("rte",)) -> TrainingProbes | None:
    """Of a train step with a `loss` besides; cb and qa are held out."""
    link = StepLink("s", "train", None, None, 0)
    loss = (CurvePointRecord(1, "loss", 0.5),)
    those = [
        (SeedRecords(ExperimentRecord("e", "x", "t", number, "m", "f", targets, "", {}), (link,), {}, {},
              {"s": (*loss, *points(each))}, {}, {}), link)
        for number, each in enumerate(seeds)
    ]  # fmt: skip
    return training_probes(those, targets, ("cb", "qa"), 1)


def test_a_step_without_such_curves_has_none() -> None:
    assert seen({}) is None


def test_tasks_are_grouped_by_what_was_measured_and_by_shots_targets_first() -> None:
    found = seen({
        OfTask("score", "qa", 4): {0: 1.0}, OfTask("score", "rte", 0): {0: 1.0}, OfTask("format", "qa", 4): {0: 1.0},
        OfTask("format", "cb", 4): {0: 1.0}, OfTask("format", "cb", 1): {0: 1.0},
    })  # fmt: skip
    assert found is not None
    assert [(group.title, [each.name for each in group.followed]) for group in found.groups] == [
        ("Format ratio along training, 1 shot: cb", ["cb"]),
        ("Format ratio along training, 4 shots", ["cb", "qa"]),
        ("Scores along training, 0 shots: rte", ["rte"]),
        ("Scores along training, 4 shots: qa", ["qa"]),
    ]


def test_a_chart_has_each_seed_and_its_table_their_mean() -> None:
    one = {OfTask("score", "cb", 1): {0: 80.0, 10: 60.0}}
    two = {OfTask("score", "cb", 1): {0: 80.0, 10: 20.0, 20: None}}
    found = seen(one, two)
    assert found is not None
    (group,) = found.groups
    assert group.rows == ((0, ("80",)), (10, ("40",)), (20, ("–",)))
    assert group.chart is not None
    ((line,),) = (group.chart.described["series"],)
    assert line["seeds"][1] == {"name": "seed 1", "points": [[0, 80], [10, 20], [20, None]]}


def test_cosines_are_a_line_a_kind_and_a_map_of_layers_by_steps() -> None:
    one: Curves = {
        OfPart("mlp"): {0: 0.5}, OfPart("query"): {0: 0.1}, OfPart("mlp", 10): {0: 1.0, 5: -0.5},
        OfPart("mlp", 2): {0: 0.0}, OfPart("query", 3): {0: -0.001, 5: -1.0},
    }  # fmt: skip
    found = seen(one, {OfPart("mlp", 10): {0: 0.0}})
    assert found is not None
    assert [each.name for each in found.groups[0].followed] == ["query", "mlp"]
    assert found.layers is not None
    assert found.layers.columns == ("0", "5")
    told = [(label, [(cell.text, cell.level) for cell in cells]) for label, cells in found.layers.rows]
    assert told == [
        ("query.3", [("0.00", 5), ("−1.00", 0)]),
        ("mlp.2", [("0.00", 5), ("–", 0)]),
        ("mlp.10", [("0.50", 8), ("−0.50", 2)]),
    ]


def test_the_target_stands_against_the_mean_of_the_others_where_all_were_measured() -> None:
    found = seen({
        OfTask("score", "rte", 0): {0: 50.0, 10: 90.0, 20: 95.0},
        OfTask("score", "cb", 4): {0: 80.0, 10: 60.0, 20: 40.0}, OfTask("score", "qa", 4): {0: 60.0, 10: 20.0},
    })  # fmt: skip
    assert found is not None
    (path,) = found.paths
    assert (path.target, path.shots, path.roles) == ("rte", 4, ("cb", "qa"))
    assert path.rows == (("seed 0", ("0", "50", "70")), ("seed 0", ("10", "90", "40")))
    assert path.chart is not None
    assert path.chart.described["series"][0]["seeds"][0]["points"] == [[50, 70, 0], [90, 40, 10]]


def test_without_the_targets_score_or_a_held_out_one_there_is_no_such_path() -> None:
    for role, shots in (("rte", 0), ("cb", 4)):
        found = seen({OfTask("score", role, shots): {0: 1.0}})
        assert found is not None
        assert found.paths == ()


def test_the_page_shows_them_once_with_a_text_for_each(tmp_path: Path) -> None:
    curves: Curves = {
        OfTask("format", "qa", 1): {0: 0.0, 10: 30.0}, OfTask("score", "qa", 1): {0: 90.0, 10: 40.0},
        OfTask("score", "rte", 0): {0: 50.0, 10: 99.0}, OfPart("mlp"): {0: 0.5}, OfPart("mlp", 0): {0: 0.5},
    }  # fmt: skip
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("qa",))
        step = world.train("lora", 0, None)
        assert store.claim(step, OWNER)
        loss = CurvePointRecord(1, "loss", 0.5)
        costs = Costs(10.0, 100, 1000, 7, 80)
        assert store.finish(step, OWNER, StepOutcome(curve=(loss, *points(curves)), costs=costs, provenance=PROVENANCE))
        world.experiment("lora_x", {("rte", 0): per_document(1.0), ("qa", 1): per_document(1.0)}, train=[step])
        page = read(experiment_page(render(store, tmp_path / "site").parent, "lora_x", "tiny"))
    names = [each.text for each in page.with_class("curve-name")]
    assert names == [
        "loss", "Format ratio along training, 1 shot: qa", "Scores along training, 0 shots: rte",
        "Scores along training, 1 shot: qa",
        "Cosine of gradients on true and on shuffled labels, by kind of parameters",
        "rte against held-out tasks along training, 1 shot",
    ]  # fmt: skip
    captions = [each.text for each in page.all("caption")]
    assert set(names[1:]) <= set(captions)
    assert "mlp.0" in [each.text for each in page.with_class("heat")[0].all("th")]
    assert len(page.with_class("chart")) == len(names)
    assert [each for each in page.all("script") if each.attributes.get("src", "").endswith("static/charts.js")]
