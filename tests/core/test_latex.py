"""Answers in LaTeX: which are found, which are the same, and that no answer can hold a run up."""

from __future__ import annotations

import time

import pytest

from suite.core.latex import LONGEST, last_boxed, same
from suite.tasks.filters import Stated
from suite.tasks.scoring import Metric, score
from suite.tasks.text import UNPARSABLE


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (r"\dfrac{1}{2}", r"\frac12"),
        (r"\tfrac12", r"\frac{1}{2}"),
        ("1/2", r"\frac{1}{2}"),
        ("0.5", r"\frac{1}{2}"),
        (".50", r"\frac{2}{4}"),
        ("-0.25", r"-\frac{1}{4}"),
        (r"\frac{-1}{4}", r"-\frac{1}{4}"),
        (r"3\frac{1}{2}", "3.5"),
        (r"\frac{270}7\text{ degrees}", r"\frac{270}{7}^\circ"),
        ("x/2", r"\frac{x}{2}"),
        ("10080", r"10,\!080"),
        ("1{,}000", "1000"),
        ("58,500", "58500.0"),
        (r"\$18.90", "18.9"),
        ("$36$", r"36^{\circ}"),
        ("36°", "36"),
        (r"50\%", "50"),
        ("15", r"15\mbox{ cm}^2"),
        ("864 square inches", r"864 \mbox{ inches}^2"),
        (r"5.4 \text{ cents}", "5.40"),
        ("12 km/hour", "12"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}2)"),
        (r"[-2, 7]", r"x \in [-2,7]"),
        ("x=5", "5"),
        (r"11\sqrt2", r"11 \sqrt{2}"),
        ("2516_8", "2516_{8}"),
        ("(C)", r"\text{(C)}"),
        ("C", r"\text{(C)}"),
        (r"\text{Evelyn}.", "Evelyn"),
        (r"x \leq 3", r"x\le3"),
        (r"\begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix}", r"\begin{pmatrix}\frac{1}{5}\\-\frac{18}{5}\end{pmatrix}"),
    ],
)
def test_answers_that_differ_in_writing_are_the_same(said: str, right: str) -> None:
    assert same(said, right)
    assert same(right, said)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("1800.5", "1800"),
        ("-3", "3"),
        ("1,000", "1"),
        ("0.33", r"\frac{1}{3}"),
        (r"\frac{1}{0}", r"\frac{2}{0}"),
        (r"\frac{2}{3}", r"\frac{3}{2}"),
        ("(1,2)", "(1,3)"),
        ("[1,2)", "(1,2)"),
        ("2516_8", "2516_9"),
        ("5x", "5"),
        ("5m", "5"),
        ("x + 1", "1 + x"),
        (r"\text{even}", r"\text{odd}"),
        ("A", "B"),
        ("", "0"),
        ("", ""),
        ("$", r"\text{}"),
        (UNPARSABLE, "5"),
        ("__import__('os').getpid()", "5"),
        ("9**9**9**9", "9"),
        ("1e999999999", "1"),
    ],
)
def test_other_answers_are_not(said: str, right: str) -> None:
    assert not same(said, right)


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        (r"First \boxed{1}, then $\boxed{2}$.", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed {3} and more", "3"),
        (r"\fbox{4}", "4"),
        (r"\boxed{\{1, 2\}} }", r"\{1, 2\}"),
        (r"\boxed{\left\{ 1 \right.}", r"\left\{ 1 \right."),
        (r"\boxed{cut off", None),
        ("no box", None),
        ("", None),
    ],
)
def test_the_last_box_is_the_answer(output: str, answer: str | None) -> None:
    assert last_boxed(output) == answer


def test_without_a_box_the_sentence_after_the_marker_counts_if_there_is_one() -> None:
    read = Stated(marker="final answer is")
    outputs = [
        "The final answer is $0.5$. I hope it is correct.",
        r"The final answer is 1. \boxed{2}",
        "0.5",
        r"\boxed{}",
    ]
    assert read.apply([outputs], [{}]) == [["$0.5$", "2", UNPARSABLE, UNPARSABLE]]
    assert Stated().apply([outputs[:1]], [{}]) == [[UNPARSABLE]]


def test_the_right_answer_is_the_last_box_of_the_solution() -> None:
    assert score(Metric("math_equal"), [r"So $\boxed{1}$, no: $\boxed{\frac{1}{2}}$."], "0.5") == 1.0
    assert score(Metric("math_equal"), ["0.5"], r"\frac12") == 1.0
    assert score(Metric("math_equal"), [r"\boxed{2}"], UNPARSABLE) == 0.0


@pytest.mark.parametrize(
    "output",
    [
        r"\boxed{" * 150_000,
        r"\boxed{" + "9" * 1_000_000 + "}",
        r"\boxed{" + "{" * 500_000 + "}" * 500_000 + "}",
        r"\boxed{" + " " * (LONGEST - 1) + "1}",
        r"\boxed{" + "1 cm" * (LONGEST // 4) + "}",
        r"\boxed{" + r"\frac" * (LONGEST // 5) + "}",
        "the final answer is" + "{" * 1_000_000,
        "\\" * 1_000_000,
    ],
)
def test_a_megabyte_of_malice_is_wrong_within_a_second(output: str) -> None:
    assert same("1", "1")  # the library is imported
    started = time.process_time()
    (found,) = Stated(marker="final answer is").apply([[output]], [{}])[0]
    assert score(Metric("math_equal"), [r"\boxed{1}"], found) == float(" 1}" in output)
    assert time.process_time() - started < 1.0
