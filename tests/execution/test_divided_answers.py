"""Several processes answer an evaluation as one does: the same scores and stored documents, to the byte."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from suite.core.run_dir import RunDir
from suite.evaluation.evaluate import EvaluationResult
from suite.execution import answer_team
from suite.execution.session import Session
from suite.inference.division import Division, balanced
from suite.planning import Evaluate, Inputs, Step, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.models.tiny_budget import Memory

SPECS = Path(__file__).parents[2] / "specs"
SMALL = (
    "budget.batch_size=4", "budget.max_length=128", "selection.documents=8", "target.documents=24",
    "held_out.documents=24", "decoding.batch_tokens=600",
)  # fmt: skip
MICRO = ("held_out.roles=[triviaqa, cb]", "held_out.shots=[1]", "method.steps=3", "method.select_every=3")
CASES: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "decoder": ("finetune_rte", None, MICRO),
    "adapter, encoder-decoder": ("lora_rte", "micro-t5", MICRO),
    "soft prompt": ("prompt_tuning_rte", None, MICRO),
    "beams": ("finetune_rte", None, (*MICRO, "decoding.beams=2")),
    "choices": ("transformer2/lora_reasoning", None, ("method.steps=3", "method.select_every=3")),
    "routed": (
        "transformer2/t2_classifier", None,
        ("method.expert.steps=2", "method.expert.select_every=2", "method.classifier.steps=2",
         "method.classifier.select_every=2", "targets=[math, reasoning]", "held_out.roles=[math_hard]"),
    ),
}  # fmt: skip


@dataclass
class Sessions:
    """One that answers in this process, and one that also has another process; both with one home."""

    alone: Session
    together: Session
    hashes: dict[str, str] = field(default_factory=dict)

    def train(self, steps: list[Step]) -> None:
        """Train the steps in this process."""
        for step in steps:
            assert isinstance(step.work, Train)
            self.hashes[step.id] = self.alone.train(step, step.work, Memory(), self.hashes).artifact.hash

    def compared(self, name: str) -> list[EvaluationResult]:
        """The results of a case's evaluations with the other process, which must be those without it."""
        (trained, evaluations), (_, divided) = steps_of(name), steps_of(name, "budget.shard=2")
        assert [step.id for step in divided] == [step.id for step in evaluations]
        self.train(trained)
        results = []
        for step, same in zip(evaluations, divided, strict=True):
            one, two = answers(self.alone, step, self.hashes), answers(self.together, same, self.hashes)
            assert one.devices == 1
            assert without_times(two) == without_times(one)
            results.append(two)
        return results


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    home, inputs = RunDir(tmp_path_factory.mktemp("home")), Inputs(DataLocations())
    made = Sessions(Session(home, inputs, "cpu"), Session(home, inputs, "cpu", divided=True))
    seconds, answer_team.WORTH_SECONDS = answer_team.WORTH_SECONDS, -1.0  # every evaluation waits for all processes
    yield made
    answer_team.WORTH_SECONDS = seconds
    made.alone.close()
    made.together.close()
    assert processes() == []


def steps_of(name: str, *sets: str) -> tuple[list[Step], list[Step]]:
    spec, track, settings = CASES[name]
    experiments = load([SPECS / f"{spec}.yaml"], Options(track, sets=(*SMALL, *settings, *sets)))
    steps = make_plan(experiments, Inputs(DataLocations())).steps
    trained = [step for step in steps if isinstance(step.work, Train)]
    return trained, [step for step in steps if isinstance(step.work, Evaluate)]


def answers(session: Session, step: Step, hashes: dict[str, str]) -> EvaluationResult:
    assert isinstance(step.work, Evaluate)
    own = {parent: hashes[parent] for parent in step.work.parents}
    result = session.evaluate(step, step.work, own)
    session.stored(step.id)
    return result


def processes() -> list[psutil.Process]:
    children = psutil.Process(os.getpid()).children()
    return [each for each in children if "suite.execution.answer_process" in " ".join(each.cmdline())]


def without_times(result: EvaluationResult) -> EvaluationResult:
    findings: Any = tuple(getattr(each, "of_documents", each) for each in result.findings)  # a routing has its seconds
    return replace(result, seconds=0.0, devices=1, notices=(), findings=findings)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_answer_as_one_does(name: str, sessions: Sessions) -> None:
    results = sessions.compared(name)
    assert len(results) > 1 or name == "choices"
    assert all(result.devices == 2 and not result.notices for result in results)
    assert len(processes()) == 1  # for all evaluations


def test_this_process_answers_what_another_one_leaves_open_that_dies(sessions: Sessions) -> None:
    sessions.compared("decoder")
    (other,) = processes()
    other.kill()
    first, *rest = sessions.compared("decoder")
    assert first.notices == (
        "a process on cpu answers no longer (was killed by signal 9); its part is answered by others",
    )
    assert all(result.devices == 1 and not result.notices for result in rest)


def test_batches_are_divided_by_their_tokens() -> None:
    parts = balanced([900, 10, 500, 400, 10, 20], 2)
    assert parts == [[0, 5], [1, 2, 3, 4]]
    assert balanced([7], 3) == [[0], [], []]


def test_batches_that_no_process_has_answered_are_answered_by_the_first_one() -> None:
    computed: list[list[int]] = []

    def compute(batches: Sequence[Sequence[int]]) -> dict[int, str]:
        computed.append([index for batch in batches for index in batch])
        return {index: str(index) for index in computed[-1]}

    received: list[dict[int, str]] = []
    division = Division(0, 2, lambda own: {2: "another's"})
    done = division.computed([[0, 1], [2], [3]], [20, 15, 10], compute, received.append)
    assert computed == [[0, 1], [3]]
    assert done == {0: "0", 1: "1", 2: "another's", 3: "3"}
    assert received == [{2: "another's"}]
