"""What a train step may look at: rows of the training split, a few of them for selection, none that is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suite import methods
from suite.errors import StepFailed
from suite.home import Home
from suite.plan import Inputs, Train, make_plan
from suite.runner import session
from suite.specs import Options, load
from suite.tasks.data import DataLocations, row_hash
from suite.tasks.splits import reported_rows, training_rows
from suite.training.job import Job
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_backbone

DATA = DataLocations()


@pytest.mark.parametrize("name", ["svf", "mixture"])
@pytest.mark.parametrize("cap", [8, 10_000])
def test_selection_is_capped_and_neither_it_nor_the_shots_are_scored_or_trained_on(
    name: str, cap: int, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    selected: set[str] = set()

    def train(config: Any, job: Job) -> None:
        jobs.append(job)
        raise StepFailed("that is all")

    def selection(task: Any, data: Any, docs: Any, **_: Any) -> None:
        selected.update(row_hash(doc) for doc in docs)

    monkeypatch.setattr(methods.get(name), "train", train)
    monkeypatch.setattr(session, "selection_task", selection)
    monkeypatch.setattr(session.Session, "backbone", lambda *_: tiny_backbone("decoder"))
    monkeypatch.setattr(session.Session, "_artifact", lambda *_: None)
    experiments = load([specs / "transformer2" / "t2_few_shot.yaml"], Options(sets=(f"selection.documents={cap}",)))
    steps = make_plan(experiments, Inputs(DATA)).steps
    step, work = next((s, s.work) for s in steps if isinstance(s.work, Train) and s.work.method == name)
    with pytest.raises(StepFailed, match="that is all"):
        session.Session(Home(tmp_path), Inputs(DATA), "cpu").train(step, work, Memory(), {})
    (target,) = jobs[0].examples
    rows, trained = training_rows(target.task, DATA), {example.hash for example in target.examples}
    assert len(selected) <= min(cap, len(rows.docs) // 4)
    assert selected | trained == set(rows.hashes)
    assert not selected & trained
    assert not (selected | trained) & set(reported_rows(target.task, DATA).hashes)
