"""The paper's output processing as lm-eval filters; importing this module registers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval.api.filter import Filter
from lm_eval.api.registry import register_filter

from suite.core.extraction import json_field, last_number
from suite.core.labels import first_label, named_label
from suite.core.latex import stated
from suite.tasks.text import UNPARSABLE, cut


@register_filter("cut_answer")
class CutAnswer(Filter):  # type: ignore[misc]
    """Cuts each answer at the first blank line (by default) and at the `occurrence`-th `prefix`.

    Examples start with `prefix`, so at its first occurrence a model continues with the next example.
    """

    def __init__(self, prefix: str = "", occurrence: int = 1, blank_line: bool = True) -> None:
        self.prefix, self.occurrence, self.blank_line = prefix, occurrence, blank_line

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of cut answers for each document."""
        how: dict[str, Any] = {"occurrence": self.occurrence, "blank_line": self.blank_line}
        return [[cut(answer, self.prefix, **how) for answer in answers] for answers in resps]


@register_filter("first_label")
class FirstLabel(Filter):  # type: ignore[misc]
    """Reads the label with which each answer begins."""

    def __init__(self, labels: Sequence[str], ignore_case: bool = True) -> None:
        self.labels, self.ignore_case = tuple(labels), ignore_case

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of labels for each document; `UNPARSABLE` if an answer begins with no label."""
        return [[self._read(answer) for answer in answers] for answers in resps]

    def _read(self, answer: str) -> str:
        return first_label(answer, self.labels, ignore_case=self.ignore_case) or UNPARSABLE


@register_filter("named_label")
class NamedLabel(Filter):  # type: ignore[misc]
    """Reads the label that each answer names first, anywhere."""

    def __init__(self, labels: Sequence[str], ignore_case: bool = True) -> None:
        self.labels, self.ignore_case = tuple(labels), ignore_case

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of labels for each document; `UNPARSABLE` if an answer names none."""
        return [[self._read(answer) for answer in answers] for answers in resps]

    def _read(self, answer: str) -> str:
        return named_label(answer, self.labels, ignore_case=self.ignore_case) or UNPARSABLE


@register_filter("stated")
class Stated(Filter):  # type: ignore[misc]
    r"""Reads the last `\boxed{…}` of each answer, or else the sentence after the last `marker`."""

    def __init__(self, marker: str = "") -> None:
        self.marker = marker

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of stated answers for each document; `UNPARSABLE` if an answer states none."""
        return [[stated(answer, self.marker) or UNPARSABLE for answer in answers] for answers in resps]


@register_filter("last_number")
class LastNumber(Filter):  # type: ignore[misc]
    """Reads the last number of each answer, as it is written."""

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of numbers for each document; `UNPARSABLE` if an answer has none."""
        return [[last_number(answer) or UNPARSABLE for answer in answers] for answers in resps]


@register_filter("json_field")
class JsonField(Filter):  # type: ignore[misc]
    """Reads a `field` of the first JSON object of each answer that has it."""

    def __init__(self, field: str) -> None:
        self.field = field

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[dict[str, Any]]) -> list[list[str]]:
        """One list of values for each document; `UNPARSABLE` if an answer has no such field."""
        return [[self._read(answer) for answer in answers] for answers in resps]

    def _read(self, answer: str) -> str:
        found = json_field(answer, self.field)
        return UNPARSABLE if found is None else found
