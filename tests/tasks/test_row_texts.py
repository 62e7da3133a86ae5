"""What a task's templates make of its rows is refused, with the row, where nobody would write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.gold import gold
from suite.tasks.load import load_task, training_examples
from suite.tasks.splits import reported_rows

Write = Callable[..., Path]
Data = Callable[..., DataLocations]
WRITTEN = """\
task: colours
training_split: train
test_split: test
doc_to_text: "Q: {{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
CHOSEN = """\
task: colours
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
ROWS: list[dict[str, Any]] = [{"question": f"which {n}", "answer": "red", "p": "so"} for n in range(3)]


def refused(write: Write, data: Data, rows: list[dict[str, Any]], text: str, **changes: str) -> str:
    with pytest.raises(SuiteError) as caught:
        check(write, data, rows, text, **changes)
    return str(caught.value)


def check(write: Write, data: Data, rows: list[dict[str, Any]], text: str, **changes: str) -> None:
    """Plans, loads, and makes every prompt and training text."""
    task, locations = read_task("colours", [write(text=text, **changes)]), data(train=rows, test=rows)
    assert not gold(task, reported_rows(task, locations))
    loaded = load_task(task, locations)
    for row in loaded.eval_docs:
        assert loaded.fewshot_context(row, 0, gen_prefix=loaded.doc_to_prefix(row))
    assert len(training_examples(task, locations)) == len(rows)


@pytest.mark.parametrize("key", ["gen_prefix", "description"])
@pytest.mark.parametrize(
    ("template", "said"),
    [("{{p}}", "gives None"), ("{{p | trim}}", "gives None"), ("{{question.title}}", None), ("{{missing}}", None)],
)  # fmt: skip
def test_what_stands_around_a_prompt_is_checked(
    write: Write, data: Data, key: str, template: str, said: str | None
) -> None:
    rows = [*ROWS[:1], {**ROWS[1], "p": None}, *ROWS[2:]]
    text = refused(write, data, rows, WRITTEN + f'{key}: "{template}"\n')
    if said is None:  # no row fits: the template is wrong
        assert re.search(rf"colours.yaml:\d+: {key}( fits none of |: .* have no column 'missing')", text)
    else:
        assert re.search(rf"test.jsonl:\d: {key} of task 'colours' {re.escape(said)}", text)
    if template == "{{p}}":
        assert "test.jsonl:2" in text


def test_what_stands_around_a_prompt_is_rendered(write: Write, data: Data) -> None:
    text = WRITTEN + 'gen_prefix: "{{p}} -"\ndescription: "{{p | upper}}! "\n'
    task, locations = read_task("colours", [write(text=text)]), data(train=ROWS[1:], test=ROWS[:1])
    loaded = load_task(task, locations, shots=1)
    doc = loaded.eval_docs[0]
    (prompt, *_) = {loaded.fewshot_context(doc, 1, gen_prefix=loaded.doc_to_prefix(doc))}
    assert re.fullmatch(r"SO! Q: which \d so - red\n\nQ: which 0 so -", prompt)


@pytest.mark.parametrize(
    ("field", "template"), [("question", "{{question}}"), ("number", "{{number}}"), ("number", "number")]
)
@pytest.mark.parametrize("asked", ["1", "10", "0", "²", "①", "１"])
def test_a_question_of_digits_is_a_question(write: Write, data: Data, field: str, template: str, asked: str) -> None:
    number: Any = int(asked) if field == "number" and asked.isascii() else asked
    rows = [
        {"question": "even?", "number": 4, "choices": ["even", "odd"], "answer": "even"},
        {"question": asked, "number": number, "choices": ["even", "odd"], "answer": "odd"},
    ]
    task = read_task("colours", [write(text=CHOSEN, **{"{{question}}": template})])
    locations = data(train=rows, test=rows)
    assert gold(task, reported_rows(task, locations)) == ()
    loaded = load_task(task, locations)
    assert loaded.fewshot_context(loaded.eval_docs[1], 0) == asked
    assert [each.prompt for each in training_examples(task, locations)][1] == asked


def test_a_row_that_alone_has_its_choices_in_the_prompt_is_refused(write: Write, data: Data) -> None:
    rows = [{"n": 1, "choices": ["even", "odd"], "answer": each} for each in ("odd", "evn", "odd")]
    text = refused(write, data, rows, CHOSEN.replace("{{question}}", "{{n}}"))
    assert "test.jsonl:2: doc_to_text of task 'colours' gives '1', the place of a choice, other than most rows" in text


@pytest.mark.parametrize("answer", [0, 1, "yes"])
def test_a_right_choice_that_is_also_a_wrong_one_is_refused(write: Write, data: Data, answer: object) -> None:
    rows = [{"question": "q", "choices": ["yes", "yes", "noooo"], "answer": answer}]
    text = refused(write, data, rows, CHOSEN)
    assert "test.jsonl:1: doc_to_target of task 'colours' gives the choice 'yes', which stands more than once" in text


@pytest.mark.parametrize("answer", [2, [0, 1]])
def test_equal_choices_that_are_all_right_or_all_wrong_are_no_matter(write: Write, data: Data, answer: object) -> None:
    check(write, data, [{"question": "q", "choices": ["yes", "yes", "noooo"], "answer": answer}], CHOSEN)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_an_empty_choice_is_refused(write: Write, data: Data, blank: str) -> None:
    rows = [{"question": "q", "choices": ["yes", each], "answer": 0} for each in ("no", blank)]
    text = refused(write, data, rows, CHOSEN)
    assert "test.jsonl:2: doc_to_choice of task 'colours' gives an empty choice" in text


def test_a_choice_that_is_a_list_is_refused(write: Write, data: Data) -> None:
    rows = [{"question": "q", "choices": [["yes"], ["no"]], "answer": 0}]
    assert "gives choices that are no texts, but lists" in refused(write, data, rows, CHOSEN)


@pytest.mark.parametrize("template", [" {{answer}}", "{{answer}}."])
def test_a_list_within_the_text_of_an_answer_is_refused(write: Write, data: Data, template: str) -> None:
    rows = [*ROWS, {**ROWS[0], "answer": ["b", "c"]}]
    text = refused(write, data, rows, WRITTEN, **{"{{answer}}": template})
    assert "test.jsonl:4: doc_to_target of task 'colours' has a list within a text" in text


@pytest.mark.parametrize(("right", "wrong"), [("{{answer}}", "answr"), ("Q: {{question}}", "questoin")])
def test_a_misspelt_field_is_no_text_of_all_rows(write: Write, data: Data, right: str, wrong: str) -> None:
    text = refused(write, data, ROWS, WRITTEN, **{right: wrong})
    assert f"is the text '{wrong}' for all rows, since no field has this name" in text
    assert f"did you mean '{right.strip('Q: {}')}'?" in text


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ('["{{a}}", "{{b}}"]', "doc_to_choice: '{{a}}' is a template within a list, and would be shown as it is; "
         'write one template that gives the list: `doc_to_choice: "{{[a, b]}}"`'),
        ("[yes, no]", "is no text; put choices in quotes"),
        ('["a", ""]', "has an empty choice"),
    ],
)  # fmt: skip
def test_choices_of_a_task_are_texts(write: Write, choices: str, said: str) -> None:
    with pytest.raises(SuiteError, match=re.escape(said)):
        read_task("colours", [write(text=CHOSEN, **{"doc_to_choice: choices": f"doc_to_choice: {choices}"})])


def test_a_number_that_is_a_choice_and_a_place_has_a_way_out(write: Write, data: Data) -> None:
    rows = [{"question": "q", "choices": ["1", "2", "3"], "answer": 1}]
    text = refused(write, data, rows, CHOSEN)
    assert "`{{FIELD | string}}` is the one, `{{CHOICES[FIELD]}}` the other" in text
    for target in ("{{answer | string}}", "{{choices[answer]}}"):
        check(write, data, rows, CHOSEN, **{"doc_to_target: answer": f'doc_to_target: "{target}"'})
