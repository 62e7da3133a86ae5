"""Programs and tests are taken apart, also by several threads at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from suite.sandbox.judging.parts import helpers, nature

THREADS = 4


class Switching:
    """Rubbish that lets other threads run while it is collected, in the middle of whatever makes objects."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(3):
            threading.Event().wait(0)


@pytest.fixture
def _switching() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_switching")
def test_threads_read_tests_side_by_side() -> None:
    def read(number: int) -> None:
        lines = [f"assert f{number}({n}, [1, 2, {n}]) == {{'a': {n}}}" for n in range(100)]
        for turn in range(3):
            Switching()
            kind = nature("\n".join([*lines, f"assert f{number}({turn}) == {turn}"]))
            assert helpers(f"def f{number}(x):\n    return x\n\ndef g():\n", kind.names)
            assert kind.names == (f"f{number}",)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, range(THREADS)))
