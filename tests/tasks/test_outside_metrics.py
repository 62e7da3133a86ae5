"""Metrics of packages and workspaces: found, used, named by their source, and one line where they are broken."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.gold import Misses, gold
from suite.tasks.outside_metrics import plugins_in
from suite.tasks.scoring import metrics_of, of_all, score
from suite.tasks.splits import reported_rows
from tests.cli.calls import SMALL, suite
from tests.tasks.outside import EXAMPLE, LETTERS, METRIC, REPOSITORY, installed, workspace

CORPUS = '''"""The share of all words that are the reference's."""
import numpy as np
from suite.core.metrics import MetricDefinition, Resampling


def counts(pairs, tokenizer):
    words = [(references[0].split(), answer.split()) for references, answer in pairs]
    return np.array([[sum(word in answer for word in right), len(right)] for right, answer in words], dtype=float)


METRIC = MetricDefinition(
    "recall", over="corpus", resampling=Resampling(counts, lambda sums: 100 * sums[..., 0] / sums[..., 1])
)
'''


def task_in(folder: Path) -> TaskFile:
    return read_task("mine", [folder / "tasks"])


def misses(folder: Path) -> tuple[Misses, ...]:
    task = task_in(folder)
    return gold(task, reported_rows(task, DataLocations()))


def with_field(text: str) -> str:
    return METRIC.replace("document_score=document_score)", f"document_score=document_score, {text})")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line of a command that ends with exit code 2."""
    code, _, err = suite(capsys, *arguments)
    (line,) = err.splitlines()
    assert code == 2
    return line


def test_a_metric_of_a_workspace_is_used_and_its_record_says_where_it_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, home, other = workspace(tmp_path / "work"), tmp_path / "home", tmp_path / "other"
    monkeypatch.chdir(spec.parent)
    code, _, err = suite(capsys, "run", spec, "--home", home, *SMALL)
    assert code == 0, err
    query = "SELECT value, stderr FROM score WHERE metric = 'letters'"
    stored = sqlite3.connect(home / "suite.db").execute(query).fetchall()
    assert 0 < stored[0][0] < 100
    assert stored[0][1] > 0
    assert "evaluations were scored again" in suite(capsys, "doctor", "--deep", "--home", home)[1]
    assert suite(capsys, "export", tmp_path / "records", "--home", home)[0] == 0
    record = json.loads(next((tmp_path / "records").rglob("mine-*.json*")).read_text())
    described = record["experiment"]["spec"]["roles"]["wmt14_enfr"]["metrics"]
    assert described == {"letters": {"from": "workspace", "file": "metrics/letters.py"}}
    source = task_in(spec.parent).plugins["letters"].source
    keys = [step["config"].get("metrics") for step in record["steps"]]
    assert [key for key in keys if key] == [{"letters": source}]
    (spec.parent / "metrics" / "letters.py").write_text("raise SystemExit('loaded')\n")
    for more in (["--verify"], []):
        code, out, err = suite(capsys, "import", tmp_path / "records", "--home", other, *more)
        assert code == 0, out + err
    assert sqlite3.connect(other / "suite.db").execute(query).fetchall() == stored
    for command in (["show", "mine"], ["board"], ["check"], ["list"], ["render", "--out", tmp_path / "site"]):
        code, _, err = suite(capsys, *command, "--home", other) if command != ["list"] else suite(capsys, *command)
        assert code == 0, err
    pages = [page.read_text("utf-8") for page in (tmp_path / "site").rglob("*.html")]
    assert any("letters (file metrics/letters.py, from workspace)" in page for page in pages)


def test_a_package_brings_a_metric_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages")))
    spec, origin = EXAMPLE / "lora_enfr.yaml", "package suite-edit-similarity 0.1.0 (suite_edit_similarity)"
    code, _, err = suite(capsys, "run", spec, "--home", tmp_path / "home", *SMALL, "--set", "method.steps=2")
    assert code == 0, err
    query = "SELECT count(*) FROM score WHERE metric = 'edit_similarity' AND value > 0"
    assert sqlite3.connect(tmp_path / "home" / "suite.db").execute(query).fetchone() == (1,)
    listed = next(line for line in suite(capsys, "list", "metrics")[1].splitlines() if "edit_similarity" in line)
    assert listed.endswith(f"to make the reference of an answer. [{origin}]")
    assert f"edit_similarity ({origin}, source " in suite(capsys, "doctor", "--home", tmp_path / "home")[1]


def test_the_examples_metric_is_levenshteins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages")))
    ignoring, bleu = metrics_of(read_task("enfr_edits", [EXAMPLE / "tasks"]))
    assert bleu.name == "bleu"
    assert score(ignoring, ["kitten"], "Sitting") == pytest.approx(1 - 3 / 7)
    assert score(ignoring, ["le chat", "le chien"], "LE CHAT") == 1.0


def test_a_task_is_named_by_the_source_of_its_metrics_and_no_other_task_is(tmp_path: Path) -> None:
    first = task_in(workspace(tmp_path / "a").parent).fingerprint
    assert task_in(workspace(tmp_path / "b", _unused="x = 1\n").parent).fingerprint == first
    others = [
        workspace(tmp_path / "c", letters=METRIC + "# changed\n"),
        workspace(tmp_path / "d", _letters=LETTERS + "# changed\n"),
        workspace(tmp_path / "e", metrics="[{metric: bleu}]"),
    ]
    assert len({first, *(task_in(spec.parent).fingerprint for spec in others)}) == 4
    (tmp_path / "f").mkdir()
    workspace(tmp_path / "f", metrics="[{metric: bleu}]", letters=METRIC + "# changed\n")
    assert task_in(tmp_path / "f").fingerprint == task_in(tmp_path / "e").fingerprint


def test_the_language_of_a_task_may_change_what_a_metric_from_outside_gives(tmp_path: Path) -> None:
    french = task_in(workspace(tmp_path).parent).fingerprint
    file = tmp_path / "tasks" / "mine.yaml"
    file.write_text(file.read_text().replace("language: fr", "language: de"))
    assert task_in(tmp_path).fingerprint != french


BROKEN = {
    "no Python": ("def f(:\n", ":1: cannot be loaded: it is no Python (invalid syntax)"),
    "import": (f"{METRIC}import no_such_module\n", ":13: cannot be loaded: ModuleNotFoundError: No module named"),
    "exit": ("raise SystemExit(0)\n", ":1: cannot be loaded: SystemExit: 0"),
    "nothing": ("", 'is no metric: it has no METRIC; write `METRIC = MetricDefinition("letters", document_score=…)`'),
    "name": (METRIC.replace('("letters"', '("words"'), "is no metric: its METRIC is called 'words'; call it 'letters'"),
    "function": (METRIC.replace(", document_score=document_score", ""), "it has no `document_score`; give a function"),
    "corpus": (METRIC.replace("document_score=document_score", 'over="corpus"'), "needs `score` or `resampling`"),
    "range": (with_field("range=(0, 1)"), "it does not go from 0 to 100 with more being better; give 1 minus"),
    "direction": (with_field("higher_is_better=False"), "it does not go from 0 to 100 with more being better"),
    "kind": (with_field("output_types=frozenset()"), "it is not of written answers; leave `output_types` out"),
    "tokenizer": (with_field("tokenizer=str"), "it has a `tokenizer`; split texts in its function"),
    "too much": (METRIC.replace("return len", "return 2 * len"), "micro_wmt14_enfr/test.jsonl:1 with the right"),
    "text": (METRIC.replace("return len", "return str"), ":9: metric 'letters' fails: TypeError"),
    "nan": (METRIC.replace("return len", "return float('nan') * len"), "letters.py: metric 'letters' gives nan, on "),
    "raises": (METRIC.replace("    wanted", "    1 / 0\n    wanted"), ":8: metric 'letters' fails: ZeroDivisionError"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_metric_is_one_line_and_stops_no_other_task(how: str, tmp_path: Path) -> None:
    text, wrong = BROKEN[how]
    workspace(tmp_path, letters=text)
    with pytest.raises(SuiteError) as raised:
        misses(tmp_path)
    (problem,) = raised.value.problems
    assert "metrics/letters.py" in str(problem)
    assert wrong in str(problem)
    workspace(tmp_path, metrics="[{metric: bleu}]", letters=text)
    assert misses(tmp_path) == ()


def test_a_name_that_is_taken_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = workspace(tmp_path, bleu=METRIC.replace('"letters"', '"bleu"'))
    line = refused(capsys, "plan", spec, "--home", tmp_path / "home")
    assert "metrics/bleu.py: " in line
    assert line.endswith("adds a metric 'bleu', which suite has itself; give it another name")
    (tmp_path / "metrics" / "bleu.py").unlink()
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages", "letters = suite_edit_similarity:METRIC")))
    with pytest.raises(SuiteError, match=r"\(suite_edit_similarity:METRIC\): adds a metric 'letters', and so does "):
        task_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "refused: " in next(line for line in suite(capsys, "list", "metrics")[1].splitlines() if "letters" in line)


@pytest.mark.parametrize(
    ("metric", "wrong"),
    [
        ("leters", "there is no metric 'leters'; did you mean 'letters'?"),
        ("letters, ignore_case: true", "letters has no option 'ignore_case'"),
        ("letters, aggregation: median", "letters is averaged over answers, and has no aggregation 'median'"),
    ],
)
def test_what_a_task_says_of_a_metric_is_checked_with_its_line(metric: str, wrong: str, tmp_path: Path) -> None:
    workspace(tmp_path, metrics=f"[{{metric: {metric}}}, {{metric: bleu}}]")
    with pytest.raises(SuiteError, match=wrong.replace("?", r"\?")) as raised:
        task_in(tmp_path)
    assert "tasks/mine.yaml:10: metric_list.0: " in str(raised.value)


def test_a_metric_of_a_corpus_may_come_from_outside(tmp_path: Path) -> None:
    workspace(tmp_path, metrics="[{metric: recall}]", recall=CORPUS)
    (recall,) = metrics_of(task_in(tmp_path))
    assert of_all(recall, [(("a b",), "b a"), (("c d",), "c")]) == 75.0
    assert task_in(tmp_path).no_reward == "scores all answers together (recall)"
    workspace(tmp_path, metrics="[{metric: recall}]", recall=CORPUS.replace("return np.array", "return str"))
    (recall,) = metrics_of(task_in(tmp_path))
    with pytest.raises(SuiteError, match=r"recall.py:8: metric 'recall' fails: TypeError"):
        of_all(recall, [(("a b",), "b a")])


def test_showing_a_task_loads_no_metric(tmp_path: Path) -> None:
    workspace(tmp_path, letters="raise SystemExit('loaded')\n")
    task = read_task("mine", [tmp_path / "tasks"], load_plugins=False)
    assert task.metadata["primary"] == "letters"
    assert task.plugins["letters"].text == "raise SystemExit('loaded')\n"


READ = """
import pickle, sys
from suite.core.errors import SuiteError
from suite.tasks.scoring import metrics_of, score
try:
    print(score(metrics_of(pickle.load(open(sys.argv[1], "rb")))[0], ["abcd"], "ab"))
except SuiteError as error:
    sys.exit(str(error))
"""


def test_a_pickled_task_finds_its_metrics_again_or_is_refused(tmp_path: Path) -> None:
    workspace(tmp_path)
    task = task_in(tmp_path)
    (tmp_path / "task.pickle").write_bytes(pickle.dumps(task))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def elsewhere() -> str:
        command = [sys.executable, "-c", READ, "task.pickle"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
        return (done.stdout + done.stderr).strip()

    assert elsewhere() == "0.5"
    workspace(tmp_path, _letters=LETTERS + "# changed\n")
    now = plugins_in([tmp_path / "tasks"]).plugin("letters")
    assert now is not None
    wrong = f"has the source {now.source} here, and the plan was made with {task.plugins['letters'].source}"
    assert elsewhere() == f"metrics/letters.py: {wrong}; run again, with the same source on every machine"
