"""The lenient reading of an answer: what it says, in whatever form, beside the reading that is scored.

A model may know an answer and not the format that a task asks for. The difference between the two scores is format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from suite.core import latex
from suite.core.corpus import is_one_of
from suite.core.extraction import json_field, last_number
from suite.core.labels import as_label, named_label
from suite.core.numbers import same_number

Function = Literal["named_label", "last_number", "json_field", "stated"]
FUNCTIONS: Final[tuple[str, ...]] = get_args(Function)


@dataclass(frozen=True)
class LenientReading:
    """How answers to a task are read leniently."""

    function: str
    field: str = ""
    """For `json_field`: the field's name."""
    marker: str = ""
    """For `stated`: the text before the answer, if it has no box."""
    labels: tuple[str, ...] = ()
    """The labels of the task."""

    @property
    def title(self) -> str:
        """What counts as the answer."""
        titles = {
            "named_label": "the first label anywhere",
            "last_number": "the last number",
            "json_field": f"the JSON field '{self.field}'",
            "stated": "the last box" + (f", or the sentence after '{self.marker}'" if self.marker else ""),
        }
        return titles[self.function]

    def read(self, output: str) -> str | None:
        """The answer in an output; None if there is none."""
        if self.function == "named_label":
            return named_label(output, self.labels)
        if self.function == "last_number":
            return last_number(output)
        if self.function == "json_field":
            return json_field(output, self.field)
        return latex.stated(output, self.marker)

    def is_right(self, output: str, references: Sequence[str]) -> bool:
        """Whether the answer in an output is one of the right ones: as a label, a number, a formula or a text."""
        found = self.read(output)
        return found is not None and any(self._same(found, reference) for reference in references)

    def _same(self, found: str, reference: str) -> bool:
        if self.labels:
            label = as_label(found, self.labels)
            return label is not None and label == as_label(reference, self.labels)
        right = reference if self.function == "json_field" else self._of_reference(reference)
        if self.function == "stated" and latex.same(found, right):
            return True
        return same_number(found, right) or is_one_of(found, (right,))

    def _of_reference(self, reference: str) -> str:
        """The answer in a right answer, which may be worked out in full."""
        return self.read(reference) or reference


@lru_cache(maxsize=256)
def _made(function: str, field: str, marker: str, labels: tuple[str, ...]) -> LenientReading:
    return LenientReading(function, field, marker, labels)


def lenient_reading(described: Mapping[str, Any]) -> LenientReading | None:
    """The lenient reading of a task from its description in a spec; None if it has none, or one of a later version."""
    given = described.get("lenient")
    if not isinstance(given, Mapping) or given.get("function") not in FUNCTIONS:
        return None
    texts = {name: str(given.get(name) or "") for name in ("field", "marker")}
    return _made(str(given["function"]), labels=tuple(map(str, described.get("labels") or ())), **texts)
