"""Metrics of the user's own: found beside the task file, checked without running them, and scored from 0 to 1."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.tasks.definition import read_task
from suite.tasks.python_metric import PythonMetric

Write = Callable[..., Path]
CLOSE = "def close(references: list[str], answer: str) -> float:\n    return max(r == answer for r in references) / 2\n"
NAMED = {"metric: normalised_match": 'metric: "mine:close"'}


def metric(write: Write, source: str, name: str = "mine:close") -> PythonMetric:
    folder = write(**{"metric: normalised_match": f'metric: "{name}"'})
    (folder / f"{name.partition(':')[0]}.py").write_text(source, encoding="utf-8")
    return read_task("colours", [folder]).python[name]


def refused(write: Write, source: str | None, name: str = "mine:close", **changes: str) -> str:
    folder = write(**{"metric: normalised_match": f'metric: "{name}"', **changes})
    if source is not None:
        (folder / f"{name.partition(':')[0]}.py").write_text(source, encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read_task("colours", [folder])
    (line,) = str(caught.value).splitlines()
    return line.replace(str(folder.parent), "")


def failing(write: Write, body: str) -> str:
    found = metric(write, f"def close(references, answer):\n    {body}\n")
    with pytest.raises(SuiteError) as caught:
        found.score(["red"], "blue")
    return str(caught.value).rpartition("/")[2]


def test_a_function_beside_the_task_file_scores_answers(write: Write) -> None:
    found = metric(write, CLOSE)
    assert found.score(["red", "blue"], "blue") == 0.5
    assert found.score(["red", "blue"], "green") == 0.0


def test_a_module_of_the_workspace_around_tasks_is_found_too(write: Write) -> None:
    folder = write(**NAMED)
    (folder.parent / "mine.py").write_text(CLOSE)
    assert read_task("colours", [folder]).python["mine:close"].file == (folder.parent / "mine.py").resolve()


def test_it_is_the_primary_metric_on_0_to_100(write: Write) -> None:
    folder = write(**NAMED)
    (folder / "mine.py").write_text(CLOSE)
    task = read_task("colours", [folder])
    assert task.metadata["primary"] == "mine:close"
    assert task.no_reward is None


def test_the_source_is_part_of_the_fingerprint(write: Write) -> None:
    folder = write(**NAMED)
    (folder / "mine.py").write_text(CLOSE)
    first = read_task("colours", [folder]).fingerprint
    assert read_task("colours", [folder]).fingerprint == first
    (folder / "mine.py").write_text(CLOSE.replace("/ 2", "/ 1"))
    assert read_task("colours", [folder]).fingerprint != first


def test_reading_a_task_runs_no_code_of_the_metric(write: Write) -> None:
    metric(write, "raise SystemExit(3)\n" + CLOSE)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "/tasks/colours.yaml:8: metric_list.0: there is no mine.py in /tasks or"),
        ("def far(references, answer):\n    return 1\n", "/mine.py: metric_list.0: has no function 'close'; known"),
        ("def clos(references, answer):\n    return 1\n", "has no function 'close'; did you mean 'clos'?"),
        ("x = 1\n\ndef close(answer):\n    return 1\n", "/mine.py:3: metric_list.0: 'close' does not take"),
        ("def close(a, b, c):\n    return 1\n", "'close' does not take references and an answer; write `def close("),
        ("async def close(a, b):\n    return 1\n", "'close' does not take references and an answer"),
        ("def close(a, b)\n    return 1\n", "/tasks/mine.py:1: metric_list.0: is not Python (expected ':')"),
    ],
)  # fmt: skip
def test_a_module_or_function_that_is_not_there_is_refused_in_one_line(
    write: Write, source: str | None, said: str
) -> None:
    assert said in refused(write, source)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("aggregation: mean", "aggregation: median", "'mine:close' is averaged over documents"),
        ("higher_is_better: true", "higher_is_better: false", "goes from 0 to 1, 1 being best; return 1 minus"),
        ("higher_is_better: true", "tolerance: 3", "'mine:close' has the unknown key 'tolerance'"),
    ],
)
def test_what_a_python_metric_cannot_be_asked_is_refused(write: Write, old: str, new: str, said: str) -> None:
    assert said in refused(write, CLOSE, **{old: new})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "mine.py:2: metric 'mine:close' fails (ZeroDivisionError: division by zero)"),
        ("raise SystemExit(1)", "mine.py:2: metric 'mine:close' fails (SystemExit: 1)"),
        ("raise ValueError('x' * 1000)", f"fails (ValueError: {'x' * 200}); return"),
        ("return None", "mine.py: metric 'mine:close' gives None; return a number from 0 to 1"),
        ("return float('nan')", "metric 'mine:close' gives nan"),
        ("return 87.5", "metric 'mine:close' gives 87.5"),
        ("return -0.1", "metric 'mine:close' gives -0.1"),
        ("return '1'", "metric 'mine:close' gives '1'"),
        ("return [1]", "metric 'mine:close' gives [1]"),
    ],
)
def test_a_score_that_is_none_names_the_metric_and_its_line(write: Write, body: str, said: str) -> None:
    assert said in failing(write, body)


def test_numbers_of_other_kinds_and_rounding_are_read(write: Write) -> None:
    assert metric(write, "import numpy\n\ndef close(r, a):\n    return numpy.float32(1)\n").score(["x"], "x") == 1.0
    assert metric(write, "def close(r, a):\n    return True\n").score(["x"], "x") == 1.0
    assert metric(write, "def close(r, a):\n    return 0.1 + 0.2 + 0.7 + 1e-12\n").score(["x"], "x") == 1.0


def test_a_module_hides_no_package_and_no_package_hides_it(write: Write) -> None:
    found = metric(write, CLOSE, "json:close")
    import json

    assert found.score(["a"], "a") == 0.5
    assert "close" not in vars(json)


def test_a_metric_may_not_change_the_references(write: Write) -> None:
    found = metric(write, "def close(references, answer):\n    references.clear()\n    return 0\n")
    given = ["a"]
    found.score(given, "b")
    assert given == ["a"]


def test_what_a_metric_prints_is_no_part_of_a_commands_output(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    metric(write, "print('read')\ndef close(r, a):\n    print('scored')\n    return 1\n").score(["a"], "a")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "read\nscored\n")


def test_a_file_that_changed_since_it_was_planned_is_refused(write: Write) -> None:
    found = metric(write, CLOSE)
    found.file.write_text(CLOSE + "# changed\n")
    with pytest.raises(SuiteError, match="was changed after the run was planned"):
        found.score(["a"], "a")


def test_an_import_that_fails_says_what_a_metric_may_import(write: Write) -> None:
    found = metric(write, "import a_neighbour_that_is_not_installed\n" + CLOSE)
    with pytest.raises(SuiteError) as caught:
        found.score(["a"], "a")
    assert "mine.py:1: cannot be imported (ModuleNotFoundError: No module named 'a_neighbour" in str(caught.value)
    assert "it may import installed packages" in str(caught.value)


def test_dataclasses_of_a_module_work_and_a_failed_import_leaves_nothing(write: Write) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass\nclass P:\n    x: int\n\n"
    )
    assert metric(write, source + CLOSE).score(["a"], "a") == 0.5
    before = set(sys.modules)
    broken = metric(write, CLOSE + "1 / 0\n")
    with pytest.raises(SuiteError, match="ZeroDivisionError"):
        broken.score(["a"], "a")
    assert not {name for name in set(sys.modules) - before if name.startswith("suite_metric_")}
