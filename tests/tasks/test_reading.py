"""Filters and scores of our own are lm-eval's, to the digit, wherever docs/scoring.md does not name a difference."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask
from lm_eval.filters import build_filter_ensemble

from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import _lists, load_task
from suite.tasks.reading import FILTERS, readers, written
from suite.tasks.text import UNPARSABLE

Write = Callable[..., Path]
Data = Callable[..., DataLocations]
CUT = '{function: cut_answer, prefix: "Q:"}, '
ROW = {"question": "which ?", "answers": "red", "choices": ["a dog", "a red dog"]}
PIECES = [
    "Red",
    " fox",
    "\n",
    "\n\n",
    "Q:",
    "A:",
    "#### 7",
    "12",
    ", ",
    "(B)",
    "a dog",
    ".",
    "True",
    "per: Ann $$",
    " ",
]


def outputs(count: int = 200) -> list[str]:
    draw = random.Random(5)
    return ["".join(draw.choices(PIECES, k=draw.randint(0, 7))) for _ in range(count)]


@pytest.mark.parametrize(
    "steps",
    [
        "{function: regex, regex_pattern: '([0-9]+)'}",
        "{function: regex, regex_pattern: '(Red)|(fox)', group_select: -1, fallback: none}",
        "{function: regex}",
        "{function: remove_whitespace}, {function: lowercase}",
        "{function: uppercase}",
        "{function: map, mapping_dict: {Red: R, a dog: D}, default_value: other}",
        "{function: multi_choice_regex, regex_pattern: '([(][A-Z][)])', ignore_case: true}",
        "{function: format_span}",
        "{function: cut_answer, prefix: 'Q:', occurrence: 2}",
        "{function: first_label, labels: ['true', red fox]}",
        "{function: named_label, labels: ['true', red fox]}",
        "{function: stated, marker: 'A:'}",
        "{function: last_number}",
        "{function: json_field, field: label}",
    ],
)
def test_what_is_read_is_what_lm_evals_filters_read(write: Write, steps: str) -> None:
    task = read_task("colours", [write(**{CUT: f"{steps}, ", "doc_to_text": 'target_delimiter: ""\ndoc_to_text'})])
    ((name, read),) = readers(task).items()
    given = _lists(task.config["filter_list"][0]["filter"])
    theirs = build_filter_ensemble(
        name, [[each["function"], {key: each[key] for key in each if key != "function"}] for each in given]
    )
    some = outputs(20 if "multi_choice" in steps else 200)  # that one takes a third of a second each time
    instances = []
    for output in [*some, 'It is {"label": "red"} {"label": 3}', '{"label": null}', '{"label": ["a", 1]']:
        instances.append(Instance("generate_until", dict(ROW), ("", {}), 0))
        instances[-1].resps = [output]
    theirs.apply(instances)
    assert [read(each.resps[0], ROW) for each in instances] == [each.filtered_resps[name] for each in instances]


def test_a_filter_behind_the_first_answer_reads_that_answer(write: Write) -> None:
    task = read_task("colours", [write(**{CUT: "{function: take_first}, {function: lowercase}, "})])
    (read,) = readers(task).values()
    assert read(" Red", ROW) == "red"


@pytest.mark.parametrize("delimiter", [" ", "\n", " -> ", ""])
def test_what_stands_before_an_answer_is_no_part_of_it(write: Write, delimiter: str) -> None:
    quoted = delimiter.replace("\n", "\\n")
    task = read_task("colours", [write(**{CUT: "", "doc_to_text": f'target_delimiter: "{quoted}"\ndoc_to_text'})])
    (read,) = readers(task).values()
    assert read(written(task, "red"), ROW) == "red"
    assert read("    return 1", ROW) == "    return 1"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{function: regex, regex_pattern: '('}", "filter_list: regex cannot be made of its options"),
        ("{function: regex, pattern: x}", "filter_list: regex cannot be made of its options"),
        ("{function: regex, group_select: '0'}", "`group_select` is a whole number"),
        ("{function: map, mapping_dict: [a]}", "`mapping_dict` is a mapping"),
        ("{function: take_first_k}", "filter_list: take_first_k cannot be made of its options"),
    ],
)
def test_options_that_do_not_fit_a_filter_are_an_error(write: Write, step: str, said: str) -> None:
    task = read_task("colours", [write(**{CUT: f"{step}, "})])
    with pytest.raises(SuiteError, match=said):
        readers(task)


def test_a_filter_of_lm_evals_that_fails_is_an_error(write: Write) -> None:
    (read,) = readers(read_task("colours", [write(**{CUT: "{function: regex_pos, no_option: 1}, "})])).values()
    with pytest.raises(SuiteError, match=r"filter_list: regex_pos fails \(TypeError: "):
        read("red", ROW)


def test_what_a_filter_does_not_find_is_unparsable(write: Write) -> None:
    task = read_task("colours", [write(**{CUT: "{function: map, mapping_dict: {red: R}}, "})])
    (read,) = readers(task).values()
    assert (read("red", ROW), read("blue", ROW)) == ("R", UNPARSABLE)
    assert {"take_first", "cut_answer", "regex"} <= FILTERS.keys()


@pytest.mark.parametrize(
    "metric", ["exact_match, ignore_case: true, ignore_punctuation: true", "accuracy", "normalised_match", "rouge1"]
)
def test_scores_of_one_reference_are_those_of_lm_evals_own_task(write: Write, data: Data, metric: str) -> None:
    task = read_task("colours", [write(normalised_match=metric)])
    rights = ["Red fox", "a dog, Red", "True", "12"]
    ours = load_task(task, data(test=[{**ROW, "answers": right} for right in rights]))
    config = {**_lists(task.config), "custom_dataset": lambda **_: {"test": ours.dataset["test"]}}
    theirs = ConfigurableTask(config=config | {"training_split": None})
    for doc in ours.eval_docs:
        for said in ["red fox", "Red fox", "dog Red", "true", "12", *outputs(40)]:
            answer = said.strip()
            assert ours.process_results(doc, [answer]) == pytest.approx(theirs.process_results(doc, [answer]), abs=0)
