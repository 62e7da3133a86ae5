"""The board's numbers, by hand: two held-out tasks of the pretrained model and of others."""

from __future__ import annotations

import dataclasses
import math

import pytest
import scipy.special
import scipy.stats

from suite.analysis.board import Row, board, boards
from suite.results.store import Costs, StepOutcome
from tests.analysis.board.tiny_board import OWNER, World, classified, of_corpus, per_document

T2 = 12.7062047  # Student's t for two seeds
T_4 = float(scipy.stats.t.ppf(0.975, (2 * 625 + 5) ** 2 / (2 * 625**2 / 3 + 5**2 / 1)))  # Satterthwaite, of 4, 4, 2
COSTS = Costs(10.0, 100, 1000, 7, 80)


def pretrained(world: World, *, seed: int = 0) -> None:
    world.experiment(
        "pretrained",
        {
            ("cb", 1): per_document(100.0, 0.0, 100.0, 0.0, said=["True", "false.", "True", "no"]),
            ("qa", 1): per_document(100.0, 100.0, 0.0, 0.0, said=["paris", "True story", "rome", "oslo"]),
            ("mt", 1): of_corpus(40.0, 2.0),
        },
        targets=(),
        seed=seed,
    )


def finetuned(world: World, *, seed: int, qa: tuple[float, ...], rte: float, costs: Costs | None = COSTS) -> None:
    first = world.train("prompt", seed, dataclasses.replace(COSTS, seconds=5.0, trained_parameters=3))
    second = world.train("finetune", seed, costs, parents=[first])
    world.experiment(
        "finetune_rte",
        {
            ("rte", 0): per_document(rte, rte),
            ("cb", 1): per_document(100.0, 0.0, 0.0, 0.0),
            ("qa", 1): per_document(*qa, said=["True", " TRUE!", "False", "rome"]),
            ("mt", 1): of_corpus(10.0 + seed, 1.0),
        },
        seed=seed,
        train=[first, second],
    )


def row(world: World, name: str) -> Row:
    return next(each for each in board(world.store, "tiny").rows if each.name == name)


def test_one_seed_has_intervals_over_documents(world: World) -> None:
    pretrained(world)
    base = row(world, "pretrained")
    assert [(cell.role, cell.score.value) for cell in base.held_out if cell.score] == [
        ("cb", 50),
        ("qa", 50),
        ("mt", 40),
    ]
    average = base.norm_avg[1]
    assert average is not None
    assert average.over == "documents"
    assert average.value == pytest.approx(140 / 3)
    binary = math.sqrt(10000 / 3) / 2  # the standard error of 100, 100, 0, 0
    assert (average.low, average.high) == pytest.approx(
        exact(140 / 3, variance=(2 * binary**2 + 2.0**2) / 9, documents=6, freedom=freedom_of((binary, binary, 2.0)))
    )  # 6 documents: the least of a task, 2, times 3 tasks


def test_a_score_has_the_exact_binomial_interval(world: World) -> None:
    pretrained(world)
    cb, qa, mt = (cell.score for cell in row(world, "pretrained").held_out)
    assert cb is not None
    assert mt is not None
    assert qa == cb
    assert (cb.low, cb.high) == pytest.approx((6.7586, 93.2414), abs=1e-4)  # Clopper and Pearson, 2 of 4
    assert (mt.low, mt.high) == pytest.approx(exact(40.0, variance=2.0**2, documents=2, freedom=1.0))


def freedom_of(stderrs: tuple[float, ...], documents: tuple[int, ...] = (4, 4, 2)) -> float:
    """Satterthwaite's, of some tasks."""
    variances = [each**2 for each in stderrs]
    return sum(variances) ** 2 / sum(each**2 / (n - 1) for each, n in zip(variances, documents, strict=True))


def exact(value: float, *, variance: float, documents: int, freedom: float) -> tuple[float, float]:
    """Korn and Graubard's interval of a score from 0 to 100."""
    share = value / 100
    answers = share * (1 - share) / (variance / 100**2) * documents / (documents - 1)
    t = [float(scipy.stats.t.ppf(0.975, each)) for each in (answers - 1, freedom)]
    answers *= min(1.0, t[0] / t[1]) ** 2
    right = share * answers
    ends = (
        scipy.stats.beta.ppf(0.025, right, answers - right + 1),
        scipy.stats.beta.ppf(0.975, right + 1, answers - right),
    )
    return 100 * float(ends[0]), 100 * float(ends[1])


def test_two_seeds_have_intervals_over_documents_and_seeds(world: World) -> None:
    finetuned(world, seed=0, qa=(0, 0, 0, 0), rte=80.0)
    finetuned(world, seed=1, qa=(100, 0, 0, 0), rte=90.0)
    found = row(world, "finetune_rte")
    assert found.seeds == (0, 1)
    target = found.target_scores[0].score
    assert target is not None
    assert (target.value, target.over) == (85.0, "documents and seeds")
    assert target.low is not None
    assert target.high is not None
    # 80 and 90 are 4 and 8.5 on the smoothed logits of two documents: seeds are known to half a logit, times t of one
    assert 0 < target.low < 40
    assert 99 < target.high <= 100
    average = found.norm_avg[1]  # (25 + 0 + 10)/3 and (25 + 25 + 11)/3
    assert average is not None
    assert average.low is not None
    assert average.high is not None
    assert average.value == pytest.approx((35 / 3 + 61 / 3) / 2)
    common = (625 / 9, 156.25 / 9, 1 / 9)  # of 100, 0, 0, 0; of 50, 0, 0, 0; as stated
    variance = (625 + (100 / 6) ** 2 + 1) / 9  # one of 4 + 2 documents is more than 156.25
    low, high = exact(16.0, variance=variance, documents=6, freedom=freedom_of(tuple(map(math.sqrt, common))))
    logit = scipy.special.logit
    shares = [(each / 100 * 6 + 0.5) / 7 for each in (35 / 3, 61 / 3)]
    spread = (logit(shares[0]) - logit(shares[1])) ** 2 / 2
    luck = (312.5 - 156.25) / 9 / variance  # of variance over documents: each seed's own
    reach = logit(0.16) - logit(low / 100)
    both = math.sqrt(reach**2 * (1 - luck) + max(reach**2 * luck, T2**2 * spread / 2))
    assert average.low == pytest.approx(100 * scipy.special.expit(logit(0.16) - both))
    reach, skew = logit(high / 100) - logit(0.16), (1 - 0.32) ** 2 * spread**2 / 2  # the long tail is the upper one
    both = math.sqrt(reach**2 * (1 - luck) + max(reach**2 * luck, T2**2 * (spread / 2 + skew)))
    assert average.high == pytest.approx(100 * scipy.special.expit(logit(0.16) + both))


def test_seeds_that_share_their_steps_are_one_measurement_over_documents(world: World) -> None:
    pretrained(world, seed=0)
    pretrained(world, seed=1)
    average = row(world, "pretrained").norm_avg[1]
    assert average is not None
    assert average.over == "documents"
    assert average.low is not None
    assert average.low < average.value


def test_the_change_is_paired_by_document_where_documents_have_scores(world: World) -> None:
    pretrained(world)
    finetuned(world, seed=0, qa=(100, 0, 0, 0), rte=80.0)
    change = row(world, "finetune_rte").change[1]
    assert change is not None
    assert change.value == pytest.approx((-25 - 25 - 30) / 3)
    one = math.sqrt(2500) / 2  # differences of 0, 0, 0, -100 (cb: in another order): stdev 50, over √4
    half = T_4 * math.sqrt(2 * one**2 + 2.0**2 + 1.0**2) / 3
    assert (change.low, change.high) == pytest.approx((change.value - half, change.value + half))


def test_a_row_that_shares_the_pretrained_models_answers_has_changed_by_exactly_nothing(world: World) -> None:
    pretrained(world)
    answers = {("cb", 1): None, ("qa", 1): None, ("mt", 1): None}
    world.experiment("prompt_rte", answers, train=[world.train("prompt", 0, COSTS)], stack=[])
    change = row(world, "prompt_rte").change[1]
    assert change is not None
    assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)


def test_a_row_on_other_documents_is_not_compared_with_the_pretrained_model(world: World) -> None:
    pretrained(world)
    world.documents, world.changes = 2, ("held_out.documents",)
    finetuned(world, seed=0, qa=(100, 0, 0, 0), rte=80.0)
    found = row(world, "finetune_rte")
    assert found.changes == ("held_out.documents",)
    assert found.norm_avg[1] is not None
    assert found.change[1] is None
    assert found.base_format_ratio is None


def test_the_format_ratio_counts_the_targets_labels_on_tasks_of_other_answers(world: World) -> None:
    pretrained(world)
    finetuned(world, seed=0, qa=(0, 0, 0, 0), rte=80.0)
    found = row(world, "finetune_rte")  # qa: 3 of 4; mt: 0 of 2; cb has the same labels, and does not count
    assert found.format_ratio is not None
    assert found.format_ratio.value == pytest.approx(50.0)
    ends = found.format_ratio.low, found.format_ratio.high
    assert ends == pytest.approx((11.8117, 88.1883), abs=1e-4)  # Clopper and Pearson, 3 of 6
    assert found.base_format_ratio is not None
    assert found.base_format_ratio.value == pytest.approx(100 / 6)  # "True story"
    assert row(world, "pretrained").format_ratio is None


def test_costs_add_up_what_a_row_builds_on_and_are_means_over_seeds(world: World) -> None:
    finetuned(world, seed=0, qa=(0, 0, 0, 0), rte=80.0)
    finetuned(world, seed=1, qa=(0, 0, 0, 0), rte=80.0, costs=dataclasses.replace(COSTS, seconds=20.0, peak_memory=300))
    costs = row(world, "finetune_rte").costs
    assert costs.seconds == pytest.approx((15 + 25) / 2)
    assert (costs.trained_parameters, costs.peak_memory, costs.tokens, costs.artifact_bytes) == (7, 200, 2000, 160)


def test_a_cost_that_is_not_known_is_not_zero(world: World) -> None:
    finetuned(world, seed=0, qa=(0, 0, 0, 0), rte=80.0, costs=dataclasses.replace(COSTS, peak_memory=None))
    pretrained(world)
    assert row(world, "finetune_rte").costs.peak_memory is None
    base = row(world, "pretrained").costs
    assert (base.trained_parameters, base.seconds, base.peak_memory) == (0, 0.0, None)


def test_what_is_missing_is_none_and_listed(world: World) -> None:
    pretrained(world)
    train = world.train("lora", 0, None)
    assert world.store.claim(train, OWNER)
    assert world.store.fail(train, OWNER, "the loss is NaN at step 3")
    world.experiment("lora_rte", {("rte", 0): None, ("qa", 1): per_document(100.0), ("mt", 1): None}, train=[train])
    found = row(world, "lora_rte")
    assert found.target_scores[0].score is None
    assert found.norm_avg == {1: None}
    assert found.change == {1: None}
    assert found.format_ratio is None
    assert found.costs.seconds is None
    assert found.missing == ("rte 0-shot", "mt 1-shot", "train lora · seed 0: failed (the loss is NaN at step 3)")


def test_one_seed_that_is_missing_leaves_no_mean_of_the_others(world: World) -> None:
    for seed in (0, 1):
        answer = per_document(100.0, 0.0) if seed == 0 else None
        world.experiment("lora_rte", {("rte", 0): answer}, seed=seed, train=[world.train("lora", seed, COSTS)])
    assert row(world, "lora_rte").target_scores[0].score is None
    assert row(world, "lora_rte").missing == ("rte 0-shot",)


def test_rows_come_pretrained_first_then_by_norm_avg_and_incomplete_ones_last(world: World) -> None:
    world.held_out = ("qa",)
    world.experiment("a_rte", {("rte", 0): None, ("qa", 1): per_document(100.0)}, train=[world.train("a", 0, COSTS)])
    for name, value in (("b_rte", 10.0), ("c_rte", 90.0)):
        train = [world.train(name[0], 0, COSTS)]
        world.experiment(name, {("rte", 0): per_document(1.0), ("qa", 1): per_document(value)}, train=train)
    world.experiment("pretrained", {("qa", 1): per_document(50.0)}, targets=())
    found = board(world.store, "tiny")
    assert [each.name for each in found.rows] == ["pretrained", "c_rte", "b_rte", "a_rte"]
    assert (found.title, found.shots, found.roles, found.targets) == ("Tiny", (1,), ("qa",), ("rte",))


def test_one_name_with_two_settings_is_two_rows_with_slugs_of_their_own(world: World) -> None:
    for world.documents in (None, 2):
        world.experiment("lora_rte", {("rte", 0): per_document(1.0)}, train=[world.train("lora", 0, COSTS)])
    slugs = {each.slug for each in board(world.store, "tiny").rows}
    assert len(slugs) == 2


def test_a_row_is_imported_while_all_its_steps_are(world: World) -> None:
    pretrained(world)
    assert not row(world, "pretrained").imported
    steps = world.store.steps([link.step_id for link in world.store.links(world.store.experiments()[0].id)])
    world.store.requeue(list(steps), include_done=True)
    for step in steps.values():
        assert world.store.add_imported(step, StepOutcome())
    assert row(world, "pretrained").imported


def test_a_score_whose_interval_holds_guessing_is_at_chance(world: World) -> None:
    finetuned(world, seed=0, qa=(0, 0, 0, 0), rte=50.0)
    cells = {
        cell.role: cell for cell in (*row(world, "finetune_rte").target_scores, *row(world, "finetune_rte").held_out)
    }
    assert cells["rte"].at_chance
    assert cells["cb"].at_chance
    world.experiment("lora_rte", {("mt", 1): of_corpus(10.0, 1.0, 8)}, train=[world.train("lora", 0, COSTS)])
    assert not row(world, "lora_rte").held_out[0].at_chance


def test_answers_to_a_task_with_labels_are_counted_by_class_over_all_seeds(world: World) -> None:
    for seed, last in enumerate(("True", "maybe")):
        pairs = [("True", "True"), ("True", "False"), ("True", "True"), ("False", last)]
        world.experiment(
            "lora_rte", {("rte", 0): classified(*pairs)}, seed=seed, train=[world.train("lora", seed, COSTS)]
        )
    (cell,) = row(world, "lora_rte").target_scores
    assert cell.classes is not None
    assert cell.classes.confusion == ((4, 2, 0), (1, 0, 1))
    assert (cell.classes.majority, cell.classes.majority_share) == ("True", 75.0)
    assert cell.at_majority  # 50 % right, where "True" alone would be 75 %


def test_a_task_without_labels_or_without_stored_right_answers_has_no_classes(world: World) -> None:
    world.texts = False
    world.experiment("lora", {("rte", 0): classified(("True", "True")), ("qa", 1): classified(("paris", "paris"))})
    assert [cell.classes for cell in (*row(world, "lora").target_scores, *row(world, "lora").held_out)] == [None] * 2


def test_an_empty_store_has_no_boards(world: World) -> None:
    assert boards(world.store) == ()
    assert board(world.store, "tiny").rows == ()


def test_a_row_by_dispatch_is_compared_with_the_pretrained_model(world: World) -> None:
    pretrained(world)
    answers = {("cb", 1): per_document(100.0, 100.0, 100.0, 0.0), ("qa", 1): per_document(100.0, 100.0, 0.0, 0.0)}
    world.experiment("t2", {**answers, ("mt", 1): of_corpus(40.0, 2.0)}, stack=(), dispatch={"asker": [], "stacks": {}})
    change = row(world, "t2").change[1]
    assert change is not None
    assert change.value == pytest.approx(25 / 3)
