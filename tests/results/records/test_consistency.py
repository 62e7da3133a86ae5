"""A record's steps are those of its spec: its tasks, its track's terms, and what its method trained."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.core.hashing import experiment_id, fingerprint, variant_id
from suite.execution.records import experiment_records
from suite.planning import Evaluate, Inputs, Plan, make_plan
from suite.results.records.checks import checked_record
from suite.results.records.completeness import find_incomplete
from suite.results.records.consistency import find_inconsistent
from suite.results.records.schema import RecordFile
from suite.specs import load
from suite.tasks.data import DataLocations

Record = dict[str, Any]
SHIPPED = Path("leaderboard/records/smol-cpu/promot_rte--seed0--0048e180.json.gz")
ONE_OF_A_KIND = (
    "pretrained", "promot_rte", "prompt_tuning_rte", "transformer2/t2_few_shot", "transformer2/t2_classifier",
    "transformer2/t2_oracle", "transformer2/ia3_few_100_from_targets", "transformer2/lora_math_tuned",
)  # fmt: skip
SWEEPS = ("{learning_rate: [1e-4, 1e-3]}", "{stage_one.length: [4, 8]}")


def unrun(plan: Plan) -> RecordFile:
    """What an export of a plan's only experiment would be, had no document been answered."""
    ((about, links),) = experiment_records(plan)
    nothing = {"device": None, "versions": None, "git_commit": None}
    empty = {"attempts": 1, "started": None, "finished": None, "provenance": nothing, "costs": {}}
    empty |= {"answers": [], "curve": [], "artifact": None}
    steps = []
    for step in plan.steps:
        scores = []
        if isinstance(step.work, Evaluate):
            metric = f"{step.work.task.metadata['primary']},none"
            scores.append({"metric": metric, "value": None, "stderr": None, "n": 0, "primary": True})
        steps.append(
            {"id": step.id, "kind": step.kind, "title": step.title, "config": step.key, "scores": scores} | empty
        )
    experiment = {name: value for name, value in vars(about).items() if name not in ("imported", "created")}
    record = {"schema_version": 2, "sha256": "", "experiment": experiment, "links": [vars(link) for link in links]}
    return RecordFile.model_validate_json(json.dumps({**record, "steps": steps}, default=list))


def test_what_a_run_of_a_shipped_spec_would_export_is_accepted(specs: Path) -> None:
    judged = []
    for experiment in load([specs / f"{name}.yaml" for name in ONE_OF_A_KIND]):
        record = unrun(make_plan([experiment], Inputs(DataLocations())))
        assert (experiment.file, find_incomplete(record), find_inconsistent(record)) == (experiment.file, None, None)
        judged.append(experiment.method)
    assert {"pretrained", "promot", "transformer2", "few_shot_tuning", "lora"} <= set(judged)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_what_a_sweep_would_export_is_accepted(tmp_path: Path, sweep: str) -> None:
    file = tmp_path / "swept.yaml"
    file.write_text(f"name: swept\nmethod: {{name: promot}}\ntargets: [rte]\nsweep: {sweep}\n")
    record = unrun(make_plan(load([file]), Inputs(DataLocations())))
    assert find_incomplete(record) is None
    assert find_inconsistent(record) is None


@pytest.fixture(scope="module")
def shipped() -> Record:
    record: Record = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    return record


def named_anew(record: Record) -> None:
    """Ids and hash as an export of this content has them, so that only what it says is wrong."""
    names: dict[str, str] = {}
    for step in record["steps"]:  # those that are built on come first
        config = step["config"]
        for part in ("stack", "parents"):
            if isinstance(config.get(part), list):
                config[part] = [names.get(each, each) for each in config[part]]
        names[step["id"]] = step["id"] = fingerprint(config)
    for link in record["links"]:
        link["step_id"] = names.get(link["step_id"], link["step_id"])
    about, spec = record["experiment"], record["experiment"]["spec"]
    resolved = {key: value for key, value in spec.items() if key not in ("file", "variant", "sets")}
    spec["variant"], about["id"] = variant_id(resolved), experiment_id(resolved)
    about |= {"seed": spec["seed"], "targets": spec["targets"]}
    record["sha256"] = fingerprint({key: value for key, value in record.items() if key != "sha256"}, length=64)


def step_of(record: Record, role: str, shots: int) -> Record:
    link = next(link for link in record["links"] if (link["role"], link["shots"]) == (role, shots))
    return next(step for step in record["steps"] if step["id"] == link["step_id"])


def swapped(first: tuple[str, int], second: tuple[str, int]) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        one, other = (
            next(link for link in record["links"] if (link["role"], link["shots"]) == each) for each in (first, second)
        )
        one["step_id"], other["step_id"] = other["step_id"], one["step_id"]

    return change


def renamed(first: tuple[str, int], second: tuple[str, int]) -> Callable[[Record], None]:
    """Swapped, and called as if they were not."""

    def change(record: Record) -> None:
        one, other = step_of(record, *first), step_of(record, *second)
        one["title"], other["title"] = other["title"], one["title"]
        swapped(first, second)(record)

    return change


def configured(role: str, shots: int, **values: Any) -> Callable[[Record], None]:
    return lambda record: step_of(record, role, shots)["config"].update(values)


def trained(**values: Any) -> Callable[[Record], None]:
    return lambda record: record["steps"][1]["config"].update(values)


def by_base(record: Record) -> None:
    for step in record["steps"]:
        if step["kind"] == "evaluate":
            step["config"]["stack"] = []


def by_another_metric(record: Record) -> None:
    step_of(record, "rte", 0)["scores"][0]["metric"] = "f1,none"


def faster(record: Record) -> None:
    record["steps"][1]["config"]["method"]["learning_rate"] = 0.5


def spared(record: Record) -> None:
    """A train step more, on which nothing is built."""
    more = copy.deepcopy(record["steps"][0])
    more["config"] |= {"seed": 0, "code": 99}
    more["id"] = fingerprint(more["config"])
    record["steps"].append(more)
    place = 1 + max(link["position"] for link in record["links"])
    record["links"].append({"step_id": more["id"], "part": "train", "role": None, "shots": None, "position": place})


def spec_with(change: Callable[[Record], Any]) -> Callable[[Record], None]:
    return lambda record: change(record["experiment"]["spec"])


LIES: Mapping[str, tuple[Callable[[Record], None], str]] = {
    "another task's answers": (swapped(("cb", 1), ("wic", 1)), "'cb' is the task 'cb'"),
    "two tasks of one metric": (renamed(("triviaqa", 4), ("web_questions", 4)), "not answered on the task and data of"),
    "fewer documents": (configured("cb", 1, documents=3), "made with documents 3, and its spec says 20"),
    "shorter inputs": (configured("cb", 1, max_length=9), "made with max_length 9, and its spec says 1024"),
    "another draw": (configured("cb", 1, draw=3), "made with draw 3, and its spec says 0"),
    "wider beams": (configured("cb", 1, beams=4), "made with beams 4, and its spec says 1"),
    "true for one": (configured("cb", 1, beams=True), "made with beams True"),
    "a chat": (configured("cb", 1, chat={"system": None}), "with the chat format {'system': None}, and its spec"),
    "a chat that is none": (configured("cb", 1, chat="text"), "config.chat: Input should be an object"),
    "another model": (configured("cb", 1, model={"identity": "x"}), "answered by different base models"),
    "another task's print": (configured("cb", 1, task="0" * 16), "not answered on the task and data of 'cb'"),
    "another metric": (by_another_metric, "'rte' is scored by 'accuracy', and"),
    "another seed": (trained(seed=9), "made with seed 9, and its spec says 0"),
    "a larger batch": (trained(budget={"batch_size": 64}), "made with batch_size 64, and its spec says 8"),
    "other settings": (faster, "not trained with the settings that its spec has"),
    "the base's answers": (by_base, "'rte' was not answered with what 'promot_rte' trained"),
    "an idle train step": (spared, "nothing of it was answered with the step"),
    "a stack that is none": (configured("cb", 1, stack=7), "config.stack: Input should be a valid array"),
    "a dispatch that is none": (configured("cb", 1, dispatch="text"), "config"),
    "a place before the first": (lambda record: record["links"][0].update(position=-1), "a link is at the place -1"),
    "a role twice": (spec_with(lambda spec: spec["track"]["held_out"]["roles"].append("cb")), "names one twice"),
    "shots twice": (spec_with(lambda spec: spec["track"]["held_out"]["shots"].append(4)), "names one twice"),
    "a target twice": (spec_with(lambda spec: spec["targets"].append("rte")), "names one twice"),
    "a seed below 0": (spec_with(lambda spec: spec.update(seed=-1)), "greater than or equal to 0"),
    "a role that is a path": (spec_with(lambda spec: spec["targets"].append("../x")), "should match pattern"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_record_of_something_else_than_its_spec_is_refused(shipped: Record, tmp_path: Path, lie: str) -> None:
    record, (change, message) = copy.deepcopy(shipped), LIES[lie]
    change(record)
    named_anew(record)
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(SuiteError, match=message) as raised:
        checked_record("a.json", (tmp_path / "a.json").read_text())
    assert "\n" not in str(raised.value)


def test_the_helper_of_these_tests_changes_nothing_else(shipped: Record, tmp_path: Path) -> None:
    record = copy.deepcopy(shipped)
    named_anew(record)
    assert record == shipped
    (tmp_path / "a.json").write_text(json.dumps(record))
    assert checked_record("a.json", (tmp_path / "a.json").read_text()).experiment.name == "promot_rte"
