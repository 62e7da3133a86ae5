"""Times, sizes and shares as a person writes them."""

from __future__ import annotations

import pytest

from suite.core.errors import SuiteError
from suite.core.quantities import byte_count, duration, share


@pytest.mark.parametrize(
    ("text", "count"),
    [("8GB", 8 * 10**9), ("500 MiB", 500 * 2**20), ("1.5g", 1_500_000_000), ("1000", 1000), ("2kb", 2000)],
)
def test_sizes(text: str, count: int) -> None:
    assert byte_count(text, "--max-memory") == count


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2 h", 7200), ("1.5h", 5400), ("3min", 180), ("1d", 86400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "--max-time") == seconds


@pytest.mark.parametrize(("text", "value"), [("95%", 0.95), ("0.95", 0.95), ("100 %", 1.0), ("0", 0.0)])
def test_shares(text: str, value: float) -> None:
    assert share(text, "--keep") == value


@pytest.mark.parametrize("text", ["", "8XB", "GB", "-1GB", "8 GB 3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SuiteError, match=r"--max-memory: .* is no size; write 8GB"):
        byte_count(text, "--max-memory")


@pytest.mark.parametrize("text", ["", "5", "5x", "1h30", "h", "1h 5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SuiteError, match=r"--max-time: .* is no duration"):
        duration(text, "--max-time")


@pytest.mark.parametrize("text", ["", "95", "150%", "-1%", "all"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(SuiteError, match=r"--keep: .* is no share; write 95%"):
        share(text, "--keep")
