"""Equal documents count in a score, and as one in all that is said of how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from suite import stats
from suite.analysis.board import Row, board
from suite.analysis.board.compare import Comparison, compare_rows
from suite.analysis.board.named import NamedRows
from suite.analysis.board.pairs import comparisons
from suite.analysis.claims import judge
from suite.analysis.claims.schema import Claim, Claims
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import Answers, World, translated

COSTS = Costs(10.0, 100, 1000, 7, 80)
BASE = (100.0, 0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0)
TUNED = (100.0, 100.0, 0.0, 100.0, 100.0, 100.0, 100.0, 100.0, 0.0, 0.0)
SAID = ("le vieux chat noir", "le vieux chat noir dort ici", "vieux chat noir dort", "le vieux chat noir dort", "non")
Ranked = tuple[float, float | None, float | None]


def repeated(values: Sequence[float], times: int) -> Answers:
    return Answers(tuple(values) * times, names=tuple(f"{at}" for _ in range(times) for at in range(len(values))))


def texts(times: int) -> Answers:
    found = translated(*SAID * times)
    return Answers(said=found.said, corpus=found.corpus, right=found.right,
                   names=tuple(f"{at}" for _ in range(times) for at in range(len(SAID))))  # fmt: skip


def filled(store: Store, times: int) -> World:
    """The pretrained model, and two rows of two seeds."""
    world = World(store, held_out=("qa", "mt"))
    world.experiment("pretrained", {("qa", 1): repeated(BASE, times), ("mt", 1): texts(times)}, targets=())
    for seed in (0, 1):
        for name, values in (("good_rte", TUNED), ("bad_rte", TUNED[::-1])):
            answers = {
                ("rte", 0): repeated((*values[seed:], *values[:seed]), times),
                ("qa", 1): repeated(values, times),
            }
            train = [world.train(name, seed, COSTS)]
            world.experiment(name, {**answers, ("mt", 1): texts(times)}, seed=seed, train=train)
    return world


@pytest.fixture(scope="module")
def stores() -> Iterator[Mapping[int, Store]]:
    """Once and four times the same rows."""
    with Store.open("sqlite://") as once, Store.open("sqlite://") as four:
        found = {1: once, 4: four}
        for times, store in found.items():
            filled(store, times)
        yield found


def rows(store: Store) -> dict[str, Row]:
    return {row.name: row for row in board(store, "tiny").rows}


def test_four_times_the_same_rows_give_the_same_intervals_tests_and_ranks(stores: Mapping[int, Store]) -> None:
    once, four = rows(stores[1]), rows(stores[4])
    for name, row in once.items():
        other = four[name]
        for mine, theirs in zip(
            (*row.target_scores, *row.held_out), (*other.target_scores, *other.held_out), strict=True
        ):
            assert mine.score is not None
            assert theirs.score is not None
            assert numbers(theirs.score) == pytest.approx(numbers(mine.score))
            assert (theirs.documents, theirs.distinct) == (4 * mine.documents, mine.documents)
        assert numbers(other.norm_avg[1]) == pytest.approx(numbers(row.norm_avg[1]))
        mine, theirs = row.against[1], other.against[1]
        assert mine is not None
        assert theirs is not None
        assert theirs.documents == mine.documents
        assert [theirs.low, theirs.high, theirs.p, theirs.resolvable] == pytest.approx(
            [mine.low, mine.high, mine.p, mine.resolvable]
        )
        assert other.rank == row.rank
        assert other.format_ratio is None or numbers(other.format_ratio) == pytest.approx(numbers(row.format_ratio))


def numbers(estimate: stats.Estimate | None) -> Ranked:
    assert estimate is not None
    return (estimate.value, estimate.low, estimate.high)


@pytest.mark.parametrize("quickly", [False, True])
def test_a_comparison_counts_each_document_once(stores: Mapping[int, Store], quickly: bool) -> None:
    once, four = (compared(store, quickly) for store in (stores[1], stores[4]))
    for mine, theirs in zip(once.tasks, four.tasks, strict=True):
        assert mine.difference is not None
        assert theirs.difference is not None
        assert (theirs.won, theirs.lost) == (mine.won, mine.lost)
        assert theirs.difference.documents == mine.difference.documents
        assert theirs.difference.p == pytest.approx(mine.difference.p)
        assert theirs.difference.low == pytest.approx(mine.difference.low)


def compared(store: Store, quickly: bool) -> Comparison:
    named = NamedRows(store, "tiny")
    one, other = named.named("good_rte")[:1], named.named("pretrained")
    if not quickly:
        return compare_rows(store, "tiny", one, other)
    return next(iter(comparisons(store, "tiny", [one, other])))[1]


def test_mcnemars_test_counts_documents_and_not_rows(stores: Mapping[int, Store]) -> None:
    """Four documents won and none lost are too few, however often each is there."""
    for store in stores.values():
        qa = next(task for task in compared(store, False).tasks if task.role == "qa")
        assert qa.difference is not None
        assert (qa.won, qa.lost) == (4, 0)
        assert qa.difference.p == pytest.approx(stats.mcnemar(4, 0))


def test_a_claim_is_judged_on_documents(stores: Mapping[int, Store]) -> None:
    claims = Claims(track="tiny", claims=(Claim(id="a", says="", source="", expect="score(good_rte, qa) < 90"),))
    found = [judge(store, claims)[0] for store in stores.values()]
    assert found[0].documents == found[1].documents == 10
    assert found[0].high == pytest.approx(found[1].high)


def test_one_document_many_times_is_one(world: World) -> None:
    world.held_out = ("qa",)
    world.experiment("pretrained", {("qa", 1): repeated((0.0,), 64)}, targets=())
    train = [world.train("good", 0, COSTS)]
    world.experiment("good_rte", {("rte", 0): repeated((100.0,), 64), ("qa", 1): repeated((100.0,), 64)}, train=train)
    row = rows(world.store)["good_rte"]
    assert row.target_scores[0].score is not None
    assert row.target_scores[0].score.low == pytest.approx(2.5)
    assert (row.against[1], row.rank) == (None, None)  # one document does not tell how far documents differ
    task = compared(world.store, False).tasks[0]
    assert (task.difference, task.why) == (None, "qa 1-shot: documents that are all equal have no spread")


def test_documents_that_weigh_unlike_have_the_larger_p_of_both_tests(world: World) -> None:
    """Nine of ten documents are won; the one that is lost is there nine times."""
    names = tuple(map(str, range(10))) + ("9",) * 8
    base = Answers((0.0,) * 9 + (100.0,) * 9, names=names)
    tuned = Answers((100.0,) * 9 + (0.0,) * 9, names=names)
    world.held_out = ("qa",)
    world.experiment("pretrained", {("qa", 1): base}, targets=())
    world.experiment("good_rte", {("qa", 1): tuned}, train=[world.train("good", 0, COSTS)])
    for quickly in (False, True):
        (task,) = compared(world.store, quickly).tasks
        assert task.difference is not None
        assert (task.won, task.lost, task.difference.value) == (9, 1, 0.0)
        assert stats.mcnemar(9, 1) < 0.05 < task.difference.p == 1.0


def test_where_all_documents_differ_nothing_changes() -> None:
    values = np.random.default_rng(0).choice([0.0, 100.0], 40)
    assert stats.Clusters.of(range(40)) is None
    alike = stats.Clusters.of([*range(39), 38])
    assert alike is not None
    plain, clustered = stats.sample_of_values(values), stats.sample_of_values(values, alike)
    assert clustered.value == plain.value
    assert (len(plain.influence), len(clustered.influence)) == (40, 39)
    assert stats.equivalent(alike, 40) == pytest.approx(40**2 / (38 + 4))


def test_bleu_is_resampled_over_different_documents() -> None:
    from suite.core.metrics.bleu import RESAMPLING, bleu_counts

    counts = bleu_counts([("le vieux chat noir dort", text) for text in SAID])
    once = stats.sample_of_counts(counts, RESAMPLING)
    four = stats.sample_of_counts(np.tile(counts, (4, 1)), RESAMPLING, stats.Clusters.of([*range(5)] * 4))
    assert four.value == pytest.approx(once.value)
    assert four.stderr == pytest.approx(once.stderr)
    assert stats.sample_of_counts(np.tile(counts, (4, 1)), RESAMPLING).stderr < 0.7 * once.stderr
