from __future__ import annotations

from collections.abc import Iterator

import pytest

from suite.results.store import Store
from tests.analysis.board.tiny_board import World


@pytest.fixture
def world() -> Iterator[World]:
    with Store.open("sqlite://") as store:
        yield World(store)
