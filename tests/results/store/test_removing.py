"""Experiments are taken out of the store with what nothing else needs, whole or not at all."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from suite.core.errors import SuiteError
from suite.results.store import ArtifactRecord, StepLink, StepOutcome, StepRecord, Store
from suite.results.store.tables import Base
from tests.results.store.test_store import EXPERIMENT, OUTCOME

RUNNING = f"{platform.node()}:{os.getpid()}:1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two experiments: both are answered by the step `base`, and each has a train step of its own."""
    with Store.open(tmp_path / "suite.db") as opened:
        opened.add_steps([StepRecord(step, "train", f"do {step}", {}) for step in ("base", "one", "two")])
        for name in ("one", "two"):
            record = replace(EXPERIMENT, id=f"of {name}", name=name)
            opened.add_experiment(record, [StepLink("base", "train", None, None, 0), StepLink(name, "train", "", 0, 1)])
        yield opened


def finish(store: Store, step: str, folder: str) -> None:
    assert store.claim(step, RUNNING, 60)
    artifact = ArtifactRecord("adapter", "the same content", "m", 10, 80, folder)
    assert store.finish(step, RUNNING, replace(OUTCOME, artifact=artifact))


def counts(store: Store) -> dict[str, int]:
    with store.engine.connect() as connection:
        tables = Base.metadata.tables.values()
        return {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables}


def test_what_another_experiment_needs_stays(store: Store) -> None:
    finish(store, "base", "base")
    finish(store, "one", "one")
    removal = store.removal(["of one"])
    assert (removal.steps, removal.shared_steps, removal.scores, removal.answers) == (("one",), 1, 2, 2)
    store.remove(removal)
    assert [record.name for record in store.experiments()] == ["two"]
    assert store.statuses(["base", "one", "two"]) == {"base": "done", "two": "pending"}
    assert len(store.answers("base")) == 2
    store.remove(store.removal(["of two"]))
    assert set(counts(store).values()) == {0}


def test_a_folder_that_a_remaining_step_is_stored_with_is_not_for_deletion(store: Store) -> None:
    finish(store, "one", "one")
    finish(store, "two", "one")
    assert store.removal(["of one"]).folders == ()
    assert store.removal(["of two"]).folders == ("two",)
    assert store.removal(["of one", "of two"]).folders == ("base", "one", "two")


def test_a_running_step_is_not_touched_unless_its_process_is_dead(store: Store) -> None:
    assert store.claim("one", RUNNING, 60)
    before = counts(store)
    with pytest.raises(SuiteError, match="the step 'do one' is running, and nothing was removed"):
        store.remove(store.removal(["of one"]))
    assert counts(store) == before
    store.remove(store.removal(["of two"]))  # no step of its own is running
    store.fail("one", RUNNING, "over")
    store.requeue(["one"])
    assert store.claim("one", f"{platform.node()}:{2**22 + 1}:1", 60)  # no such process
    store.remove(store.removal(["of one"]))
    assert store.experiments() == ()


def test_nothing_goes_that_was_not_told(store: Store) -> None:
    told = store.removal(["of one"])
    finish(store, "one", "one")
    with pytest.raises(SuiteError, match="has changed since, and nothing was removed; ask again"):
        store.remove(told)
    assert len(store.answers("one")) == 2


def test_an_imported_artifact_that_has_no_folder_names_none(store: Store) -> None:
    finish(store, "two", "")
    outcome = StepOutcome(artifact=ArtifactRecord("adapter", "x", "m", 1, 1, ""))
    assert store.add_imported(StepRecord("one", "train", "do one", {}), outcome)
    assert store.removal(["of one"]).folders == ("one",)
