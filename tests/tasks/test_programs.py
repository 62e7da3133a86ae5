"""Tasks whose answers are programs: run with their tests, in the sandbox, each once."""

from __future__ import annotations

import pytest

from suite.core.errors import SuiteError
from suite.sandbox import bubblewrap
from suite.sandbox.judging import Program, ProgramOutcome, run, run_programs
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task, training_examples

TASK = read_task("micro_programs_easy", (shipped() / "tasks",))
NEEDED = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")


@NEEDED
@pytest.mark.parametrize(
    ("change", "passed"),
    [
        (lambda code: code, 1.0),
        (lambda code: code.replace(" : ", " : 1 + "), 0.0),
        (lambda code: code + "\nraise SystemExit(0)", 0.0),
        (lambda code: "f = lambda", 0.0),
        (lambda code: "", 0.0),
    ],
)
def test_an_answer_passes_if_its_tests_do(change: object, passed: float) -> None:
    task = load_task(TASK, DataLocations(), limit=1)
    (doc,) = task.eval_docs
    assert task.process_results(doc, [change(doc["code"])]) == {"pass@1": passed}  # type: ignore[operator]


@NEEDED
def test_the_right_answers_of_the_training_split_pass() -> None:
    examples = training_examples(TASK, DataLocations())[:20]
    programs = [Program("", example.target, "\n".join(["", *example.doc["test_list"]])) for example in examples]
    assert all(outcome.passed and not outcome.weaker for outcome in run_programs(programs))


def test_a_program_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run_one(program: Program) -> ProgramOutcome:
        ran.append(program.answer)
        return ProgramOutcome("good" in program.answer, "")

    monkeypatch.setattr(run, "run_program", run_one)
    monkeypatch.setattr(run, "_DONE", {})
    monkeypatch.setattr(bubblewrap, "available", lambda: True)
    programs = [Program("", answer) for answer in ("good 1", "bad", "good 1", "good 2")]
    for _ in range(2):
        assert [outcome.passed for outcome in run_programs(programs)] == [True, False, True, True]
    assert sorted(ran) == ["bad", "good 1", "good 2"]


def test_without_a_sandbox_a_task_of_programs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_working", lambda: None)
    task = load_task(TASK, DataLocations(), limit=1)
    with pytest.raises(SuiteError, match="--unsafe-code"):
        task.process_results(next(iter(task.eval_docs)), ["pass"])
