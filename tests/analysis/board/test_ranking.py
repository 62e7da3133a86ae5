"""What a row's place among others comes to: ranks, corrected tests, what scores vary with."""

from __future__ import annotations

import numpy as np
import pytest

from suite.analysis.board import Row, board
from suite.results.store import Costs
from tests.analysis.board.tiny_board import Answers, World, of_corpus, per_document

COSTS = Costs(10.0, 100, 1000, 7, 80)


def right(share: float, n: int = 100, seed: int = 0) -> Answers:
    """n documents; the easier a document, the more rows have it right."""
    hard = np.linspace(0, 1, n)
    luck = np.random.default_rng(seed).normal(0, 0.1, n)
    return per_document(*(100.0 if each else 0.0 for each in hard + luck < share))


def rows(world: World) -> dict[str, Row]:
    return {row.name: row for row in board(world.store, "tiny").rows}


def ran(world: World, name: str, share: float, *, seed: int = 0, mt: Answers | None = None) -> None:
    answers: dict[tuple[str, int], Answers | None] = {("rte", 0): right(0.9), ("qa", 1): right(share, seed=seed)}
    answers |= {("mt", 1): mt} if mt else {}
    world.experiment(name, answers, seed=seed, train=[world.train(name, seed, COSTS)])


@pytest.fixture
def several(world: World) -> World:
    world.held_out = ("qa",)
    world.experiment("pretrained", {("rte", 0): right(0.5), ("qa", 1): right(0.5, seed=9)})
    for seed in (0, 1, 2):
        for name, share in (("good_rte", 0.8), ("same_rte", 0.79), ("bad_rte", 0.3)):
            ran(world, name, share, seed=seed)
    return world


def test_rows_that_cannot_be_told_apart_share_their_places(several: World) -> None:
    found = rows(several)
    ranks = {name: row.rank for name, row in found.items()}
    assert ranks["pretrained"] is None
    told = {name: (rank.low, rank.high, rank.below_best) for name, rank in ranks.items() if rank}
    assert told == {"good_rte": (1, 2, False), "same_rte": (1, 2, False), "bad_rte": (3, 3, True)}
    assert found["good_rte"].contenders == 3


def test_changes_are_corrected_for_how_many_there_are(several: World) -> None:
    for name, row in rows(several).items():
        against, corrected = row.against[1], row.corrected[1]
        assert against is not None
        if name == "pretrained":
            assert (against.value, corrected) == (0.0, None)
            continue
        assert corrected is not None
        assert against.p <= corrected <= 3 * against.p
        assert (against.seeds, against.documents) == (3, 100)
        assert row.change[1] == against.estimate
        assert row.change[1].over == "documents and seeds"
        assert 0 < against.resolvable < 20


def test_documents_seeds_and_draws_are_told_apart(several: World) -> None:
    several.draw = 1
    several.changes = ("held_out.draw",)
    for seed in (0, 1, 2):
        ran(several, "good_rte", 0.7, seed=seed)
    found = [row for row in board(several.store, "tiny").rows if row.name == "good_rte"]
    for row in found:
        variation = row.variation[1]
        assert variation is not None
        assert 3 < variation.documents < 5
        assert variation.seeds is not None
        assert variation.seeds < 2
        assert variation.draws == pytest.approx(abs(values(found[0]) - values(found[1])) / 2**0.5)
    assert [row.rank is None for row in sorted(found, key=lambda row: len(row.changes))] == [False, True]
    base = rows(several)["pretrained"].variation[1]
    assert base is not None
    assert (base.seeds, base.draws) == (None, None)


def values(row: Row) -> float:
    average = row.norm_avg[1]
    assert average is not None
    return average.value


def test_rows_on_other_documents_or_incomplete_have_no_rank(several: World) -> None:
    several.experiment("lost_rte", {("rte", 0): right(0.9), ("qa", 1): None}, train=[several.train("lost", 0, COSTS)])
    several.asked = {"data": "another cut"}
    ran(several, "else_rte", 0.9)
    found = rows(several)
    assert found["lost_rte"].rank is None
    assert found["else_rte"].rank is None
    assert found["else_rte"].against[1] is None
    assert found["good_rte"].contenders == 3


def test_scores_of_a_corpus_without_texts_rank_by_their_standard_errors(world: World) -> None:
    """Some have answers that give their BLEU, others do not: published without texts."""
    world.held_out = ("qa", "mt")
    world.experiment("pretrained", {("rte", 0): right(0.5)})
    for name, bleu in (("a_rte", 90.0), ("b_rte", 10.0)):
        ran(world, name, 0.5, mt=of_corpus(bleu, 1.0))
    ran(world, "c_rte", 0.5, mt=Answers(corpus=(0.0, 1.0), said=("le chat", "le chien")))  # its texts give 0, too
    ranks = [row.rank for row in board(world.store, "tiny").rows]
    assert [(rank.low, rank.high) for rank in ranks if rank] == [(1, 1), (2, 3), (2, 3)]
