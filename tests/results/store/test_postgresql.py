"""The same promises on a server that the tests start. `SUITE_TEST_POSTGRES=postgresql+psycopg://USER@HOST/NAME` names
another one."""

from __future__ import annotations

import math
import multiprocessing
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from suite.results.store import AnswerRecord, Costs, Owner, StepOutcome, StepRecord, Store
from suite.results.store.owners import _uptime
from suite.results.store.tables import Base
from tests.results.store.test_checksums import read_all
from tests.results.store.test_claims import STEPS, _take
from tests.results.store.test_store import EXPERIMENT, LINK, STEP, finished


def fresh(url: str) -> None:
    """Remove the tables of suite from a server that the environment names."""
    with Store.open(url) as store, store.engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of a server: the one that SUITE_TEST_POSTGRES names, or one that the tests start."""
    given = os.environ.get("SUITE_TEST_POSTGRES")
    if given is None:
        server = request.getfixturevalue("postgres")
        yield server.url(server.database(f"store_{secrets.token_hex(4)}"))
        return
    yield given
    fresh(given)


def test_processes_that_start_at_once_make_the_tables_once_and_share_the_steps(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2, timeout=30), context.Queue()
    workers = [context.Process(target=_take, args=(url, start, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [step for _ in workers for step in taken.get(timeout=60)]
    for worker in workers:
        worker.join(30)
    assert sorted(claims) == sorted(STEPS)
    with Store.open(url) as store, store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_processes_that_add_the_same_steps_in_another_order_do_not_stop_each_other(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2, timeout=30)
    with Store.open(url):  # the tables are there
        workers = [context.Process(target=_add, args=(url, start, way)) for way in (1, -1)]
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


def test_a_finished_step_comes_out_as_it_went_in_and_an_import_does_not_change_it(url: str) -> None:
    step = StepRecord("a", "train", "train it", {"seed": 0})
    answer = AnswerRecord(0, "h", "p", "Q", "t", "é \0", "", 100.0)
    with Store.open(url) as store:
        store.add_steps([step])
        assert store.claim("a", "me:1:1")
        assert store.finish("a", "me:1:1", StepOutcome(answers=(answer,), costs=Costs(1.5, 2**40)))
        assert not store.add_imported(step, StepOutcome())
        assert store.answers("a")[0].output == "é ␀"
        assert store.steps(["a"])["a"].costs == Costs(1.5, 2**40)
        assert str(store.steps(["a"])["a"].finished).endswith("+00:00")


def test_checksums_are_those_of_sqlite(url: str, tmp_path: Path) -> None:
    found = []
    for each in (url, tmp_path / "suite.db"):
        with Store.open(each) as store, store.engine.connect() as connection:
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


def test_a_changed_row_is_noticed_on_a_server_too(url: str) -> None:
    with Store.open(url) as store:
        store.add_steps([STEP])
        finished(store)
        with store.engine.begin() as connection:
            connection.execute(text("UPDATE score SET value = 49.0 WHERE metric = 'acc'"))
        store.scores(["a"])
        assert store.alteration() == "what is stored of 'train it' (scores) was changed after it was written"
        assert store.database_faults() == ()


SHIFTED = """
import sys, time
shift, url, step, owner, *lease = sys.argv[1:]
clock = time.time
time.time = lambda: clock() + float(shift)
from suite.results.store import Store
with Store.open(url) as store:
    silence = {step: lease.silence for step, lease in store.leases([step]).items()}[step]
    print(silence is not None and abs(silence) < 30, store.references()[step].running)
    print(store.claim(step, owner, *map(float, lease)), store.heartbeat(step, owner))
"""


def with_a_clock(shift: float, url: str, *arguments: str) -> list[str]:
    """What a process says whose clock is `shift` seconds ahead: has the step's owner been silent for less than half a
    minute, does it run, did a claim succeed, and a heartbeat."""
    command = [sys.executable, "-c", SHIFTED, str(shift), url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
def test_leases_follow_the_servers_clock_whatever_the_hosts_clocks_say(url: str, shift: float) -> None:
    with Store.open(url) as store:
        store.add_steps([StepRecord("a", "train", "train it", {})])
        assert store.claim("a", "here:1:1")
        assert with_a_clock(shift, url, "a", "there:1:1") == ["True", "True", "False", "False"]
        assert store.heartbeat("a", "here:1:1")
        assert with_a_clock(shift, url, "a", "there:1:1", "0.0") == ["True", "True", "True", "True"]
        assert not store.claim("a", "here:1:2")
        assert 0.0 <= (store.leases(["a"])["a"].silence or 0.0) < 30.0
        assert store.references()["a"].running
        assert store.claim("a", "here:1:2", 0.0)


def test_an_owner_before_a_reboot_is_told_from_a_clone_by_the_servers_clock(url: str) -> None:
    """The clone beats now; this machine's clock and the server's need not agree."""
    clone = replace(Owner.here(), boot="another")
    if not (clone.machine and _uptime() < math.inf):
        pytest.skip("this system does not name its boots")
    with Store.open(url) as store:
        store.add_steps([StepRecord("a", "train", "train it", {})])
        assert store.claim("a", str(clone))
        assert with_a_clock(3600.0 + _uptime(), url, "a", "there:1:1")[2:] == ["False", "False"]
        with store.engine.begin() as connection:
            connection.execute(text(f"UPDATE step SET heartbeat = heartbeat - {_uptime() + 60}"))
        assert store.claim("a", "here:1:1", 10 * _uptime())
