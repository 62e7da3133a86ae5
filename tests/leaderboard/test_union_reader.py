"""Published records are read as if they were local: the union answers every question that a store does."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isfunction, signature
from typing import Any

import pytest
from sqlalchemy import text

from leaderboard.data.recording_reader import RecordingReader
from leaderboard.data.union_reader import PUBLISHED, UnionReader
from suite.analysis.board import board
from suite.results.store import ResultsReader, Store
from suite.results.store.reading import Reading
from tests.leaderboard.filled import METHODS, Filling, Rendered

QUESTIONS = sorted(name for name, member in vars(ResultsReader).items() if isfunction(member) and name[0] != "_")
OF_STEPS = [name for name in QUESTIONS if "steps" in signature(getattr(ResultsReader, name)).parameters]


@pytest.fixture
def published(store: Store) -> Store:
    Filling(store, documents=4).add("lora_rte", "lora", METHODS["lora"], (0, 1))
    with store.engine.execution_options(write=True).begin() as connection:
        assert connection.execute(text("update answer set doc_hash = 'equal' where doc_id < 2")).rowcount
        finding = "insert into finding (step_id, name, content) select id, 'note', '{}' from step where kind = 'train'"
        assert connection.execute(text(finding)).rowcount
    return store


@pytest.fixture
def union(published: Store) -> Iterator[UnionReader]:
    with Store.open("sqlite://") as empty:
        yield UnionReader(empty, published)


def test_every_question_to_the_store_is_one_of_the_protocol() -> None:
    assert [
        name for name, member in sorted(vars(Reading).items()) if isfunction(member) and name[0] != "_"
    ] == QUESTIONS


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("reader", [Reading, UnionReader, RecordingReader])
def test_whoever_reads_answers_every_question_itself(reader: type[Any], question: str) -> None:
    assert question in vars(reader)
    wanted, own = signature(getattr(ResultsReader, question)), signature(getattr(reader, question))
    assert [str(each) for each in own.parameters.values()] == [str(each) for each in wanted.parameters.values()]
    assert own.return_annotation == wanted.return_annotation


def test_the_union_is_no_store() -> None:
    assert UnionReader.__mro__ == (UnionReader, object)


@pytest.mark.parametrize("question", OF_STEPS)
def test_what_is_published_is_told_by_the_ids_of_the_union(published: Store, union: UnionReader, question: str) -> None:
    own = getattr(published, question)(published.step_ids())
    assert own
    joined = getattr(union, question)(union.step_ids())
    assert repr(joined) == repr({PUBLISHED + step: value for step, value in own.items()})


def test_questions_of_one_step_and_of_no_step_reach_what_is_published(published: Store, union: UnionReader) -> None:
    train = next(step.id for step in published.steps(published.step_ids()).values() if step.kind == "train")
    evaluated = sorted(published.answer_columns(published.step_ids()))[0]
    assert union.curve(PUBLISHED + train) == published.curve(train) != ()
    assert union.answers(PUBLISHED + evaluated) == published.answers(evaluated) != ()
    assert (union.count_steps(), union.tracks()) == (published.count_steps(), published.tracks())
    assert union.experiments() == published.experiments()
    titles = [step.title for step in published.steps([train]).values()]
    assert union.finished_keys(titles) == published.finished_keys(titles) != {}


def test_a_published_board_is_the_one_its_own_store_gives(rendered: Rendered) -> None:
    with Store.open("sqlite://") as empty:
        joined = board(UnionReader(empty, rendered.store), "micro")
    own = board(rendered.store, "micro")
    assert [row.name for row in joined.rows] == [row.name for row in own.rows]
    for row, other in zip(joined.rows, own.rows, strict=True):
        assert row.format_ratio == other.format_ratio
        assert row.change == other.change
        assert row.norm_avg == other.norm_avg
    assert any(row.format_ratio for row in joined.rows)


def test_equal_documents_of_published_rows_count_once_as_where_they_come_from(
    published: Store, union: UnionReader
) -> None:
    (own,), (joined,) = (board(reader, "micro").rows for reader in (published, union))
    assert {cell.distinct for cell in own.held_out} == {3}
    assert [(cell.distinct, cell.score) for cell in joined.held_out] == [
        (cell.distinct, cell.score) for cell in own.held_out
    ]
