"""For all tests: no network, one thread, no leftovers in the user's folders."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults._server import Server, missing
from benchmarks.faults.trial import usual_signals

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")
usual_signals()  # a script that starts the tests with `&` has them ignored, and so would all that tests start

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder  # one cache for all of its processes
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # processes that tests start have it, too


@pytest.fixture(scope="module", autouse=True)
def _less_to_collect() -> Iterator[None]:
    """Exclude what each module leaves from later garbage collections: every step of a run makes one."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUITE_DATA", "SUITE_MODELS", "SUITE_HOME", "SUITE_DB"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def specs() -> Path:
    """The shipped specs."""
    return REPOSITORY / "specs"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for all tests of this process; it starts when the first one asks for it."""
    if reason := missing():
        pytest.skip(reason)
    with Server.started() as server:
        yield server
