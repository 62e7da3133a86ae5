"""Right answers that miss full marks are kept with the evaluation, and the task's page counts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.diagnostics import Gold, GoldMisses, read
from suite.results.store import Store
from suite.sandbox import bubblewrap
from tests.cli.calls import suite
from tests.planning.own_task import TASK, make_workspace, write


def test_the_page_of_a_task_counts_right_answers_that_miss_full_marks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_workspace(tmp_path)
    write(folder, test=["no", "yes it is", *["no"] * 8])
    file = folder / "specs" / "tasks" / "mine.yaml"
    file.write_text(TASK.replace("{folder: mine}", "{folder: mine, gold_misses: 0.1}"), encoding="utf-8")
    (folder / "specs" / "own.yaml").write_text("name: own\ntrack: mini\nmethod: {name: pretrained}\ntargets: [mine]\n")
    code, _, err = suite(
        capsys, "run", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs",
        pages=True,
    )  # fmt: skip
    assert code == 0, err
    with Store.open(folder / "runs" / "suite.db") as store:
        steps = [step.step_id for record in store.experiments() for step in store.links(record.id)]
        (content,) = [found["gold"] for found in store.findings(steps).values() if "gold" in found]
    wanted = GoldMisses(metric="accuracy", documents=(1,), tried=10)
    assert read("gold", content) == Gold(misses=(wanted,))
    page = (folder / "runs" / "site" / "tasks" / "mini" / "mine.html").read_text(encoding="utf-8")
    assert "Right answers that miss full marks</dt><dd>1 of 10 (accuracy)" in page


@pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
def test_programs_that_are_not_kept_apart_from_their_tests_are_told_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_workspace(tmp_path)
    write(folder, train=["f = 1"] * 40, test=["f = 1"] * 4)
    task = TASK.partition("filter_list")[0] + 'metric_list: [{metric: "pass@1"}]\n'
    task += 'metadata: {folder: mine, kind: code, program: "{{answer}}"}\n'
    (folder / "specs" / "tasks" / "mine.yaml").write_text(task, encoding="utf-8")
    (folder / "specs" / "own.yaml").write_text("name: own\ntrack: mini\nmethod: {name: pretrained}\ntargets: [mine]\n")
    code, out, err = suite(
        capsys, "run", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs",
        pages=True,
    )  # fmt: skip
    assert code == 0, err
    assert (out + err).count("mine: 4 of 4 programs could not be kept apart from their tests") == 1
    page = (folder / "runs" / "site" / "tasks" / "mini" / "mine.html").read_text(encoding="utf-8")
    assert "Programs not kept apart from their tests</dt><dd>4 of 4" in page
