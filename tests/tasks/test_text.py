"""The paper's output processing on outputs that models really give."""

from __future__ import annotations

import pytest

from suite.core.comparison import normalised
from suite.core.labels import first_label
from suite.tasks.filters import CutAnswer, FirstLabel, NamedLabel
from suite.tasks.scoring import Metric, score
from suite.tasks.text import UNPARSABLE, cut

LABELS = ("True", "False", "Neither")


@pytest.mark.parametrize(
    ("output", "label"),
    [
        (" True", "True"),
        ("true.", "True"),
        ("  \n'FALSE', because", "False"),
        ("**Neither**", "Neither"),
        ("True/False", "True"),
        ("Trueish", None),
        ("It is true", None),
        ("True_or_not", None),
        ("", None),
        ("...", None),
        ("1", None),
    ],
)
def test_the_label_is_the_first_word(output: str, label: str | None) -> None:
    assert first_label(output, LABELS) == label
    assert FirstLabel(labels=LABELS).apply([[output]], [{}]) == [[label or UNPARSABLE]]


@pytest.mark.parametrize(
    ("output", "prefix", "answer"),
    [
        (" Paris \n", "Q:", "Paris"),
        (" Paris\n\nQ: next A: Rome", "Q:", "Paris"),
        (" Paris Q: next A: Rome", "Q:", "Paris"),
        ("Q: Paris", "Q:", ""),
        ("le chat Translate English to French: dog", "Translate", "le chat"),
        ("a summary\nof two lines Article: b", "Article:", "a summary\nof two lines"),
        ("\n\nlate", "Q:", ""),
        ("no prefix Q: stays", "", "no prefix Q: stays"),
    ],
)
def test_an_answer_ends_where_the_next_example_begins(output: str, prefix: str, answer: str) -> None:
    assert cut(output, prefix) == answer
    assert CutAnswer(prefix=prefix).apply([[output]], [{}]) == [[answer]]


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        (" Paris Q: next A: Rome", "Paris Q: next A: Rome"),
        (" Paris Q: next A: Rome Q: third", "Paris Q: next A: Rome"),
        ("Q: Paris Q: Rome", "Q: Paris"),
        ("Paris\n\nQ: Rome", "Paris\n\nQ: Rome"),
        ("Q:Q:", "Q:"),
    ],
)
def test_an_answer_may_end_at_the_second_prefix_and_go_on_after_a_blank_line(output: str, answer: str) -> None:
    assert cut(output, "Q:", occurrence=2, blank_line=False) == answer
    published = CutAnswer(prefix="Q:", occurrence=2, blank_line=False)
    assert published.apply([[output]], [{}]) == [[answer]]


@pytest.mark.parametrize(
    ("output", "first", "named"),
    [
        (" True.", "True", "True"),
        ("true", None, None),
        ("It is True", None, "True"),
        ("TRUE or False", None, "False"),
    ],
)
def test_the_case_of_labels_may_count(output: str, first: str | None, named: str | None) -> None:
    assert first_label(output, LABELS, ignore_case=False) == first
    assert FirstLabel(labels=LABELS, ignore_case=False).apply([[output]], [{}]) == [[first or UNPARSABLE]]
    assert NamedLabel(labels=LABELS, ignore_case=False).apply([[output]], [{}]) == [[named or UNPARSABLE]]


@pytest.mark.parametrize(
    ("said", "right", "value"),
    [
        ("the  Beatles!", "Beatles", 1.0),
        ("An_Apple", "apple", 1.0),
        ("Rock 'n' Roll", "rock n roll", 1.0),
        ("U.S.", "us", 0.0),
        ("", "the", 0.0),
        ("...", "!!", 0.0),
        ("theory", "ory", 0.0),
        ("Москва", "москва", 1.0),
        ("北京。", "北京", 1.0),
        ("“Paris”…", "Paris", 1.0),
        ("it’s", "It's", 1.0),
        ("C#", "C++", 0.0),
        ("C", "C++", 0.0),
        ("C++", "C", 0.0),
        ("c++.", "C++", 1.0),
        ("We are #1 ###", "we are 1", 1.0),
        ("5", "-5", 0.0),
        ("-5", "5", 0.0),
        ("3 5", "3.5", 0.0),
        ("50", "50%", 0.0),
        ("50 %", "50%", 1.0),
        ("$50", "50", 1.0),
        ('the "1945".', "1945", 1.0),
        ("(1,000)", "1 000", 1.0),
        ("9-11", "9/11", 1.0),
    ],
)
def test_answers_match_but_for_case_punctuation_and_articles(said: str, right: str, value: float) -> None:
    assert score(Metric("normalised_match"), [right], said) == value
    assert normalised("The  U.S.") == "u s"


def test_labels_are_compared_letter_by_letter() -> None:
    assert score(Metric("accuracy"), ["True"], "True") == 1.0
    assert score(Metric("accuracy"), ["True"], UNPARSABLE) == 0.0


def test_rouge2_is_the_f_of_shared_pairs_of_words() -> None:
    assert score(Metric("rouge2"), ["the cat sat down"], "the cat sat up") == pytest.approx(2 / 3)
    assert score(Metric("rouge2"), ["the cat"], "") == 0.0
