"""Tasks that are made of other tasks: which skill does a prompt ask for?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.core.labels import named_label
from suite.tasks.data import DataLocations, rows
from suite.tasks.definition import read_task
from suite.tasks.load import selection_task, training_examples

Write = Callable[..., Path]
Data = Callable[..., DataLocations]

SKILLS = """\
task: skills
training_split: train
test_split: test
doc_to_text: "{{question}} Skill:"
doc_to_target: "{{skill}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list: [{name: label, filter: [{function: named_label, labels: [hue, other]}, {function: take_first}]}]
metric_list: [{metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata:
  kind: dispatch
  made_of:
    train: {hue: [colours], other: [shapes]}
    test: {hue: [colours]}
"""


def folder(write: Write, **changes: str) -> Path:
    write()
    write("shapes", (write() / "colours.yaml").read_text().replace("colours", "shapes"))
    return write("skills", SKILLS, **changes)


def filled(data: Data) -> DataLocations:
    data(train=[{"question": f"red {n} ?", "answers": "x"} for n in range(3)], test=[{"question": "red 9 ?"}])
    return data("shapes", train=[{"question": "round ?", "answers": "x"}], test=[{"question": "oval ?"}])


def test_rows_are_prompts_of_the_other_tasks_a_skill_in_turn(write: Write, data: Data) -> None:
    task, locations = read_task("skills", [folder(write)]), filled(data)
    assert [(row["question"], row["skill"]) for row in rows(task, "train", locations).docs] == [
        ("Q: red 0 ? A:", "hue"), ("Q: round ? A:", "other"), ("Q: red 1 ? A:", "hue"), ("Q: red 2 ? A:", "hue"),
    ]  # fmt: skip
    assert [row["question"] for row in rows(task, "test", locations).docs] == ["Q: red 9 ? A:"]


def test_training_never_reads_a_row_that_another_task_reports(write: Write, data: Data) -> None:
    task, locations = read_task("skills", [folder(write)]), filled(data)
    prompts = [example.prompt for example in training_examples(task, locations)]
    assert prompts[0] == "Q: red 0 ? A: Skill:"
    assert not any("9" in prompt or "oval" in prompt for prompt in prompts)


def test_a_change_of_another_tasks_template_changes_the_task(write: Write) -> None:
    before = read_task("skills", [folder(write)]).fingerprint
    place = folder(write)
    (place / "shapes.yaml").write_text((place / "shapes.yaml").read_text().replace("Q: {{", "Say: {{"))
    assert read_task("skills", [place]).fingerprint != before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[shapes]",
            "[shape]",
            "skills.yaml:12: metadata.made_of: there is no task file 'shape'; did you mean 'shapes'?",
        ),
        ("[shapes]", "[skills2]", "metadata.made_of: 'skills2' is made of other tasks itself"),
        ("    test: {hue", "    tset: {hue", "skills.yaml:13: metadata.made_of.tset: the task has no such split"),
    ],
)
def test_what_is_wrong_is_told_by_line(write: Write, old: str, new: str, said: str) -> None:
    place = folder(write)
    write("skills2", SKILLS.replace("task: skills", "task: skills2"))
    (place / "skills.yaml").write_text(SKILLS.replace(old, new))
    with pytest.raises(SuiteError) as caught:
        read_task("skills", [place])
    assert said in str(caught.value)


def test_a_template_that_does_not_fit_names_its_task(write: Write, data: Data) -> None:
    place = folder(write)
    (place / "shapes.yaml").write_text((place / "shapes.yaml").read_text().replace("{{question}}", "{{text}}"))
    with pytest.raises(SuiteError, match="template of task 'shapes' does not fit its rows"):
        rows(read_task("skills", [place]), "train", filled(data))


@pytest.mark.parametrize(
    ("output", "label"),
    [("the Category is MATH.", "math"), (r"\boxed{code}", "code"), ("mathematics", None), ("", None)],
)
def test_a_label_is_read_wherever_it_stands(output: str, label: str | None) -> None:
    assert named_label(output, ("math", "code")) == label


def test_the_filter_reads_skills(write: Write, data: Data) -> None:
    task, locations = read_task("skills", [folder(write)]), filled(data)
    loaded = selection_task(task, locations, [{"question": "q", "skill": "hue"}])
    (label,) = loaded._filters
    assert [list(each) for each in label.filters[0]().apply([["I say Hue"], ["red"]], [{}, {}])] == [
        ["hue"],
        ["[invalid]"],
    ]
