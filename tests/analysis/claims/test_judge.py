"""Verdicts by hand-made answers: each status, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from suite.analysis.claims import Claim, Claims, Recording, Verdict, judge
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import Answers, World, per_document

COSTS = Costs(10.0, 100, 1000, 7, 80)


@pytest.fixture
def world() -> Iterator[World]:
    with Store.open("sqlite://") as store:
        yield World(store, held_out=("cb", "qa"))


def ran(world: World, name: str, rte: Answers | None, *, seed: int = 0, cost: Costs = COSTS, **kept: Answers) -> None:
    answers = {("rte", 0): rte, **{(role, 1): each for role, each in kept.items()}}
    world.experiment(name, answers, seed=seed, train=[world.train(name, seed, cost)])


def pretrained(world: World, cb: Answers, qa: Answers) -> None:
    world.experiment("pretrained", {("cb", 1): cb, ("qa", 1): qa}, targets=())


def right(share: float, n: int = 100, first: int = 0) -> Answers:
    """n documents, of which a share is answered rightly, from the `first` on."""
    wins = {(first + place) % n for place in range(round(share * n))}
    return per_document(*(100.0 if place in wins else 0.0 for place in range(n)))


def verdict(world: World, expect: str, matters: float | None = None) -> Verdict:
    claim = Claim(id="it", says="so", source="a paper", expect=expect, matters=matters)
    return judge(world.store, Claims(track="tiny", claims=(claim,)))[0]


def test_a_difference_beyond_doubt_holds_its_opposite_fails_and_a_small_one_is_undecided(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    ran(world, "lora_b", right(0.5))
    ran(world, "lora_c", right(0.78, first=3))
    found = verdict(world, "target(lora_a) - target(lora_b) > 0")
    assert (found.status, found.value, found.documents, found.seeds) == ("holds", pytest.approx(30.0), 100, 1)
    assert found.low is not None
    assert found.could_see is not None
    assert 20 < found.low < 30
    assert 10 < found.could_see < 15  # about 2.8 standard errors of 4.6
    assert verdict(world, "target(lora_b) - target(lora_a) > 0").status == "fails"
    close = verdict(world, "target(lora_a) - target(lora_c) > 0")
    assert (close.status, close.low is not None and close.low < 0) == ("undecided", True)


def test_five_documents_won_and_none_lost_do_not_decide(world: World) -> None:
    ran(world, "lora_a", right(0.55))
    ran(world, "lora_b", right(0.50))
    found = verdict(world, "target(lora_a) - target(lora_b) > 0")
    assert found.low is not None
    assert found.low > 0  # Student's interval alone would decide
    assert (found.status, found.p) == ("undecided", pytest.approx(0.0625))
    assert "too few documents differ" in found.reason


def test_a_bound_is_judged_by_the_interval(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    assert verdict(world, "target(lora_a) >= 60").status == "holds"
    assert verdict(world, "target(lora_a) >= 79").status == "undecided"
    assert verdict(world, "target(lora_a) < 60").status == "fails"


def test_an_effect_that_is_too_small_to_matter_decides(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    ran(world, "lora_c", right(0.78, first=3))  # the difference is 2 [-0.8, 4.8]
    more = "target(lora_a) - target(lora_c) > 0"
    plain = verdict(world, more)
    assert plain.low is not None
    assert plain.high is not None
    assert plain.low < 0 < 2 < plain.high
    assert verdict(world, more, matters=plain.high - 0.01).status == "undecided"
    found = verdict(world, more, matters=plain.high + 0.01)
    assert (found.status, found.value) == ("fails", plain.value)
    assert found.reason.endswith("or more, which would matter, is excluded")
    less = "target(lora_a) - target(lora_c) < 0"
    assert verdict(world, less, matters=0.01 - plain.low).status == "fails"
    assert verdict(world, less, matters=-0.01 - plain.low).status == "undecided"


def test_what_matters_is_of_the_file_or_of_the_claim_and_changes_no_other_verdict(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    ran(world, "lora_b", right(0.5))
    ran(world, "lora_c", right(0.78, first=3))
    assert verdict(world, "target(lora_a) - target(lora_b) > 0", matters=90).status == "holds"
    own = Claim(id="own", says="so", source="a", expect="target(lora_a) - target(lora_c) > 0", matters=0.5)
    files = own.model_copy(update={"id": "files", "matters": None})
    found = judge(world.store, Claims(track="tiny", matters=50, claims=(own, files)))
    assert [each.status for each in found] == ["undecided", "fails"]
    with pytest.raises(ValueError, match="greater than 0"):
        Claim(id="it", says="so", source="a", expect="target(lora_a) > 0", matters=0)
    with pytest.raises(ValueError, match="`reproduces` has `within`"):
        Claim(id="it", says="so", source="a", reproduces=Recording(experiment="lora_a", values=(1.0,)), matters=1)


def test_what_matters_in_points_says_nothing_of_seconds_nor_where_too_few_documents_differ(world: World) -> None:
    for seed, seconds in enumerate((10.0, 11.0, 12.0)):
        ran(world, "lora_a", right(0.55), seed=seed, cost=Costs(seconds, 100, 1000, 7, 80))
        ran(world, "lora_b", right(0.50), seed=seed, cost=Costs(23.0 - seconds - 1, 100, 1000, 7, 80))
    slower = Claim(id="it", says="so", source="a", expect="seconds(lora_a) - seconds(lora_b) > 0")
    file = Claims(track="tiny", matters=1000, claims=(slower,))
    (found,) = judge(world.store, file)
    assert found.status == verdict(world, str(slower.expect)).status == "undecided"
    ran(world, "lora_c", right(0.55))
    ran(world, "lora_d", right(0.50))
    few = verdict(world, "target(lora_c) - target(lora_d) > 0", matters=50)
    assert (few.status, "too few documents differ" in few.reason) == ("undecided", True)


def test_what_one_seed_shows_three_may_not(world: World) -> None:
    """Each seed by itself is 100 documents; that seeds scatter is seen with several only."""
    pretrained(world, right(0.5), right(0.5))
    shares = (0.9, 0.5, 0.4)
    for seed, share in enumerate(shares):
        ran(world, "lora_a", right(share), seed=seed, cb=right(share), qa=right(share))
        ran(world, "lora_b", right(0.5), seed=seed, cb=right(0.5), qa=right(0.5))
    found = verdict(world, "norm_avg(lora_a, 1) - norm_avg(lora_b, 1) > 0")
    assert (found.status, found.seeds, found.documents) == ("undecided", 3, 200)
    assert verdict(world, "change(lora_a) > 0").value == pytest.approx(10.0)


def test_missing_results_are_named_and_a_row_that_was_not_run_is_not_called_undecided(world: World) -> None:
    ran(world, "lora_a", None, seed=0, cb=right(0.5))
    for expect, reason in {
        "target(lora_a) > 0": "lora_a (seed 0): rte 0-shot",
        "target(lora_z) > 0": "'lora_z' was not run on tiny",
        "target(lora_a, cb) > 0": "lora_a has no target 'cb'",
        "score(lora_a, cb, 4) > 0": "lora_a was not asked 'cb' at 4 shots",
        "norm_avg(lora_a, 4) > 0": "lora_a has no held-out tasks at 4 shots",
        "change(lora_a, 1) > 0": "the pretrained model was not asked what lora_a was",
    }.items():
        found = verdict(world, expect)
        assert (found.status, found.reason) == ("not run" if "lora_z" in expect else "undecided", reason)
        assert found.value is None


def test_a_verdict_says_which_runs_it_is_about(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    found = verdict(world, "target(lora_a) - target(lora_z) > 0")
    assert found.experiments == {"lora_a": world.store.experiments("tiny")[0].id, "lora_z": None}


def test_other_documents_or_another_task_are_not_comparable(world: World) -> None:
    ran(world, "lora_a", right(0.8), cb=right(0.5), qa=right(0.5))
    ran(world, "lora_b", right(0.5), cb=right(0.5))
    found = verdict(world, "norm_avg(lora_a, 1) - norm_avg(lora_b, 1) > 0")
    assert (found.status, found.wrong) == ("not comparable", True)
    assert found.reason == "the averages of lora_a and lora_b are over other tasks"
    for key, reason in (("task", "another version of the task"), ("code", "scored by another version of the code"),
                        ("draw", "another draw of exemplars")):  # fmt: skip
        world.asked = {key: "other"}
        ran(world, f"other_{key}", right(0.5))
        found = verdict(world, f"target(lora_a) - target(other_{key}) > 0")
        assert (found.status, found.reason) == ("not comparable", f"rte 0-shot: {reason}")


def test_of_other_data_the_documents_in_common_are_compared_if_there_are_any(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    world.asked = {"data": "a smaller cut"}
    ran(world, "lora_b", right(0.5, n=40))
    found = verdict(world, "target(lora_a) - target(lora_b) > 0")
    assert (found.status, found.documents, found.value) == ("holds", 40, pytest.approx(50.0))  # 40 of 40, 20 of 40
    world.asked, world.prefix = {"data": "all new"}, "new"
    ran(world, "lora_c", right(0.5))
    found = verdict(world, "target(lora_a) - target(lora_c) > 0")
    assert (found.status, found.reason) == ("not comparable", "rte 0-shot: no documents in common")


def test_rows_without_a_seed_in_common_are_undecided(world: World) -> None:
    for name, seeds in (("lora_a", (0, 1)), ("lora_b", (2, 3))):
        for seed in seeds:
            ran(world, name, right(0.5, first=seed), seed=seed)
    assert verdict(world, "target(lora_a) - target(lora_b) > 0").reason == "no seed in common (lora_a, lora_b)"


def test_one_seed_of_a_row_stands_for_no_other(world: World) -> None:
    """Three seeds against one: the one in common counts, while the pretrained model goes with each."""
    pretrained(world, right(0.5), right(0.5))
    for seed, share in enumerate((0.5, 0.9, 0.9)):
        ran(world, "lora_a", right(0.5), seed=seed, cb=right(share), qa=right(share))
    ran(world, "lora_b", right(0.5), cb=right(0.5), qa=right(0.5))
    found = verdict(world, "score(lora_a, cb) - score(lora_b, cb) > 0")
    assert (found.seeds, found.value) == (1, 0.0)
    assert verdict(world, "change(lora_a) > 0").seeds == 3


def test_parameters_are_exact_and_seconds_need_seeds(world: World) -> None:
    for seed in (0, 1, 2):
        ran(world, "lora_a", right(0.5), seed=seed, cost=Costs(10.0 + seed, 1, 1, 7, 1))
        ran(world, "lora_b", right(0.5), seed=seed, cost=Costs(90.0 - seed, 1, 1, 9, 1))
    ran(world, "lora_c", right(0.5))
    found = verdict(world, "parameters(lora_a) - parameters(lora_b) < 0")
    assert (found.status, found.value, found.low, found.documents) == ("holds", -2.0, -2.0, None)
    assert verdict(world, "seconds(lora_a) - seconds(lora_b) < 0").status == "holds"
    assert verdict(world, "seconds(lora_a) < 11").status == "undecided"
    assert verdict(world, "seconds(lora_c) < 11").reason == "one seed does not tell how far seconds vary (found +10.0)"


def test_curves_are_compared_over_seeds_at_a_step_or_at_the_end(world: World) -> None:
    for seed in (0, 1, 2):
        ran(world, "lora_a", right(0.5), seed=seed)  # its loss is 0.5 after one step, with every seed
    found = verdict(world, 'curve(lora_a, "loss") < 0.6')
    assert (found.status, found.value, found.documents) == ("holds", 0.5, None)
    assert verdict(world, 'curve(lora_a, "loss", 1) - curve(lora_a, "loss") > 0').status == "fails"
    assert verdict(world, 'curve(lora_a, "loss", 7) < 1').reason == "lora_a (seed 0) has no curve 'loss' after step 7"
    ran(world, "lora_b", right(0.5))
    assert "one seed does not tell how far a curve varies" in verdict(world, 'curve(lora_b, "loss") < 1').reason


def test_format_ratios_are_compared_by_answer(world: World) -> None:
    for name, said in (("lora_a", "True"), ("lora_b", "paris")):
        answers = per_document(*[0.0] * 50, said=[said] * 50)
        ran(world, name, right(0.5), cb=right(0.5), qa=answers)
    found = verdict(world, "format_ratio(lora_a) - format_ratio(lora_b) > 50")
    assert (found.status, found.value, found.documents) == ("holds", pytest.approx(100.0), 50)


def reproduced(world: World, values: Sequence[float], **settings: object) -> Verdict:
    recording = Recording(experiment="lora_a", values=tuple(values), **settings)  # type: ignore[arg-type]
    claim = Claim(id="it", says="so", source="us", reproduces=recording)
    return judge(world.store, Claims(track="tiny", claims=(claim,)))[0]


def test_a_recorded_curve_comes_out_again_or_not(world: World) -> None:
    ran(world, "lora_a", right(0.5))  # its loss is 0.5 after one step
    assert reproduced(world, [0.5]).status == "holds"
    assert reproduced(world, [0.6], within=0.11).status == "holds"
    assert reproduced(world, [0.6]).reason == "value 1 is 0.5, 0.6 was recorded"
    assert (reproduced(world, [0.5, 0.5]).status, reproduced(world, [0.5], seed=3).status) == ("fails", "not run")
    assert reproduced(world, [0.5], curve="score").reason == "lora_a (seed 0) has no curve 'score'"


def test_of_several_settings_of_a_name_the_one_on_the_tracks_terms_is_judged(world: World) -> None:
    ran(world, "lora_a", right(0.8))
    world.documents, world.changes = 2, ("held_out.documents",)
    ran(world, "lora_a", right(0.1))
    assert verdict(world, "target(lora_a) > 0").value == pytest.approx(80.0)
