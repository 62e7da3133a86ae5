"""A few full disks of the trial, and what files and folders for the user look like after one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.faults import disks
from suite.core.errors import SuiteError, machine_problem
from suite.core.outputs import copy_folder, write_output
from tests.cli.calls import suite
from tests.execution.test_full_disk import room_for


@pytest.mark.skipif(not disks.can_mount(), reason="only root may mount a file system")
def test_full_disks_are_told_in_one_line_and_lose_nothing(tmp_path: Path) -> None:
    outcome = disks.trial(tmp_path, 4, seed=0)
    assert outcome.wrong == ()
    assert outcome.tried == 4


def test_a_file_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    write_output(file, b"old", "name another file")
    with (
        room_for(1000),
        pytest.raises(SuiteError, match=r"cannot be written \(File too large\); make room"),
    ):
        write_output(file, b"n" * 5000, "name another file")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_one_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_output(tmp_path / "link", b"new", "")
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_a_folder_that_does_not_fit_is_not_there(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(b"b" * 5000)
    with room_for(1000), pytest.raises(SuiteError, match=r"cannot be written .*make room"):
        copy_folder(source, tmp_path / "new" / "specs", "name another folder")
    assert list(tmp_path.iterdir()) == [source]


def test_new_on_a_full_disk_is_one_line_and_can_be_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with room_for(2000):
        code, _, err = suite(capsys, "new", tmp_path / "mine")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "make room" in err
    assert suite(capsys, "new", tmp_path / "mine")[0] == 0


def test_render_and_export_on_a_full_disk_leave_what_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    assert suite(capsys, "render", "--home", home, "--out", site)[0] == 0
    before = disks._pages(site)
    (site / "index.html").write_text("changed")
    with room_for(3000):
        code, _, err = suite(capsys, "render", "--home", home, "--out", site)
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"{site}: cannot be written (File too large); make room" in err
    assert (site / "index.html").read_text() == "changed"
    assert [each.name for each in tmp_path.iterdir()] == ["site"]
    assert suite(capsys, "render", "--home", home, "--out", site)[0] == 0
    assert disks._pages(site) == before


@pytest.mark.parametrize(
    "error",
    [
        OSError([("a", "b", "[Errno 28] No space left on device: 'b'")]),
        RuntimeError("I/O error: No space left on device (os error 28)"),
        FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"),
    ],
)
def test_a_full_disk_is_known_in_what_libraries_raise(error: Exception) -> None:
    problem = machine_problem(error)
    assert problem is not None
    assert "make room" in problem.fix


def test_the_trial_compares_what_lasts() -> None:
    record = {"seconds": 1.5, "steps": [{"started": "now", "value": 3}]}
    assert json.dumps(disks._lasting(record)) == '{"steps": [{"value": 3}]}'
