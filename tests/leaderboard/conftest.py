"""A filled store, rendered once for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard import render
from suite.results.store import Store
from tests.leaderboard.filled import Rendered, realistic


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rendered]:
    folder = tmp_path_factory.mktemp("rendered")
    with Store.open(f"sqlite:///{folder / 'suite.db'}") as store:
        realistic(store)
        yield Rendered(store, render(store, folder / "site").parent)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as opened:
        yield opened
