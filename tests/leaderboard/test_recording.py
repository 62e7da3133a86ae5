"""What a page read is noted, and has a version that changes with whatever is stored of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text

from leaderboard.data.recording_reader import ANYTHING, LISTED, RecordingReader
from suite.results.store import StepLink, Store
from suite.results.store.reader import PARTS
from suite.results.store.tables import Base
from tests.leaderboard.filled import METHODS, Filling
from tests.leaderboard.test_union_reader import QUESTIONS

TABLES = {
    "experiment": "experiment", "experiment_step": "links", "step": "step", "score": "scores", "answer": "answers",
    "curve_point": "curve", "finding": "findings", "artifact": "artifact",
}  # fmt: skip
"""Table -> the part of an experiment that its rows are."""
UNSEEN = {("step", "owner"), ("step", "heartbeat"), ("experiment", "created")}
ALTERABLE = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if table.name in TABLES and not column.primary_key and (table.name, column.name) not in UNSEEN
    and column.name not in ("step_id", "position")
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    file = tmp_path_factory.mktemp("recording") / "suite.db"
    with Store.open(f"sqlite:///{file}") as store:
        Filling(store, documents=4).add("lora_rte", "lora", METHODS["lora"], (0, 1))
        with store.engine.execution_options(write=True).begin() as connection:
            finding = "insert into finding (step_id, name, content) select id, 'note', '{}' from step"
            assert connection.execute(text(finding)).rowcount
        yield store


def versions(store: Store) -> dict[str, dict[str, str]]:
    return store.versions(store.links_of([record.id for record in store.experiments()]))


def altered(store: Store, statement: str) -> set[tuple[str, str]]:
    """(Seed, part) whose version changes with a statement, which is taken back."""
    seeds = {record.id: str(record.seed) for record in store.experiments()}
    before = versions(store)
    raw: Any = store.engine.raw_connection()
    rows = {table: raw.execute(f"select * from {table}").fetchall() for table in TABLES}
    raw.execute("pragma foreign_keys = off")
    assert raw.execute(statement).rowcount
    raw.commit()
    try:
        now = versions(store)
    finally:
        for table, saved in rows.items():
            raw.execute(f"delete from {table}")
            raw.executemany(f"insert into {table} values ({', '.join('?' * len(saved[0]))})", saved)
        raw.commit()
        raw.close()
    assert versions(store) == before
    return {(seeds[name], part) for name in before for part in PARTS if before[name][part] != now[name][part]}


@pytest.mark.parametrize(("table", "column"), ALTERABLE, ids=map(".".join, ALTERABLE))
def test_every_column_that_changes_changes_the_version_of_its_part_and_of_no_other(
    filled: Store, table: str, column: str
) -> None:
    kind = str(Base.metadata.tables[table].columns[column].type)
    other = "'2031-01-01 00:00:00'" if "DATE" in kind else "'{\"x\": 1}'" if "JSON" in kind else None
    other = other or ("'other'" if "CHAR" in kind or "TEXT" in kind else f'coalesce("{column}", 0) + 1')
    other = f'1 - "{column}"' if "BOOL" in kind else other
    experiments = "select id from experiment where seed = 1"
    own = f"select step_id from experiment_step where experiment_id in ({experiments})"
    shared = f"select step_id from experiment_step where experiment_id not in ({experiments})"
    where = {"experiment": f"id in ({experiments})", "experiment_step": f"experiment_id in ({experiments})"}
    ids = "id" if table == "step" else "step_id"
    chosen = where.get(table, f"{ids} in ({own}) and {ids} not in ({shared})")
    assert altered(filled, f'update {table} set "{column}" = {other} where {chosen}') == {("1", TABLES[table])}


@pytest.mark.parametrize(
    "statement",
    [
        "update answer set question = question || ' ' || target, target = ''",
        "update answer set target = target || char(10), output = output || ' '",
        "delete from answer where doc_id = 3",
        "update answer set doc_id = doc_id + 10",
        "update answer set value = null where doc_id = 1",
        "update answer set value = value + 0.0000000001 where doc_id = 1",
    ],
)
def test_answers_have_a_version_of_their_own_whatever_changes_in_them(filled: Store, statement: str) -> None:
    assert {part for _, part in altered(filled, statement)} == {"answers"}


def test_values_that_change_places_change_the_version(filled: Store) -> None:
    one = "update answer set value = case when doc_id in (0, 3) then 100.0 else 0.0 end"
    other = "update answer set value = case when doc_id in (1, 2) then 100.0 else 0.0 end"
    raw: Any = filled.engine.raw_connection()
    raw.execute(one)
    raw.commit()
    raw.close()
    assert {part for _, part in altered(filled, other)} == {"answers"}


def arguments(store: Store, question: str) -> tuple[object, ...]:
    experiment = store.experiments()[0].id
    links = store.links_of([experiment])
    steps = [link.step_id for link in links[experiment]]
    given: dict[str, tuple[object, ...]] = {
        "experiments": (), "tracks": (), "step_ids": (), "count_steps": (), "links": (experiment,),
        "links_of": ([experiment],), "versions": (links,), "finished_keys": (["x"],), "curve": (steps[0],),
        "rates": ("model", lambda kind, _: kind), "artifact_sizes": ("model", lambda kind, _: kind),
        "answers": (steps[1],),
    }  # fmt: skip
    return given.get(question, (steps,))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_read_notes_the_part_of_every_table_that_it_asks_or_that_it_has_no_version(
    filled: Store, question: str
) -> None:
    reader = RecordingReader(filled, filled.experiments())
    statements: list[str] = []
    given = arguments(filled, question)
    noted = lambda connection, cursor, statement, *_: statements.append(statement)  # noqa: E731
    event.listen(filled.engine, "before_cursor_execute", noted)
    try:
        with reader.recording() as reads:
            getattr(reader, question)(*given)
    finally:
        event.remove(filled.engine, "before_cursor_execute", noted)
    tables = {name for each in statements for name in re.findall(r"(?:FROM|JOIN) (\w+)", each)}
    parts = {TABLES[table] for table in tables if table in TABLES}
    assert parts
    if ANYTHING in reads:
        assert reader.versions_of(reads) is None
    else:
        assert list(reads.values()) == [parts]
        assert reader.versions_of(reads)


def test_to_look_at_an_experiment_is_a_read(filled: Store) -> None:
    reader = RecordingReader(filled, filled.experiments())
    with reader.recording() as reads:
        assert [(record.seed, record.created) for record in reader.records.values()] == [(0, None), (1, None)]
    assert reads == {LISTED: {"ids"}} | {record.id: {"experiment"} for record in filled.experiments()}
    assert reader.versions_of(reads) != RecordingReader(filled, filled.experiments()[:1]).versions_of({LISTED: ["ids"]})


def test_what_is_remembered_counts_as_read_each_time(filled: Store) -> None:
    reader = RecordingReader(filled, filled.experiments())
    experiment = filled.experiments()[0].id
    links = reader.remembering(reader.links, 2)
    with reader.recording() as first:
        found: tuple[StepLink, ...] = links(experiment)
    with reader.recording() as outer, reader.recording() as second:
        assert links(experiment) is found
    assert first == second == outer == {experiment: {"links"}}


def test_what_was_read_of_an_experiment_that_is_gone_has_no_version(filled: Store) -> None:
    reader = RecordingReader(filled, filled.experiments()[:1])
    gone = filled.experiments()[1]
    assert reader.versions_of({gone.id: ["links"]}) is None
    with reader.recording() as reads:
        reader.steps([next(link.step_id for link in filled.links(gone.id) if link.part == "evaluate")])
    assert reader.versions_of(reads) is None
