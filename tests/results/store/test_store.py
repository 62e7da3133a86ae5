"""What goes into the store comes out of it, whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from suite.core.errors import SuiteError
from suite.results.store import (
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
    Store,
)

STEP = StepRecord("a", "train", "train it", {"seed": 0, "model": {"identity": "m"}})
EXPERIMENT = ExperimentRecord("e", "lora_rte", "micro", 0, "lora", "adapter", ("rte",), "a paper", {"name": "lora_rte"})
LINK = StepLink("a", "train", None, None, 0)
OUTCOME = StepOutcome(
    scores=(ScoreRecord("f1", 70.0, None, 2, False), ScoreRecord("acc", 50.0, 35.4, 2, True, unparsable=1)),
    answers=(
        AnswerRecord(1, "h1", "p1", "Q: b A:", "no", " no", "no", 100.0),
        AnswerRecord(0, "h0", "p0", "Q: a A:", "yes", "é\nno", "no", 0.0, unparsable=True, truncated=True),
    ),
    curve=(CurvePointRecord(20, "loss", 0.5), CurvePointRecord(10, "loss", 0.9), CurvePointRecord(20, "score", 80.0)),
    findings=(FindingRecord("spectra", {"matrices": []}), FindingRecord("mixture", {"alpha": [0.5]})),
    artifact=ArtifactRecord("adapter", "abc", "m", 10, 80, "a"),
    costs=Costs(2.0, 1000, 400, 10, 80),
    provenance=Provenance("host", "cpu", {"torch": "2.13"}, "c0ffee", "AMD EPYC 7B13", "float32", 2),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "suite.db") as opened:
        opened.add_steps([STEP])
        yield opened


def finished(store: Store, outcome: StepOutcome = OUTCOME) -> None:
    assert store.claim("a", "me:1:1", 60)
    assert store.finish("a", "me:1:1", outcome)


def test_a_finished_step_keeps_all_it_left(store: Store) -> None:
    finished(store)
    assert [score.metric for score in store.scores(["a"])["a"]] == ["acc", "f1"]
    assert store.scores(["a"])["a"][0] == OUTCOME.scores[1]
    assert store.answers("a") == (OUTCOME.answers[1], OUTCOME.answers[0])
    documents, values = store.values(["a"])["a"]
    assert (documents.tolist(), values.tolist()) == ([0, 1], [0.0, 100.0])
    assert store.documents(["a"])["a"] == tuple((each.doc_id, each.doc_hash) for each in store.answers("a"))
    assert store.texts(["a"])["a"] == tuple((each.doc_id, each.target, each.parsed) for each in store.answers("a"))
    assert store.outputs(["a"]) == {"a": ("é\nno", " no")}
    assert sorted(store.tallies(["a"])["a"]) == sorted((each.target, each.parsed, 1) for each in store.answers("a"))
    columns = vars(store.answer_columns(["a"])["a"])
    assert columns == {name: tuple(getattr(each, name) for each in store.answers("a")) for name in columns}
    assert [type(each) for each in columns["truncated"]] == [bool, bool]
    assert [(point.name, point.step) for point in store.curve("a")] == [("loss", 10), ("loss", 20), ("score", 20)]
    assert store.curves(["a", "b"]) == {"a": store.curve("a")}
    assert store.artifacts(["a"]) == {"a": OUTCOME.artifact}
    assert store.findings(["a"]) == {"a": {"mixture": {"alpha": [0.5]}, "spectra": {"matrices": []}}}
    step = store.steps(["a"])["a"]
    assert (step.status, step.attempts, step.costs, step.provenance) == ("done", 1, OUTCOME.costs, OUTCOME.provenance)
    assert store.rates("m", lambda kind, key: kind) == {("cpu", "train"): 200.0}


def test_rates_are_those_of_each_class_of_devices(store: Store) -> None:
    devices = {"b": ("cuda:1", "NVIDIA H200", 4.0), "c": ("cuda:0", "NVIDIA H200", 1.0), "d": ("cuda", None, 10.0)}
    store.add_steps([replace(STEP, id=step) for step in devices])
    finished(store)
    for step, (device, name, seconds) in devices.items():
        provenance = replace(OUTCOME.provenance, device=device, device_name=name)
        assert store.claim(step, "me:1:1", 60)
        assert store.finish(step, "me:1:1", StepOutcome(costs=Costs(seconds, 1, 400), provenance=provenance))
    rates = {("cpu", "train"): 200.0, ("NVIDIA H200", "train"): 160.0, ("cuda", "train"): 40.0}
    assert store.rates("m", lambda kind, key: kind) == rates


def test_an_outcome_that_cannot_be_stored_whole_is_not_stored_at_all(store: Store) -> None:
    assert store.claim("a", "me:1:1", 60)
    twice = dataclasses.replace(OUTCOME, curve=(*OUTCOME.curve, OUTCOME.curve[0]))
    with pytest.raises(IntegrityError):
        store.finish("a", "me:1:1", twice)
    assert store.statuses(["a"]) == {"a": "running"}
    assert (store.scores(["a"]), store.answers("a"), store.curve("a"), store.artifacts(["a"])) == ({}, (), (), {})
    assert store.finish("a", "me:1:1", OUTCOME)


def test_what_is_no_text_is_made_one(store: Store) -> None:
    finished(store, StepOutcome(answers=(AnswerRecord(0, "h", "p", "Q", "t", "half \ud800 and \0", "", None),)))
    assert store.answers("a")[0].output == "half ? and ␀"


@pytest.mark.parametrize(
    "outcome",
    [
        StepOutcome(scores=(ScoreRecord("acc", float("nan"), None, 1, True),)),
        StepOutcome(scores=(ScoreRecord("acc", 1.0, float("inf"), 1, True),)),
        StepOutcome(answers=(AnswerRecord(0, "h", "p", "Q", "t", "o", "", float("nan")),)),
        StepOutcome(curve=(CurvePointRecord(1, "loss", float("-inf")),)),
        StepOutcome(findings=(FindingRecord("mixture", {"alpha": [float("nan")]}),)),
        StepOutcome(costs=Costs(seconds=float("nan"))),
    ],
)
def test_what_is_not_a_number_is_refused_and_none_of_it_is_stored(store: Store, outcome: StepOutcome) -> None:
    assert store.claim("a", "me:1:1", 60)
    with pytest.raises(SuiteError, match="not a number"):
        store.finish("a", "me:1:1", outcome)
    with pytest.raises(SuiteError, match="not a number"):
        store.add_imported(STEP, outcome)
    assert store.statuses(["a"]) == {"a": "running"}


def test_a_clock_that_is_set_back_meanwhile_ends_no_step_before_it_began(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([datetime(2030, 1, 1, 12, tzinfo=timezone.utc), datetime(2030, 1, 1, 9, tzinfo=timezone.utc)])
    monkeypatch.setattr("suite.results.store.writing.now", lambda: next(clock))
    finished(store)
    step = store.steps(["a"])["a"]
    assert (step.started, step.finished) == ("2030-01-01T12:00:00+00:00",) * 2


def test_adding_twice_changes_nothing(store: Store) -> None:
    finished(store)
    for _ in range(2):
        store.add_steps([STEP])
        store.add_experiment(EXPERIMENT, [LINK])
    assert store.statuses(["a", "unknown"]) == {"a": "done"}
    assert [dataclasses.replace(each, created=None) for each in store.experiments("micro")] == [EXPERIMENT]
    assert store.links("e") == (LINK,)
    assert store.experiments("another") == ()


def test_an_experiment_whose_plan_has_other_steps_now_is_linked_to_those(store: Store) -> None:
    store.add_steps([StepRecord("b", "train", "train it", {"data": "new"})])
    store.add_experiment(EXPERIMENT, [LINK])
    store.add_experiment(EXPERIMENT, [dataclasses.replace(LINK, step_id="b")])
    assert [link.step_id for link in store.links("e")] == ["b"]


def test_an_imported_experiment_gives_way_to_the_one_run_here_and_never_the_other_way_round(store: Store) -> None:
    imported = dataclasses.replace(EXPERIMENT, imported=True)
    for record, expected in ((imported, True), (EXPERIMENT, False), (imported, False)):
        store.add_experiment(record, [LINK])
        assert store.experiments()[0].imported is expected


def test_imported_results_do_not_replace_those_of_a_step_done_here(store: Store) -> None:
    assert store.add_imported(STEP, OUTCOME)
    assert store.steps(["a"])["a"].imported
    store.requeue(["a"], include_done=True)
    finished(store, StepOutcome(scores=(ScoreRecord("acc", 1.0, None, 2, True),)))
    assert not store.add_imported(STEP, OUTCOME)
    assert store.scores(["a"])["a"][0].value == 1.0
    assert not store.steps(["a"])["a"].imported


def test_a_link_to_a_step_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError):
        store.add_experiment(EXPERIMENT, [dataclasses.replace(LINK, step_id="nowhere")])
    assert store.experiments() == ()


def test_the_same_title_with_another_key_tells_its_old_key(store: Store) -> None:
    finished(store)
    assert store.finished_keys(["train it", "another"]) == {"train it": STEP.config}


def test_readers_are_not_blocked_by_a_writer(store: Store, tmp_path: Path) -> None:
    with store._writing() as connection:
        connection.execute(text("UPDATE step SET reason = 'x'"))
        with Store.open(tmp_path / "suite.db") as other:
            assert other.steps(["a"])["a"].reason is None


def test_equal_documents_are_told_of_those_steps_alone_that_have_some(store: Store) -> None:
    for name, hashes in (("a", ("h", "h", "g")), ("b", ("h", "f", "g"))):
        step = dataclasses.replace(STEP, id=name)
        store.add_steps([step])
        assert store.claim(name, "me:1:1")
        answers = tuple(AnswerRecord(at, each, "p", "Q", "A", "a", "a", 0.0) for at, each in enumerate(hashes))
        assert store.finish(name, "me:1:1", StepOutcome(answers=answers))
    assert store.repeated(["a", "b"]) == {"a": ((0, "h"), (1, "h"), (2, "g"))}
    assert store.repeated([]) == {}
