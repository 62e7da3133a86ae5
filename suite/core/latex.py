r"""LaTeX answers: find them in a text, and compare them up to notation, as the MATH data set requires.

Notation means spelling (`\dfrac`, `\left`, spaces, `$`), units, and number formats (1,000 and 1000, 0.50 and
\frac{1}{2}). Answers are a model's output: they are not evaluated, and only single fractions are computed. So `x + 1`
and `1 + x`, or the same set in another order, are different answers here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Final, cast

LONGEST: Final = 400
"""Maximum number of characters of an answer that is compared; the longest right answer of MATH-500 has 53."""

_BOX: Final = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_TEXT: Final = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf)\s*\{([^{}]*)\}")
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_SPACES: Final = re.compile(r"\\[,;: ]|~|\\q?quad\b|\\displaystyle\b|\\limits\b")
_DEGREES: Final = re.compile(r"\^?\s*\{?\s*(?:\\circ|\\degree|°)\s*\}?")
_UNITS: Final = (
    "degrees?|units?|dollars?|cents?|percent|points?|ways|inch(?:es)?|feet|foot|ft|yards?|miles?|mph|mm|cm|km|"
    "met(?:er|re)s?|centimet(?:er|re)s?|kilomet(?:er|re)s?|lit(?:er|re)s?|grams?|kg|pounds?|ounces?|seconds?|minutes?|"
    "hours?|days?|weeks?|months?|years?|radians?"
)
_WITH_UNIT: Final = re.compile(
    rf"(.*[\d}}])\s*(?:(?:square|cubic|sq)\.?\s+)?(?:{_UNITS}|(?<=\s)m|(?<=\s)in)(?:(?:/|\s+(?:per\s+)?)(?:{_UNITS}))?"
    r"\.?(?:\s*\^\s*\{?\d\}?)?",
    re.DOTALL,
)
_SPELLINGS: Final = {
    "\\leq": "\\le", "\\geq": "\\ge", "\\neq": "\\ne", "\\cdot": "\\times", "\\lbrace": "\\{", "\\rbrace": "\\}",
    "π": "\\pi", "∞": "\\infty", "−": "-", "√": "\\sqrt", "×": "\\times", "{,}": ",",
}  # fmt: skip
_SLASH: Final = "÷"
_FRACTION: Final = re.compile(rf"([+-]?)(\d*)\\frac\{{([+-]?)({_NUMBER})\}}\{{({_NUMBER})\}}")
# groups as in _FRACTION: sign, whole part (none), sign, numerator, denominator
_RATIO: Final = re.compile(rf"([+-]?)()\(?([+-]?)({_NUMBER})\)?{_SLASH}\(?({_NUMBER})\)?")
_PLAIN: Final = re.compile(rf"([+-]?)({_NUMBER})")


def last_boxed(text: str) -> str | None:
    r"""The content of the last `\boxed{…}` of a text; None if there is none or it is not closed. Takes linear time."""
    start = next((box.end() for box in reversed(list(_BOX.finditer(text)))), None)
    if start is None:
        return None
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)  # `\{` is a sign, not a brace
        if depth == 0:
            return text[start : brace.start()].strip()
    return None


def stated(text: str, marker: str) -> str | None:
    """The answer that a text states: its last box, or the sentence after the last `marker`; None if it has neither."""
    boxed = last_boxed(text)
    if boxed is not None or not marker:
        return boxed
    _, found, after = text.rpartition(marker)
    line = after[: 2 * LONGEST].lstrip(" :").partition("\n")[0].partition(". ")[0].strip()
    return line or None if found else None


def same(answer: str, reference: str) -> bool:
    """Whether two answers are equal up to notation. Takes bounded time: answers longer than `LONGEST` must be
    identical."""
    if len(answer) > LONGEST or len(reference) > LONGEST:
        return answer == reference
    if answer == reference:
        return bool(answer.strip())
    plain, wanted = _plain(answer), _plain(reference)
    if not plain or plain == wanted:
        return bool(plain)
    number = _value(plain)
    return number is not None and number == _value(wanted)


def _plain(answer: str) -> str:
    """An answer in normal form: one spelling, without units, currency signs and spaces."""
    answer = " ".join(_SPACES.sub(" ", answer.replace("\\!", "")).split())  # long blanks would make patterns slow
    answer = _DEGREES.sub("", answer)
    for old, new in _SPELLINGS.items():
        answer = re.sub(re.escape(old) + r"(?![a-zA-Z])", lambda _, new=new: new, answer)  # type: ignore[misc]
    for sign in ("\\(", "\\)", "\\$", "$", "\\%", "%"):
        answer = answer.replace(sign, "")
    answer = _TEXT.sub(lambda match: f" {match[1]} ", answer).strip().removesuffix(".").strip()
    unit = _WITH_UNIT.fullmatch(answer)
    answer = re.sub(r"^[a-zA-Z]\s*\\in\b", "", unit[1] if unit else answer).strip()
    answer = answer.replace("/", _SLASH)  # the library fails on a/b if they are not whole numbers
    try:
        answer = _library()(answer)
    except Exception:  # it raises IndexError, AssertionError … on malformed LaTeX
        answer = re.sub(r"\s", "", answer)
    if not _RATIO.fullmatch(answer):
        answer = re.sub(rf"([\w.]+){_SLASH}([\w.]+)", r"\\frac{\1}{\2}", answer)
    answer = re.sub(r"(\\frac\{[^{}]*\})(\w)", r"\1{\2}", answer)
    answer = re.sub(r"([_^])(\w)", r"\1{\2}", answer)
    answer = re.sub(r"\d*\.\d+", lambda match: match[0].rstrip("0").removesuffix(".") or "0", answer)
    return re.sub(r"^\(([A-Z])\)$", r"\1", answer)


def _value(answer: str) -> Fraction | None:
    """The number that an answer consists of, or None: `-1,234.5`, `\\frac{-1}{2}`, `1÷2`, `3\\frac{1}{2}`."""
    plain = _PLAIN.fullmatch(answer)
    if plain:
        return _signed(plain[1]) * _decimal(plain[2])
    match = _FRACTION.fullmatch(answer) or _RATIO.fullmatch(answer)
    if not match or not _decimal(match[5]) or (match[2] and match[3]):
        return None
    part = _signed(match[3]) * _decimal(match[4]) / _decimal(match[5])
    return _signed(match[1]) * (int(match[2] or 0) + part)


def _signed(sign: str) -> int:
    return -1 if sign == "-" else 1


def _decimal(digits: str) -> Fraction:
    return Fraction(f"0{digits}".replace(",", ""))


@cache
def _library() -> Callable[[str], str]:
    """lm-eval's own normal form for answers to MATH, so that right answers there are right here."""
    from lm_eval.tasks.hendrycks_math.utils import strip_string

    return cast(Callable[[str], str], strip_string)
