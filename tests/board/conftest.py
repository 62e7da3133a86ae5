from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_board import World

from suite.store import Store


@pytest.fixture
def world() -> Iterator[World]:
    with Store.open("sqlite://") as store:
        yield World(store)
