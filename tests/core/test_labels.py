"""Labels of any kind are read from an answer, and rows' values are written as the task lists them."""

from __future__ import annotations

import pytest

from suite.core.labels import as_label, first_label, named_label


@pytest.mark.parametrize(
    ("labels", "output", "label"),
    [
        (["half-true", "true", "half"], " half-true.", "half-true"),
        (["C", "C++", "C#"], " C++ is it", "C++"),
        (["C", "C++", "C#"], " c", "C"),
        (["C++", "C"], "C# or so", None),
        (["C", "Java"], "C++ or so", None),
        (["C", "Java"], "C++11", None),
        (["A", "B"], "B+", None),
        (["C", "Java"], "C ### next", "C"),
        (["C", "Java"], "C### next", "C"),
        (["C", "Java"], "Java+C", "Java"),
        (["-1", "0", "1"], "1/2", None),
        (["-1", "0", "1"], "1-2", None),
        (["-1", "0", "1"], "1:2", None),
        (["-1", "0", "1"], "\u22121", "-1"),
        (["-1", "0", "1"], "1: it is", "1"),
        (["$5", "€5"], "5", None),
        (["$5", "€5"], "€5.00", "€5"),
        (["$5", "$6"], "€5", None),
        (["$5", "$6"], "5.00 %", None),
        (["$5", "$6"], "6.0", "$6"),
        (["half-true", "true"], "half true", "half-true"),
        (["half-true", "true"], "half\u2013true", "half-true"),
        (["not true", "true"], "not-true", "not true"),
        (["half-true", "true", "half"], "half true", "half"),
        (["half-true", "half true"], "half true", "half true"),
        (["İyi", "Kötü"], "iyi", "İyi"),
        (["iyi", "kötü"], "İYİ", "iyi"),
        (["긍정", "부정"], "긍정입니다.", "긍정"),
        (["긍정", "긍정적"], "긍정적입니다", "긍정적"),
        (["긍정", "부정"], "비긍정", None),
        (["true", "true story"], "True  story, yes", "true story"),
        (["true", "true story"], "true\nstories", "true"),
        (["on monday", "on friday"], " on friday .", "on friday"),
        (["on monday", "on friday"], " on fridays", None),
        ([" yes", " no"], "no", " no"),
        (["1.0", "0.0"], " 1.0", "1.0"),
        (["1.0", "0.0"], "1", "1.0"),
        (["1", "0"], "1.0.", "1"),
        (["1", "0"], "1.5", None),
        (["1", "10"], "10", "10"),
        (["1", "-1"], "-1", "-1"),
        (["1", "0"], "-1", None),
        (["1"], "1st", None),
        (["(A)", "(B)"], "(b) because", "(B)"),
        (["+", "-"], " - it falls", "-"),
        (["да", "нет"], " Да.", "да"),
        (["нет", "неть"], "неть", "неть"),
        (["हा", "हाँ"], "हाँ।", "हाँ"),
        (["正面", "负面"], "负面的", "负面"),
        (["ใช่", "ไม่ใช่"], "ไม่ใช่ครับ", "ไม่ใช่"),
        (["😀", "😡"], "😡!", "😡"),
        (["café"], "cafe\u0301", "café"),
        (["Straße"], "STRASSE", "Straße"),
    ],
)
def test_the_longest_label_that_an_answer_begins_with_is_read(
    labels: list[str], output: str, label: str | None
) -> None:
    assert first_label(output, labels) == label
    assert first_label(f'"{output}"', labels) == label
    if label is not None:
        assert first_label(label, labels) == named_label(label, labels) == label


@pytest.mark.parametrize(
    ("labels", "output", "label"),
    [
        (["C", "C++"], "it is C++, not C", "C++"),
        (["0", "1"], "I say 1.0, not 0", "1"),
        (["0", "1"], "10 of them", None),
        (["math", "code"], "the mathematics of code", "code"),
        (["正面", "负面"], "答案是负面的", "负面"),
        (["not true", "true"], "that is not true", "not true"),
        (["not true", "true"], "that is not-true", "not true"),
        (["half-true", "true"], "it is half\u2013true", "half-true"),
        (["half-true", "true"], "it is half true", "half-true"),
        (["-1", "0", "1"], "from 1-1 to 0/1", None),
        (["C", "Java"], "C# is not Java", "Java"),
        (["$5", "€5"], "it costs €5.00", "€5"),
    ],
)
def test_the_label_that_is_named_first_is_read_wherever_it_stands(
    labels: list[str], output: str, label: str | None
) -> None:
    assert named_label(output, labels) == label


@pytest.mark.parametrize(
    ("value", "labels", "label"),
    [
        ("true", ["True", "False"], "True"),
        (" True ", ["True", "False"], "True"),
        (True, ["True", "False"], "True"),
        (False, ["true", "false"], "false"),
        (True, ["0", "1"], "1"),
        (1.0, ["0", "1"], "1"),
        ("1", ["0.0", "1.0"], "1.0"),
        (1, ["0.0", "1.0"], "1.0"),
        ("True", ["0", "1"], None),
        (True, ["yes", "no"], None),
        ("True.", ["True"], None),
        (2, ["0", "1"], None),
    ],
)
def test_a_value_is_the_label_that_it_stands_for(value: object, labels: list[str], label: str | None) -> None:
    assert as_label(value, labels) == label


def test_case_counts_where_labels_differ_by_it_alone() -> None:
    assert [first_label(text, ["C", "c"]) for text in ("c", " C.", "d")] == ["c", "C", None]
    assert named_label("it is c", ["C", "c"]) == "c"
    assert [as_label(text, ["C", "c"]) for text in ("c", " c ", "C")] == ["c", "c", "C"]
    assert as_label("TRUE", ["True", "False"]) == "True"
