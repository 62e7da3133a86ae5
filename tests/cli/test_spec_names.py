"""Specs may be named as `suite list` prints them, wherever the command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import suite


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without any specs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_shipped_spec_is_planned_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = suite(capsys, "plan", "promot_rte", "--resolved")
    assert (code, "name: promot_rte" in out) == (0, True), err


def test_a_spec_of_the_workspace_comes_before_a_shipped_one(
    capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    (elsewhere / "specs" / "tracks").mkdir(parents=True)
    text = "name: promot_rte\nabout: Mine.\nmethod: {name: lora}\ntargets: [rte]\n"
    (elsewhere / "specs" / "promot_rte.yaml").write_text(text)
    (elsewhere / "specs" / "tracks" / "x.yaml").write_text("extends: micro\nname: x\n")
    assert "about: Mine." in suite(capsys, "plan", "promot_rte", "--resolved")[1]


def test_a_name_that_no_spec_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, "plan", "promt_rte")
    assert (code, err) == (2, "error: there is no spec 'promt_rte'; did you mean 'promot_rte'? (`suite list specs`)\n")


def test_the_path_of_a_shipped_spec_names_it_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, "plan", "specs/promot_rte.yaml")
    assert code == 2
    assert err == (
        "error: specs/promot_rte.yaml: there is no such file; `promot_rte` names the spec that comes with suite\n"
    )


def test_shipped_specs_are_listed_without_the_folder_of_the_installation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = suite(capsys, "list", "specs")[1].splitlines()
    assert not [line for line in lines if ".yaml" in line]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, suite(capsys, "list")[1].splitlines())) <= 80
