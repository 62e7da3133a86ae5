"""A record holds what a run can have left, and nothing else."""

from __future__ import annotations

import copy
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from suite.core.errors import SuiteError
from suite.core.metrics import metrics, names_over
from suite.methods import Family
from suite.results.records.checks import checked_record
from suite.results.records.schema import ExperimentPart
from suite.results.store import Store
from tests.analysis.board.tiny_board import World, per_document
from tests.results.records.test_consistency import Record, named_anew, shipped, spec_with, step_of
from tests.results.records.test_records import altered, export_records, import_records, refused

__all__ = ["shipped"]


def training(**changed: Any) -> Callable[[Record], None]:
    """Change the first train step, which tunes a prompt."""
    return lambda record: next(step for step in record["steps"] if step["kind"] == "train").update(changed)


def costs(kind: str, **changed: Any) -> Callable[[Record], None]:
    return lambda record: next(step for step in record["steps"] if step["kind"] == kind)["costs"].update(changed)


def answered(role: str = "rte", shots: int = 0, **changed: Any) -> Callable[[Record], None]:
    return lambda record: step_of(record, role, shots).update(changed)


def scored(role: str = "rte", shots: int = 0, **changed: Any) -> Callable[[Record], None]:
    return lambda record: step_of(record, role, shots)["scores"][0].update(changed)


def curve(*points: tuple[int, float]) -> list[Record]:
    return [{"name": "loss", "step": step, "value": value} for step, value in points]


def beside(**secondary: Any) -> Callable[[Record], None]:
    """A second metric."""

    def change(record: Record) -> None:
        step = step_of(record, "cb", 1)
        first = {**step["scores"][0], "primary": False, "value": 1.0, "stderr": None}
        step["scores"].append({**first, **secondary})

    return change


def rescored(step: Record) -> None:
    """The mean and its error of the answers that are there."""
    values = [answer["value"] for answer in step["answers"]]
    error = statistics.stdev(values) / len(values) ** 0.5
    unread = sum(answer["unparsable"] for answer in step["answers"])
    step["scores"][0].update(n=len(values), value=statistics.fmean(values), stderr=error, unparsable=unread)


def left_out(role: str, shots: int, document: int) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        step = step_of(record, role, shots)
        step["answers"] = [answer for answer in step["answers"] if answer["doc_id"] != document]
        rescored(step)

    return change


def repeated(record: Record) -> None:
    """One document's answer, given again as all the others."""
    step = step_of(record, "cb", 1)
    step["answers"] = [{**step["answers"][0], "doc_id": number} for number in range(len(step["answers"]))]
    rescored(step)


def without_values(record: Record) -> None:
    step = step_of(record, "rte", 0)
    step["scores"][0].update(value=99.0)
    for answer in step["answers"]:
        answer["value"] = None


CENTURY = 3.2e9
IMPOSSIBLE: dict[str, tuple[Callable[[Record], None], str]] = {
    "never tried": (training(attempts=0), "was tried 0 times, and is done"),
    "no beginning": (training(started=None), "does not say when it began and ended"),
    "an end before it": (answered(finished="2001-01-01T00:00:00+00:00"), "ended at 2001-01-01T00:00:00.00:00, before"),
    "a century of training": (costs("train", seconds=CENTURY), "took 3.2e.09 seconds: more than ten years"),
    "a century of answers": (costs("evaluate", seconds=CENTURY), "took 3.2e.09 seconds: more than ten years"),
    "no artifact": (training(artifact=None), "is a training that left no artifact"),
    "an artifact of another size": (costs("train", artifact_bytes=5), "has an artifact of .* bytes, and says 5"),
    "no count of parameters": (costs("train", trained_parameters=None), "does not say how many parameters"),
    "a curve that goes back": (training(curve=curve((5, 1.0), (3, 1.0))), "'loss' of step 3 after that of step 5"),
    "a curve before the start": (training(curve=curve((-5, 1.0))), "curve 'loss' is -5"),
    "a curve beyond numbers": (training(curve=curve((5, float("inf")))), "finite number|not JSON"),
    "answers of a training": (lambda record: training(answers=step_of(record, "rte", 0)["answers"])(record), "answers"),
    "a curve of answers": (answered(curve=curve((1, 0.5))), "is an evaluation, and has a curve"),
    "an artifact of answers": (costs("evaluate", artifact_bytes=5), "is an evaluation, and has what training leaves"),
    "a document left out": (left_out("cb", 1, 4), "leaves out the document 4"),
    "the last document left out": (left_out("cb", 1, 19), "answered the same task, and not the same documents"),
    "one document for all": (repeated, "the standard error 0.0, and that of its answers' values is none"),
    "a certain score": (scored(stderr=0.0), "has the standard error 0.0, and that of its answers' values is"),
    "a score without error": (scored(stderr=None), "has the standard error None, and that of its answers' values is"),
    "another error": (scored(stderr=1.25), "has the standard error 1.25, and that of its answers' values is"),
    "a BLEU without error": (scored("wmt16_ende", 1, stderr=None), "has no standard error of its bleu"),
    "a second metric of more": (beside(metric="acc", n=9000), "has 'acc' over 9000 documents, and 20 were answered"),
    "a metric of no task": (beside(metric="zzz"), "answered the same task, and one has no 'zzz'"),
    "no values": (without_values, "is scored by 'accuracy', which every document has, and none"),
    "chance is always right": (spec_with(lambda spec: spec["roles"]["cb"].update(chance=100.0)), "chance of the role"),
    "an unknown family": (lambda record: record["experiment"].update(family="magic"), "experiment.family: Input"),
}  # fmt: skip


@pytest.mark.parametrize("lie", IMPOSSIBLE)
def test_what_no_run_can_have_left_is_refused_in_one_line(shipped: Record, tmp_path: Path, lie: str) -> None:
    record, (change, message) = copy.deepcopy(shipped), IMPOSSIBLE[lie]
    change(record)
    try:
        named_anew(record)
    except ValueError:  # infinite
        record["sha256"] = "0"
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(SuiteError, match=message) as raised:
        checked_record("a.json", (tmp_path / "a.json").read_text())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("error", [None, 0.0, 1e-9, 99.0])
def test_the_error_of_a_bleu_is_one_that_its_answers_can_have(file: Path, other: Store, error: float | None) -> None:
    def change(record: Record) -> None:
        (step,) = (step for step in record["steps"] if step["title"].startswith("t_mt"))
        step["scores"][0].update(stderr=error)

    refused(other, altered(file, change), "has a standard error of about")


def test_a_number_beyond_those_of_floats_is_refused(shipped: Record, tmp_path: Path) -> None:
    record = copy.deepcopy(shipped)
    training(curve=curve((5, 12345.5)))(record)
    named_anew(record)
    (tmp_path / "a.json").write_text(json.dumps(record).replace("12345.5", "1e999"))
    with pytest.raises(SuiteError, match=r"finite number|hash it states|not JSON"):
        checked_record("a.json", (tmp_path / "a.json").read_text())


def test_equal_documents_have_the_error_of_one_another_or_of_earlier_versions(world: World, tmp_path: Path) -> None:
    values = (100.0, 100.0, 0.0, 0.0, 0.0)
    for names in ((), ("a", "a", "b", "c", "d")):
        given = per_document(*values)
        given = type(given)(given.values, names=names)
        world.experiment(f"pretrained_{len(names)}", {("qa", 1): given, ("mt", 1): given}, targets=())
        (file,) = export_records(world.store, tmp_path / "out", [f"pretrained_{len(names)}"])
        with Store.open("sqlite://") as store:
            assert import_records(store, [file])


def test_families_and_metrics_are_those_of_methods_and_tasks() -> None:
    family = ExperimentPart.model_fields["family"].annotation
    assert set(get_args(family)) == set(get_args(Family))
    assert {metrics()[name].aggregation for name in names_over("documents")} == {"mean"}
