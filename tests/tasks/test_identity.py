"""Which documents are the same: by what a model reads, not by the fields of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.tasks.contamination import check_leaks, doubles, overlap
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.identity import Identities, Identity, identified
from suite.tasks.load import document_hashes, load_task
from suite.tasks.splits import draw_exemplars, exemplar_rows, reported_rows, training_rows
from tests.tasks.test_task_files import SCORED, SHIPPED

Write = Callable[..., Path]
Data = Callable[..., DataLocations]

WORDS = {"{{question}}": "{{words | join(' ')}}", "{{answers}}": "{{words | sort | join(' ')}}"}
CHOOSES = {
    "doc_to_target": 'output_type: multiple_choice\ndoc_to_choice: "{{choices}}"\ndoc_to_target',
    "{{answers}}": "{{right}}",
    "generation_kwargs": "# ",
    "filter_list": "# ",
    "normalised_match": "acc",
}
LETTERS = {
    "Q: {{question}} A:": "{{question}} A) {{choices.text[0]}} B) {{choices.text[1]}} A:",
    "{{answers}}": "{{answerKey}}",
    "kind: qa": "kind: choice, labels: [A, B]",
}


def row(number: int, **more: object) -> dict[str, object]:
    return {"question": f"colour {number} ?", "answers": [f"red {number}", "blue"], **more}


def task_of(write: Write, changes: Mapping[str, str] = {}) -> TaskFile:
    return read_task("colours", [write(**changes)])


def of(task: TaskFile, *rows: Mapping[str, Any]) -> list[Identity]:
    fields = frozenset().union(*rows)
    read = Identities(task, fields)
    found = [read(each) for each in rows]
    assert [each.question for each in found] == [read.question(each) for each in rows]
    return found


def documents(task: TaskFile, *rows: Mapping[str, Any]) -> int:
    return len({each.document for each in of(task, *rows)})


def questions(task: TaskFile, *rows: Mapping[str, Any]) -> int:
    return len({each.question for each in of(task, *rows)})


@pytest.mark.parametrize("name", ["Unnamed: 0", "idx", "row", "source_file", "annotator", "split"])
def test_a_field_that_no_template_reads_makes_no_other_document(write: Write, name: str) -> None:
    task = task_of(write)
    assert documents(task, row(1, **{name: 1}), row(1, **{name: 2}), row(1)) == 1
    assert documents(task, row(1, **{name: 1}), row(2, **{name: 1})) == 2


def test_whitespace_and_ways_to_write_a_letter_make_no_other_document(write: Write) -> None:
    task = task_of(write)
    spaced = {"question": " colour\u00a01\n?  ", "answers": ["red 1 ", "blue"]}
    assert documents(task, row(1), spaced) == 1
    composed, apart = ({"question": each, "answers": ["x"]} for each in ("caf\u00e9", "cafe\u0301"))
    assert documents(task, composed, apart) == 1
    assert documents(task, composed, {"question": "cafe", "answers": ["x"]}) == 2
    assert documents(task, row(1), {**row(1), "question": "Colour 1 ?"}) == 2  # a model tells cases apart


def test_words_in_another_order_are_another_document(write: Write) -> None:
    task = task_of(write, WORDS)
    assert documents(task, {"words": ["dog", "cat"]}, {"words": ["cat", "dog"]}) == 2


def test_choices_in_another_order_are_the_same_question_and_other_lists_are_not(write: Write) -> None:
    task = task_of(write, CHOOSES | {"Q: {{question}} A:": "{{question}} {{words | join(' ')}}"})
    one = {"question": "which ?", "words": ["a", "b"], "choices": ["red", "blue"], "right": 0}
    assert documents(task, one, {**one, "choices": ["blue", "red"], "right": 1}) == 1
    assert documents(task, one, {**one, "right": 1}) == 2
    assert questions(task, one, {**one, "right": 1}) == 1
    assert questions(task, one, {**one, "words": ["b", "a"]}) == 2
    assert questions(task, one, {**one, "choices": ["red", "green"]}) == 2


def test_the_letter_of_a_choice_is_no_answer(write: Write) -> None:
    task = task_of(write, LETTERS)
    one = {"question": "which ?", "choices": {"text": ["red", "blue"], "label": ["A", "B"]}, "answerKey": "A"}
    two = {"question": "which ?", "choices": {"text": ["blue", "red"], "label": ["A", "B"]}, "answerKey": "B"}
    assert documents(task, one, two) == 1
    assert of(task, one)[0].answers == frozenset()


SORTED = {
    "doc_to_target": 'output_type: multiple_choice\ndoc_to_choice: ["Y", "N"]\ndoc_to_target',
    "Q: {{question}} A:": "{{words | join(' ')}} sorted?",
    "{{answers}}": "{{right}}",
    "generation_kwargs": "# ",
    "filter_list": "# ",
    "normalised_match": "acc",
}


@pytest.mark.parametrize("letters", ['["Y", "N"]', '["A", "B"]', '["1", "2"]'])
def test_choices_of_one_letter_leave_lists_that_are_not_choices_in_their_order(write: Write, letters: str) -> None:
    task = task_of(write, SORTED | {'["Y", "N"]': letters})
    one = {"words": ["apple", "plum"], "right": 0}
    other = {"words": ["plum", "apple"], "right": 1}
    assert questions(task, one, other) == 2
    listed = "A) yes B) no. {% for each in words %}{{loop.index}}. {{each}} {% endfor %}sorted?"
    if letters != '["1", "2"]':
        assert questions(task_of(write, SORTED | {"{{words | join(' ')}} sorted?": listed}), one, other) == 2


@pytest.mark.parametrize(
    "template",
    [
        "{{question}} {{words | join(' ')}}{% for text in options %}\\n{{'AB'[loop.index0]}}. {{text}}{% endfor %}",
        "{{question}} {{words | join(' ')}} (a) {{options[0]}} (b) {{options[1]}}",
        "{{question}} {{words | join(' ')}} A: {{options[0] | trim}}\\tB: {{options[1] | trim}}",
    ],
)
def test_only_the_list_behind_the_labels_is_free_of_order(write: Write, template: str) -> None:
    task = task_of(write, SORTED | {'["Y", "N"]': '["A", "B"]', "{{words | join(' ')}} sorted?": template})
    one = {"question": "which ?", "words": ["a", "b"], "options": ["red hat", "blue hat "], "right": 0}
    assert documents(task, one, {**one, "options": ["blue hat ", "red hat"], "right": 1}) == 1
    assert questions(task, one, {**one, "words": ["b", "a"]}) == 2


@pytest.mark.parametrize("name", ["arc_easy", "openbookqa", "paper_openbookqa", "micro_openbookqa"])
def test_choices_of_shipped_tasks_are_free_of_order(name: str) -> None:
    texts, letters = ["red", "blue", "A", "it is red"], ["A", "B", "C", "D"]
    one = {"question": "which ?", "question_stem": "which ?", "choices": {"text": texts, "label": letters}}
    two = one | {"answerKey": "A", "choices": {"text": texts[::-1], "label": letters}}
    assert documents(read_task(name, [SHIPPED]), one | {"answerKey": "D"}, two) == 1


def test_constant_choices_leave_lists_in_their_order(write: Write) -> None:
    task = task_of(
        write, CHOOSES | {"{{choices}}": "UNUSED", 'doc_to_choice: "UNUSED"': "doc_to_choice: ['no', 'yes']", **WORDS}
    )
    assert questions(task, {"words": ["a", "b"], "right": 1}, {"words": ["b", "a"], "right": 0}) == 2


def test_answers_in_another_order_make_no_other_document_and_other_answers_do(write: Write) -> None:
    task = task_of(write)
    assert documents(task, row(1), {**row(1), "answers": ["blue", "red 1"]}) == 1
    assert documents(task, row(1), {**row(1), "answers": ["green"]}) == 2
    assert questions(task, row(1), {**row(1), "answers": ["green"]}) == 1


def test_a_prompt_that_is_the_same_for_all_rows_tells_none_apart(write: Write) -> None:
    task = task_of(write, {"Q: {{question}} A:": "Write a line:"})
    assert questions(task, row(1), row(2)) == 2
    assert questions(task, row(1), row(1, idx=3)) == 1


def test_a_prompt_of_nothing_with_the_same_choices_for_all_tells_rows_apart_by_their_fields(write: Write) -> None:
    task = task_of(
        write,
        CHOOSES
        | {
            "{{choices}}": "UNUSED",
            'doc_to_choice: "UNUSED"': "doc_to_choice: ['no', 'yes']",
            "Q: {{question}} A:": "",
        },
    )
    assert questions(task, row(1, right=1), row(2, right=1)) == 2
    assert questions(task, row(1, right=1), row(1, right=1, idx=3)) == 1


def test_a_row_that_does_not_fit_has_an_identity_all_the_same(write: Write) -> None:
    task = task_of(write)
    assert documents(task, {"text": "a", "id": 1}, {"text": "a", "id": 2}, {"text": "b"}) == 2


@pytest.mark.parametrize("name", ["copa", "boolq", "hellaswag", "winogrande"])
def test_lm_evals_own_tasks_are_told_apart_by_content_or_template(name: str) -> None:
    task = read_task(name, [])
    made = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 0, "passage": "x"}
    made |= {"sentence": "the _ is", "option1": "cat", "option2": "dog", "answer": "1"}
    made |= {"ind": 3, "ctx_a": "a", "ctx_b": "b", "activity_label": "c", "endings": ["e", "f"], "ctx": "a b"}
    other = {
        key: f"{value} more" if isinstance(value, str) and value not in "01" else value for key, value in made.items()
    }
    assert documents(task, made, {**made, "idx": 7}) == 1
    assert documents(task, made, other) == 2


def test_a_leak_behind_an_index_column_is_found(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(
        train=[row(number, **{"Unnamed: 0": number}) for number in range(9)],
        test=[row(3, **{"Unnamed: 0": 100}), row(12, **{"Unnamed: 0": 101})],
    )
    train, test = training_rows(task, locations), reported_rows(task, locations)
    with pytest.raises(SuiteError, match=r"reports 1 row .*test.jsonl:1, which is .*train.jsonl:4"):
        check_leaks(task, {"hues": (task, train)}, None, test)


def test_a_question_with_another_answer_is_told_and_not_refused(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(train=[row(1), row(2)], test=[{**row(1), "answers": ["green"]}, row(3)])
    train, test = training_rows(task, locations), reported_rows(task, locations)
    (note,) = check_leaks(task, {"hues": (task, train)}, None, test)
    assert "reports 1 row that hues trains on with another answer" in note
    assert "test.jsonl:1, which is " in note


def test_one_answer_in_common_is_a_leak(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(train=[{**row(1), "answers": ["blue"]}], test=[row(1)])
    found = overlap(task, reported_rows(task, locations), task, training_rows(task, locations))
    assert (len(found.same), len(found.other)) == (1, 0)


def test_a_leak_into_a_task_with_another_template_is_found(write: Write, data: Data) -> None:
    task = task_of(write)
    folder = write("hues", **{"task: colours": "task: hues", "Q: {{question}} A:": "Say: {{question}}"})
    other = read_task("hues", [folder])
    locations = data(train=[row(1, idx=1), row(2, idx=2)], test=[row(2, idx=9)])
    reported = reported_rows(task, locations)
    assert len(overlap(task, reported, other, training_rows(other, locations)).same) == 1
    elsewhere = data("elsewhere", train=[{"text": "colour 2 ?", "label": "red 2"}])
    text = {"task: colours": "task: texts", "{{question}}": "{{text}}", "{{answers}}": "{{label}}"}
    third = read_task("texts", [write("texts", **text, **{"folder: colours": "folder: elsewhere"})])
    assert len(overlap(task, reported, third, training_rows(third, elsewhere)).same) == 1  # it reads alike


def test_an_exemplar_never_asks_what_is_asked(write: Write, data: Data) -> None:
    task = task_of(write)
    asked = [row(number, page=number) for number in range(6)]
    doubles_of_asked = [{**row(number, page=50), "answers": ["other"]} for number in range(6)]
    locations = data(train=[*doubles_of_asked, row(7), row(8)], test=asked)
    drawn = draw_exemplars(task, locations, 2, 0)
    assert {str(each["question"]) for each in drawn} == {"colour 7 ?", "colour 8 ?"}
    with pytest.raises(SuiteError, match="has 2 rows for exemplars"):
        draw_exemplars(task, locations, 3, 0)


def test_doubles_and_contradictions_are_counted(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(test=[row(1), row(2), row(1, id=4), {**row(2), "answers": ["green"]}, row(3)])
    same, at_odds = doubles(task, reported_rows(task, locations), "reports")
    assert same == "colours: reports 5 rows, 4 of them distinct (colours/test.jsonl)"
    assert at_odds.startswith("colours: 1 question has answers that differ (reports), first ")
    assert at_odds.endswith("test.jsonl:4")
    assert doubles(task, reported_rows(task, data(test=[row(1), row(2)])), "reports") == []


def test_answers_are_stored_under_the_same_name(write: Write, data: Data) -> None:
    task = task_of(write)
    locations = data(test=[row(1, page=1), row(2), row(1, page=2)])
    loaded = load_task(task, locations)
    names = [document_hashes(loaded)(doc) for doc in loaded.eval_docs]
    assert names == [identified(task, reported_rows(task, locations))[place].document for place in range(3)]
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize("name", [each for each in SCORED if each.startswith("micro")])
def test_no_bundled_task_reports_what_it_trains_on_or_shows(name: str) -> None:
    task, here = read_task(name, [SHIPPED]), DataLocations()
    reported, trained = reported_rows(task, here), training_rows(task, here)
    found = overlap(task, reported, task, trained)
    assert not found.same
    assert not found.other
    asked = identified(task, reported).places.keys()
    assert not asked & identified(task, exemplar_rows(task, here)).places.keys()
