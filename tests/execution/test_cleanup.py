"""What killed processes leave of finished steps goes with the next run; what is not finished stays."""

from __future__ import annotations

from pathlib import Path

from suite.core.run_dir import RunDir
from suite.execution.cleanup import clear


def test_only_what_finished_steps_left_is_cleared_away(tmp_path: Path) -> None:
    home = RunDir(tmp_path)
    for step in ("done", "other"):
        home.work(step).mkdir(parents=True)
        home.answers.mkdir(exist_ok=True)
        (home.answers / f"0123.{step}.json").write_text("{}")
        (home.answers / f"4567.{step}.part").write_text("{")
    clear(home, {"done"})
    assert not home.work("done").exists()
    assert home.work("other").exists()
    assert sorted(file.name for file in home.answers.iterdir()) == ["0123.other.json", "4567.other.part"]
    clear(home, {"done", "other"})
    assert not home.answers.exists()
