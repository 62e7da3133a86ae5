"""Worked arithmetic and one-line programs, each in an easy form and a hard form with two steps."""

from __future__ import annotations

from random import Random
from typing import Final

from suite.micro2.drawn import Draw, SampledRow, Style
from suite.micro2.lexicon import NAMES, OPERATORS, THINGS, VARIABLES

LARGEST: Final = 15


def arithmetic_easy(rng: Random, _: Style) -> SampledRow:
    """One sum or difference."""
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    start = rng.randint(1, LARGEST)
    change, worked, result = _change(start, rng)
    return _story("arithmetic_easy", f"{name} has {start} {thing} and {change} .", name, worked, result)


def arithmetic_hard(rng: Random, _: Style) -> SampledRow:
    """Two changes in sequence."""
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    start = rng.randint(1, LARGEST)
    change, worked, middle = _change(start, rng)
    change_next, worked_next, result = _change(middle, rng)
    story = f"{name} has {start} {thing} , {change} and then {change_next} ."
    return _story("arithmetic_hard", story, name, f"{worked} and {worked_next}", result)


def programs_easy(rng: Random, _: Style) -> SampledRow:
    """A function of two variables and a number."""
    formula, code, variables = _formula(rng)
    return _program("programs_easy", formula, code, variables, rng)


def programs_hard(rng: Random, _: Style) -> SampledRow:
    """The same, with one operation on the whole formula."""
    formula, code, variables = _formula(rng)
    factor = rng.randint(2, LARGEST)
    return _program("programs_hard", f"{factor} times all of {formula}", f"{factor} * ( {code} )", variables, rng)


def _change(start: int, rng: Random) -> tuple[str, str, int]:
    if start > 1 and rng.random() < 0.5:
        amount = rng.randint(1, min(start - 1, LARGEST))
        return f"loses {amount}", f"{start} - {amount} = {start - amount}", start - amount
    amount = rng.randint(1, LARGEST)
    return f"buys {amount} more", f"{start} + {amount} = {start + amount}", start + amount


def _story(dataset: str, story: str, name: str, worked: str, result: int) -> SampledRow:
    question = f"{story} how many has {name} now ?"
    return SampledRow({"question": question, "answer": f"{worked} #### {result}"}, (dataset, question))


def _formula(rng: Random) -> tuple[str, str, tuple[str, str]]:
    first, second = rng.sample(VARIABLES, 2)
    first_sign, second_sign = rng.choice(tuple(OPERATORS)), rng.choice(tuple(OPERATORS))
    number = rng.randint(1, LARGEST)
    formula = f"{first} {first_sign} {second} {second_sign} {number}"
    return formula, f"{first} {OPERATORS[first_sign]} {second} {OPERATORS[second_sign]} {number}", (first, second)


def _program(dataset: str, formula: str, code: str, variables: tuple[str, str], rng: Random) -> SampledRow:
    first, second = variables
    text = f"a function of {first} and {second} that gives {formula} ."
    function = f"f = lambda {first} , {second} : {code}"
    row = {"text": text, "code": function, "test_list": [_test(function, rng) for _ in range(2)]}
    return SampledRow(row, (dataset, text))


def _test(function: str, rng: Random) -> str:
    arguments = rng.randint(1, LARGEST), rng.randint(1, LARGEST)
    scope: dict[str, object] = {}
    exec(function, scope)
    result = eval(f"f{arguments}", scope)
    return f"assert f ( {arguments[0]} , {arguments[1]} ) == {result}"


REASONING_TASKS: Final[dict[str, Draw]] = {
    "micro2_arithmetic_easy": arithmetic_easy,
    "micro2_arithmetic_hard": arithmetic_hard,
    "micro2_programs_easy": programs_easy,
    "micro2_programs_hard": programs_hard,
}
