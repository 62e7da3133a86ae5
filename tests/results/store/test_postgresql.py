"""The same promises on a server: `SUITE_TEST_POSTGRES=postgresql+psycopg://USER@HOST/NAME pytest`."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from suite.results.store import AnswerRecord, Costs, StepOutcome, StepRecord, Store
from suite.results.store.tables import Base
from tests.results.store.test_checksums import read_all
from tests.results.store.test_claims import STEPS, _take
from tests.results.store.test_store import EXPERIMENT, LINK, STEP, finished

URL = os.environ.get("SUITE_TEST_POSTGRES", "")
pytestmark = pytest.mark.skipif(not URL, reason="SUITE_TEST_POSTGRES names no server")


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    with Store.open(URL) as store, store.engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))


def test_processes_that_start_at_once_make_the_tables_once_and_share_the_steps() -> None:
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2, timeout=30), context.Queue()
    workers = [context.Process(target=_take, args=(URL, start, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [step for _ in workers for step in taken.get(timeout=60)]
    for worker in workers:
        worker.join(30)
    assert sorted(claims) == sorted(STEPS)
    with Store.open(URL) as store, store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_processes_that_add_the_same_steps_in_another_order_do_not_stop_each_other() -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2, timeout=30)
    with Store.open(URL):  # the tables are there
        workers = [context.Process(target=_add, args=(URL, start, way)) for way in (1, -1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]


def _add(url: str, start: Barrier, way: int) -> None:
    with Store.open(url) as store:
        for number in range(10):
            steps = [StepRecord(f"{number}-{each}", "train", "t", {}) for each in range(300)]
            start.wait()
            store.add_steps(steps[::way])


def test_a_finished_step_comes_out_as_it_went_in_and_an_import_does_not_change_it() -> None:
    step = StepRecord("a", "train", "train it", {"seed": 0})
    answer = AnswerRecord(0, "h", "p", "Q", "t", "é \0", "", 100.0)
    with Store.open(URL) as store:
        store.add_steps([step])
        assert store.claim("a", "me:1:1")
        assert store.finish("a", "me:1:1", StepOutcome(answers=(answer,), costs=Costs(1.5, 2**40)))
        assert not store.add_imported(step, StepOutcome())
        assert store.answers("a")[0].output == "é ␀"
        assert store.steps(["a"])["a"].costs == Costs(1.5, 2**40)
        assert str(store.steps(["a"])["a"].finished).endswith("+00:00")


def test_checksums_are_those_of_sqlite(tmp_path: Path) -> None:
    found = []
    for url in (URL, tmp_path / "suite.db"):
        with Store.open(url) as store, store.engine.connect() as connection:
            store.add_steps([STEP])
            finished(store)
            store.add_experiment(EXPERIMENT, [LINK])
            read_all(store)
            assert (store.alteration(), store.unsealed()) == (None, 0)
            row = dict(connection.execute(Base.metadata.tables["checksum"].select()).mappings().one())
            links = connection.execute(text("SELECT links FROM experiment_checksum")).scalar()
            found.append(({name: value for name, value in row.items() if name != "step"}, links))
            connection.rollback()
    assert found[0] == found[1]  # but for the step's own row, which says when it ran


def test_a_changed_row_is_noticed_on_a_server_too() -> None:
    with Store.open(URL) as store:
        store.add_steps([STEP])
        finished(store)
        with store.engine.begin() as connection:
            connection.execute(text("UPDATE score SET value = 49.0 WHERE metric = 'acc'"))
        store.scores(["a"])
        assert store.alteration() == "what is stored of 'train it' (scores) was changed after it was written"
        assert store.database_faults() == ()
