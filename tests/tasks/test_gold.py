"""Right answers are right by the filters and metrics of tasks that users bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.sandbox import bubblewrap
from suite.tasks.data import DataLocations, Rows
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.gold import Misses, gold
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.splits import reported_rows

Write = Callable[..., Path]
Data = Callable[..., DataLocations]


@pytest.fixture
def judged(write: Write, data: Data) -> Callable[..., tuple[Misses, ...]]:
    """What the check says of answers of a task, by default a question-answering one."""

    def judges(*answers: object, **changes: str) -> tuple[Misses, ...]:
        task = read_task("colours", [write(**changes)])
        return gold(task, named_rows(task, data, answers))

    return judges


def named_rows(task: TaskFile, data: Data, answers: tuple[object, ...]) -> Rows:
    docs = [{"question": f"colour {place} ?", "answers": each} for place, each in enumerate(answers)]
    return reported_rows(task, data(test=docs))


LABELS = {'cut_answer, prefix: "Q:"': 'first_label, labels: ["half-true", "true"]', "normalised_match": "accuracy"}


@pytest.mark.parametrize(
    ("answers", "changes"),
    [
        (("red", ["red", "dark red"], "[3, 5]", "the", "!!", "  red  "), {}),
        (("half-true", "True", " true", True), LABELS),
        (("18.00", "1,000", 2.5, 7), {"normalised_match": "number_match"}),
        (("red", " dark red\n"), {"normalised_match": "exact_match", 'cut_answer, prefix: "Q:"': "remove_whitespace"}),
        (("red",), {'{function: cut_answer, prefix: "Q:"}, ': "", "normalised_match": "exact_match"}),
        (("red", ["a b c", "d"]), {"normalised_match": "rouge2"}),
        (("this is one text of words", ["red", "blue"]), {"normalised_match": "bleu", "aggregation: mean, ": ""}),
        (("red",), {"doc_to_text": 'target_delimiter: " -> "\ndoc_to_text', "normalised_match": "exact_match"}),
    ],
)
def test_answers_that_used_to_fail_get_full_marks(
    judged: Callable[..., Any], answers: tuple[object, ...], changes: dict[str, str]
) -> None:
    assert judged(*answers, **changes) == ()


@pytest.mark.parametrize(
    ("answers", "changes", "read"),
    [
        (("red", "so Q: red"), {}, "so"),
        (("red", ["red", "one\n\ntwo"]), {}, "one"),
        (("true", "false"), LABELS, "[invalid]"),
        (("true", "half-true story"), LABELS, "half-true"),
        (("7", "seven"), {'cut_answer, prefix: "Q:"': 'regex, regex_pattern: "([0-9]+)"'}, "[invalid]"),
        (("red", "..."), {"normalised_match": "rouge1"}, "..."),
        (("red", "re\nd"), {'until: ["\\n\\n"]': 'until: ["\\n"]'}, "re"),
    ],
)
def test_an_answer_that_misses_full_marks_is_found_with_what_was_read_from_it(
    judged: Callable[..., Any], answers: tuple[object, ...], changes: dict[str, str], read: str
) -> None:
    (found,) = judged(*answers, **changes)
    (miss,) = found.rows
    assert (found.primary, found.tried, found.share, miss.index, miss.read) == (True, 2, 0.5, 1, read)
    assert miss.place.endswith("colours/test.jsonl:2")


BLEU = {"normalised_match": "bleu", "aggregation: mean, ": ""}


def test_texts_that_are_all_shorter_than_four_words_miss_bleu_together(judged: Callable[..., Any]) -> None:
    (found,) = judged("a red dog", "two dogs sleep", **BLEU)
    assert (found.corpus, found.share) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("answers", "metric", "language"),
    [
        (("2023年的中国经济增长", "一"), "rouge1", "zh"),
        (("Привет мир 5", "нет 6"), "rougeL", "ru"),
        (("er fährt heim", "so ist das"), "rouge2", "de"),
        (("今天狗在家里睡觉", "ABC公司在2023年成立"), "bleu", "zh"),
    ],
)
def test_answers_of_which_a_metric_would_lose_words_need_a_language(
    judged: Callable[..., Any], answers: tuple[str, ...], metric: str, language: str
) -> None:
    changes = {**BLEU, "normalised_match": metric}
    said = rf"{metric} would lose words of [12] of 2 right answers .*\(no `language`, so English\)"
    with pytest.raises(SuiteError, match=said):
        judged(*answers, **changes)
    assert judged(*answers, **changes, **{"kind: qa": f"kind: qa, language: {language}"}) == ()


def test_a_given_language_has_to_be_that_of_the_answers(judged: Callable[..., Any]) -> None:
    english = {"normalised_match": "rouge1", "kind: qa": "kind: qa, language: en"}
    assert judged("one café", "two cafés", **english) == ()
    with pytest.raises(SuiteError, match=r"rouge1 would lose words of 1 of 2 .*\(`language: en`\)"):
        judged("Привет мир 5", "two", **english)


def test_few_names_of_other_languages_do_not_make_a_text_foreign(judged: Callable[..., Any]) -> None:
    assert judged("a café", *["a house"] * 9, **{"normalised_match": "rouge1"}) == ()


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        ('"true", "false"', (True, False)),
        ('"1", "2"', (1.0, 2)),
        ('"Positive", "Negative"', ("positive", " NEGATIVE ")),
        ('"very good", "café"', ("very  good", "cafe\u0301")),
    ],
)
@pytest.mark.parametrize("metric", ["accuracy", "exact_match"])
def test_labels_are_written_as_the_task_lists_them_without_a_filter_of_labels(
    write: Write, data: Data, labels: str, values: tuple[object, ...], metric: str
) -> None:
    changes = {"kind: qa": f"labels: [{labels}]", "normalised_match": metric}
    task = read_task("colours", [write(**changes)])
    found = named_rows(task, data, values)
    texts = Texts(task, fields_of(found.docs))
    assert [texts.references(row) for row in found.docs] == [(each,) for each in task.labels]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "doc_to_target of task 'colours' gives no answer (an empty list)"),
        ("  ", "doc_to_target of task 'colours' gives an empty answer"),
        (["red", ""], "gives an empty answer"),
        (None, "doc_to_target of task 'colours' gives None (null in the row)"),
        (["red", None], "gives None"),
        (float("nan"), "gives None"),
        ([["red"]], "gives a list as an answer, not a text"),
        ({"a": "red"}, "gives a dict as an answer, not a text"),
    ],
)
def test_a_row_without_a_usable_answer_is_refused_with_its_place(
    judged: Callable[..., Any], answer: object, said: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        judged("red", answer, "blue")
    (problem,) = caught.value.problems
    assert problem.where.endswith("colours/test.jsonl:2")
    assert said in problem.what


def test_a_text_that_says_none_is_an_answer_like_any_other(judged: Callable[..., Any]) -> None:
    assert judged("None", "nan", "null", ["none", "None"]) == ()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{q.keys}}", "doc_to_text of task 'colours' gives a method (keys), not a field of the row"),
        (
            "{{q.colour}}",
            "does not fit (UndefinedError: 'dict object' has no attribute 'colour'); the row has: answers, q",
        ),
        ("{{q.nothing}} is", "gives None"),
        ("{{answers[3]}}", "has no element 3"),
    ],
)
def test_a_template_that_renders_no_text_is_refused_with_the_row(
    write: Write, data: Data, template: str, said: str
) -> None:
    task = read_task("colours", [write(**{"Q: {{question}} A:": template})])
    found = reported_rows(task, data(test=[{"q": {"items": "which ?", "nothing": None}, "answers": ["red"]}]))
    with pytest.raises(SuiteError) as caught:
        gold(task, found)
    assert said in str(caught.value)
    assert gold(read_task("colours", [write(**{"Q: {{question}} A:": "{{q.items}}"})]), found) == ()


def test_many_rows_that_do_not_fit_are_counted(judged: Callable[..., Any]) -> None:
    with pytest.raises(SuiteError) as caught:
        judged("red", *[None] * 9)
    assert len(caught.value.problems) == 6
    assert "fix or remove the row, or fix the template (" in str(caught.value)
    assert "and 4 more rows of colours/test.jsonl" in str(caught.value)


def test_a_template_that_fits_no_row_is_one_problem_at_its_line(judged: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        judged(*[None] * 9)
    (problem,) = caught.value.problems
    assert problem.where.endswith("colours.yaml:5")
    assert problem.what.startswith("doc_to_target fits none of the 9 rows of colours/test.jsonl; the first one: ")
    assert problem.fix.endswith("colours/test.jsonl:1)")


@pytest.mark.parametrize(
    ("template", "line", "said"),
    [
        ({"{{question}}": "{{qestion}}"}, 4, "doc_to_text: the data of task 'colours' have no column 'qestion'; the "
         "columns are answers, question; did you mean 'question'?"),
        ({"{{question}}": "{% if hint %}{{question}}{% endif %}"}, 4, "no column 'hint'; the columns are answers, que"),
        ({"{{answers}}": "{{answers}} {{lable}}"}, 5, "doc_to_target: the data of task 'colours' have no column 'lab"),
    ],
)  # fmt: skip
def test_a_column_that_no_row_has_is_one_problem_at_its_line(
    judged: Callable[..., Any], template: dict[str, str], line: int, said: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        judged("red", "blue", "red", **template)
    (problem,) = caught.value.problems
    assert problem.where.endswith(f"colours.yaml:{line}")
    assert said in str(problem)


CHOICE = {
    "generation_kwargs": "output_type: multiple_choice\ndoc_to_choice: [red, blue, \"2\", \"10\"]\n# ",
    "filter_list": "# ", "normalised_match": "acc",
}  # fmt: skip


@pytest.mark.parametrize("answer", ["red", 1, "1", "2", "10", [0, 1], ["red", "blue"], " Red", 10, 1.0])
def test_a_right_choice_is_a_place_or_a_text(judged: Callable[..., Any], answer: object) -> None:
    assert judged(answer, **CHOICE) == ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("green", "gives 'green', which is none of the 4 choices (red, blue, 2, 10)"),
        (4, "gives '4', which is none of the 4 choices"),
        (-1, "gives '-1', which is none"),
        ([0, "green"], "gives 'green'"),
    ],
)
def test_a_right_answer_that_is_no_choice_is_refused(judged: Callable[..., Any], answer: object, said: str) -> None:
    with pytest.raises(SuiteError) as caught:
        judged(answer, **CHOICE)
    assert said in str(caught.value)


def test_a_number_that_is_a_choice_and_the_place_of_another_is_refused(judged: Callable[..., Any]) -> None:
    stars = {**CHOICE, "normalised_match": "acc"}
    stars["generation_kwargs"] = stars["generation_kwargs"].replace('red, blue, "2", "10"', '"1", "2", "3"')
    with pytest.raises(SuiteError, match="gives 2, which is a choice itself and the place of the choice '3'"):
        judged(2, **stars)
    assert judged("2", **stars) == ()


@pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
def test_a_few_programs_are_run(judged: Callable[..., Any]) -> None:
    program = {"normalised_match": "pass@1", "kind: qa": 'kind: code, program: "{{answer}}\\nassert f(1) == 2"'}
    program['{function: cut_answer, prefix: "Q:"}, '] = ""
    assert judged("f = lambda x: x + 1", "def f(x):\n    return 2 * x", **program) == ()
    (found,) = judged("f = lambda x: x", *["f = lambda x: 2 * x"] * 9, **program)
    assert (len(found.rows), found.tried) == (1, 4)
