"""A record has the steps that its spec asks for, and numbers that can be true."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from suite.core.hashing import experiment_id, variant_id
from suite.results.store import Store
from tests.results.records.test_records import Record, altered, refused


def test_scores_beyond_what_a_metric_can_be_are_refused(file: Path, other: Store) -> None:
    def better(record: Record, value: float) -> None:
        step = record["steps"][1]
        step["scores"][0]["value"] = value
        for answer in step["answers"]:
            answer["value"] = value

    for value in (2000.0, -50.0):
        refused(
            other, altered(file, lambda record, value=value: better(record, value)), f"'accuracy' is {value:g}, and not"
        )


def with_spec(record: Record, change: Callable[[Record], None]) -> None:
    """Change a record's spec, and name it anew as an export would have."""
    about = record["experiment"]
    change(about["spec"])
    resolved = {key: value for key, value in about["spec"].items() if key not in ("file", "variant", "sets")}
    about["spec"]["variant"] = variant_id(resolved)
    about |= {"id": experiment_id(resolved), "targets": about["spec"]["targets"]}


def test_a_chance_that_is_none_is_refused(file: Path, other: Store) -> None:
    altered(file, lambda record: with_spec(record, lambda spec: spec["roles"]["rte"].update(chance=1e308)))
    refused(other, file, r"chance of the role 'rte' is 1e\+308")


def test_a_record_has_the_evaluations_that_its_spec_asks_for(file: Path, other: Store) -> None:
    def empty(record: Record) -> None:
        with_spec(record, lambda spec: spec.update(targets=[], roles={}, track={**spec["track"], "held_out": none}))
        record |= {"links": [], "steps": []}

    none = {"roles": [], "shots": []}
    whole = file.read_text()
    refused(other, altered(file, empty), "its spec asks for no evaluation")
    file.write_text(whole)
    last = json.loads(whole)["links"][-1]
    altered(file, lambda record: record.update(
        links=record["links"][:-1], steps=[step for step in record["steps"] if step["id"] != last["step_id"]]
    ))  # fmt: skip
    refused(other, file, f"asks for an evaluation of '{last['role']}' with 1 exemplars, which is not in it")


def test_a_step_that_builds_on_one_that_is_not_in_the_record_is_refused(file: Path, other: Store) -> None:
    gone = json.loads(file.read_text())["links"][0]["step_id"]
    altered(file, lambda record: record.update(
        links=record["links"][1:], steps=[step for step in record["steps"] if step["id"] != gone]
    ))  # fmt: skip
    refused(other, file, f"builds on the step '{gone}', which is not in it")


def test_a_key_that_stands_twice_is_refused(file: Path, other: Store) -> None:
    file.write_text(file.read_text().replace('"schema_version"', '"schema_version": 2, "schema_version"'))
    refused(other, file, "the key 'schema_version' stands twice")


def test_a_finding_is_of_documents_that_were_answered(file: Path, other: Store) -> None:
    whole = file.read_text()
    for documents, tried, told in (([3], 0, "1 documents of 0"), ([0], 999, "is of 999 documents, and")):
        content = {"documents": documents, "tried": tried}
        file.write_text(whole)
        altered(file, lambda record, content=content: record["steps"][1].update(
            findings=[{"name": "judged_weaker", "content": content}]
        ))  # fmt: skip
        refused(other, file, told)


def test_a_score_of_no_document_is_none(file: Path, other: Store) -> None:
    def unanswered(record: Record) -> None:
        step = record["steps"][1]
        step.update(answers=[], findings=[])
        step["scores"] = [{**step["scores"][0], "n": 0, "unparsable": 0, "truncated": 0, "value": 100.0}]

    refused(other, altered(file, unanswered), "'accuracy' is 100, and no document was answered")


def test_a_task_has_a_name_that_a_file_can_have(file: Path, other: Store) -> None:
    whole = file.read_text()
    for name in ("x" * 300, "../../evil", "a/b", ""):
        file.write_text(whole)
        altered(file, lambda record, name=name: with_spec(record, lambda spec: spec["roles"]["rte"].update(task=name)))
        refused(other, file, "roles.rte.task")
