"""A home has a limit and a disk: what does not fit is refused in one line, with a remedy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from suite.core.disk import DiskSpace
from suite.core.errors import StepFailed


class Usage(NamedTuple):
    free: int


def test_what_fits_is_not_refused(tmp_path: Path) -> None:
    DiskSpace(tmp_path / "not" / "made" / "yet").require(1000, "the artifact")
    DiskSpace(tmp_path, 1000).require(1000, "the artifact")


def test_a_full_disk_is_refused_with_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(2_000_000))
    with pytest.raises(StepFailed) as caught:
        DiskSpace(tmp_path).require(3_000_000, "the artifact", "do without")
    assert str(caught.value) == (
        "the artifact takes 3.0 MB, and the disk has 2.0 MB free: "
        "make room, or choose a folder on another disk with --home, or do without"
    )


def test_the_limit_counts_all_files_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work" / "step").mkdir(parents=True)
    (tmp_path / "suite.db").write_bytes(b"0" * 600)
    (tmp_path / "work" / "step" / "checkpoint").write_bytes(b"0" * 300)
    elsewhere: dict[str, Any] = {"target_is_directory": True}
    (tmp_path / "link").symlink_to("/usr", **elsewhere)
    with pytest.raises(StepFailed) as caught:
        DiskSpace(tmp_path, 1000).require(200, "the artifact")
    assert str(caught.value).startswith("the artifact takes 200 B, and ")
    assert "of the 1.0 kB of --max-disk or budget.max_disk: raise it, or free some with `suite gc`" in str(caught.value)
