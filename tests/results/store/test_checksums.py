"""A row that was changed after it was written is noticed when it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.results.store import ExperimentRecord, Provenance, StepLink, Store
from suite.results.store.checksums import ADDED, of_step, of_value
from suite.results.store.tables import Base
from tests.results.store.test_store import EXPERIMENT, LINK, OUTCOME, STEP, finished

CHANGES = {
    "UPDATE score SET value = 51.0 WHERE metric = 'acc'": "scores",
    "DELETE FROM score WHERE metric = 'f1'": "scores",
    "UPDATE answer SET value = 100.0": "answers",
    "UPDATE answer SET output = 'yes' WHERE doc_id = 0": "answers",
    "UPDATE answer SET parsed = 'maybe' WHERE doc_id = 1": "answers",
    "UPDATE answer SET doc_hash = 'h0'": "answers",
    "DELETE FROM answer WHERE doc_id = 1": "answers",
    "UPDATE curve_point SET value = 0.4 WHERE step = 20": "curve",
    "UPDATE finding SET content = '{\"alpha\": [0.25]}' WHERE name = 'mixture'": "findings",
    "UPDATE artifact SET hash = 'abd'": "artifact",
    "UPDATE step SET seconds = 3.0": "costs and provenance",
    "UPDATE step SET status = 'dooe'": "costs and provenance",
    "UPDATE step SET threads = 3": "costs and provenance",
    "UPDATE experiment SET seed = 1": "settings",
    "UPDATE experiment SET track = 'micrn'": "settings",
    "UPDATE experiment_step SET shots = 4": "links to steps",
}


def test_a_step_without_a_devices_name_has_the_checksum_that_older_versions_stored() -> None:
    older = Provenance("host", "cpu", {"torch": "2.13"}, "c0ffee")
    step = replace(STEP, status="done", attempts=1, provenance=older, costs=OUTCOME.costs)
    fields = (
        step.id, step.kind, step.title, step.config, step.status, step.reason, step.attempts, step.started,
        step.finished, step.imported, "host", "cpu", {"torch": "2.13"}, "c0ffee", *vars(step.costs).values(),
    )  # fmt: skip
    assert of_step(step) == of_value(fields)
    named = [replace(older, **more) for more in ({"device_name": "x"}, {"precision": "x"}, {"threads": 1})]  # type: ignore[arg-type]
    assert len({of_step(step), *(of_step(replace(step, provenance=each)) for each in named)}) == 4


def stored(file: Path) -> None:
    with Store.open(file) as store:
        store.add_steps([STEP])
        finished(store)
        store.add_experiment(EXPERIMENT, [LINK])


def change(file: Path, statement: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(statement)


def read_all(store: Store) -> None:
    for track in (None, *store.tracks()):
        store.experiments(track)
    store.links("e")
    for read in (
        store.steps, store.scores, store.values, store.outputs, store.texts, store.tallies, store.documents,
        store.repeated, store.curves, store.findings, store.artifacts, store.answer_columns,
    ):  # fmt: skip
        read(["a"])
    store.answers("a")


def opened_and_read(file: Path) -> None:
    with Store.open(file) as store:
        read_all(store)


def divided(file: Path) -> None:
    with Store.open(file) as store:
        store.scores(["a"])
        raise ZeroDivisionError


def test_what_nobody_changed_is_as_it_was_written(tmp_path: Path) -> None:
    stored(tmp_path / "suite.db")
    with Store.open(tmp_path / "suite.db") as store:
        read_all(store)
        assert (store.alteration(), store.unsealed(), store.database_faults()) == (None, 0, ())


@pytest.mark.parametrize(("statement", "part"), CHANGES.items())
def test_a_change_is_noticed_by_who_reads_it(tmp_path: Path, statement: str, part: str) -> None:
    stored(tmp_path / "suite.db")
    change(tmp_path / "suite.db", statement)
    with Store.open(tmp_path / "suite.db") as store:
        read_all(store)
        assert {what for _, what in store.alterations()} - {"track"} == {part}
        assert "\n" not in str(store.alteration())


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE answer SET value = 99.0 WHERE doc_id = 1", lambda store: store.values(["a"])),
        ("UPDATE answer SET output = 'x'", lambda store: store.outputs(["a"])),
        ("UPDATE answer SET parsed = 'x' WHERE doc_id = 1", lambda store: store.tallies(["a"])),
        ("UPDATE answer SET target = 'x' WHERE doc_id = 1", lambda store: store.texts(["a"])),
        ("UPDATE answer SET doc_hash = 'h0'", lambda store: store.repeated(["a"])),
        ("UPDATE answer SET question = 'x'", lambda store: store.answers("a")),
        ("DELETE FROM answer", lambda store: store.values(["a"])),
    ],
)
def test_each_read_of_answers_checks_what_it_reads(
    tmp_path: Path, statement: str, read: Callable[[Store], object]
) -> None:
    stored(tmp_path / "suite.db")
    change(tmp_path / "suite.db", statement)
    with Store.open(tmp_path / "suite.db") as store:
        read(store)
        assert store.alteration() == "what is stored of 'train it' (answers) was changed after it was written"


def test_a_lost_experiment_is_missed(tmp_path: Path) -> None:
    stored(tmp_path / "suite.db")
    change(tmp_path / "suite.db", "DELETE FROM experiment")
    with Store.open(tmp_path / "suite.db") as store:
        assert store.tracks() == ()
        assert store.alterations() == (("e", "track"),)
        store.experiments("micro")
        assert ("e", "settings") in store.alterations()


def test_what_is_planned_again_or_run_again_is_sealed_anew(tmp_path: Path) -> None:
    stored(tmp_path / "suite.db")
    with Store.open(tmp_path / "suite.db") as store:
        store.requeue(["a"], include_done=True)
        assert store.claim("a", "me:1:1", 60)
        read_all(store)
        assert store.finish("a", "me:1:1", OUTCOME)
        store.add_experiment(EXPERIMENT, [LINK, StepLink("a", "evaluate", "rte", 0, 1)])
        store.remove(store.removal([]))
        read_all(store)
        assert (store.alteration(), store.unsealed()) == (None, 0)
        store.remove(store.removal(["e"]))
        assert (store.experiments(), store.alteration()) == ((), None)


def test_a_plan_does_not_seal_what_was_changed_as_if_it_were_right(tmp_path: Path) -> None:
    stored(tmp_path / "suite.db")
    change(tmp_path / "suite.db", "UPDATE experiment SET seed = 1")
    with Store.open(tmp_path / "suite.db") as store:
        assert not store.import_experiment(EXPERIMENT, [LINK], [(STEP, OUTCOME)])
        store.experiments()
        assert store.alterations() == (("lora_rte, seed 1", "settings"),)
    with Store.open(tmp_path / "suite.db") as store:
        store.add_experiment(EXPERIMENT, [LINK])
        assert [each.seed for each in store.experiments()] == [0]
        assert store.alteration() is None


def test_an_imported_step_is_sealed(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        record = ExperimentRecord(**{**vars(EXPERIMENT), "imported": True})
        assert store.import_experiment(record, [LINK], [(STEP, OUTCOME)])
        assert store.unsealed() == 0
        read_all(store)
        assert store.alteration() is None


def test_an_older_store_has_no_checksums_and_is_not_judged(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    stored(file)
    with sqlite3.connect(file) as connection:
        for table in ("checksum", "experiment_checksum"):
            connection.execute(f"DROP TABLE {table}")
        for column in ADDED:
            connection.execute(f"ALTER TABLE step DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
        connection.execute("UPDATE score SET value = 1.0")
    with Store.open(file) as store:
        read_all(store)
        assert (store.alteration(), store.unsealed()) == (None, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE answer SET prompt_hash = CAST(x'61ff62' AS TEXT)",
        "UPDATE score SET metric = CAST(x'61ff62' AS TEXT) WHERE metric = 'acc'",
        "UPDATE step SET config = '{'",
        "UPDATE step SET started = 'never'",
        "UPDATE answer SET value = 'x'",
    ],
)
def test_what_is_no_data_of_ours_is_told_in_one_line(tmp_path: Path, statement: str) -> None:
    stored(tmp_path / "suite.db")
    change(tmp_path / "suite.db", statement)
    with pytest.raises(SuiteError, match=r"\(.*restore a copy") as raised:
        opened_and_read(tmp_path / "suite.db")
    assert "\n" not in str(raised.value)


def test_what_fails_on_a_changed_store_is_no_bug_and_on_a_sound_one_it_is(tmp_path: Path) -> None:
    stored(tmp_path / "suite.db")
    with pytest.raises(ZeroDivisionError):
        divided(tmp_path / "suite.db")
    change(tmp_path / "suite.db", "UPDATE score SET n = 0")
    with pytest.raises(SuiteError, match="was changed after it was written"):
        divided(tmp_path / "suite.db")


def test_the_database_finds_its_own_damage(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    stored(file)
    with sqlite3.connect(file) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'answer'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(file.read_bytes())
    data[(page - 1) * size + 3] ^= 0x40  # how many cells the page has
    file.write_bytes(data)
    with Store.open(file) as store:
        assert store.database_faults()


def test_checksums_do_not_depend_on_the_order_of_rows_or_the_database(tmp_path: Path) -> None:
    other = type(OUTCOME)(**{
        **vars(OUTCOME), "scores": OUTCOME.scores[::-1], "answers": OUTCOME.answers[::-1], "curve": OUTCOME.curve[::-1],
    })  # fmt: skip
    found = []
    for number, outcome in enumerate((OUTCOME, other)):
        with Store.open(tmp_path / f"{number}.db") as store, store.engine.connect() as connection:
            store.add_steps([STEP])
            finished(store, outcome)
            row = dict(connection.execute(Base.metadata.tables["checksum"].select()).mappings().one())
            found.append({name: value for name, value in row.items() if name != "step"})  # it holds when it was done
    assert found[0] == found[1]
    assert found[0]["value"] == "befac6b966a4e178"
