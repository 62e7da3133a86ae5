"""What a lenient reading takes for a right answer."""

from __future__ import annotations

import pytest

from suite.core.lenient import LenientReading, lenient_reading

LABELS = ("billing", "outage", "how-to")


@pytest.mark.parametrize(
    ("reading", "output", "right", "is_right"),
    [
        (LenientReading("named_label", labels=LABELS), "It is an Outage ticket.", "outage", True),
        (LenientReading("named_label", labels=LABELS), "Not billing but outage", "outage", False),
        (LenientReading("named_label", labels=LABELS), "I do not know", "outage", False),
        (LenientReading("last_number"), "5 + 3 is 8, so $8.00.", "8", True),
        (LenientReading("last_number"), "8 apples", "He has 5 + 3 = 8 #### 8", True),
        (LenientReading("last_number"), "8 or 9", "8", False),
        (LenientReading("json_field", "label", labels=LABELS), '{"label": "OUTAGE"}', "outage", True),
        (LenientReading("json_field", "n"), '{"n": 3.0}', "3", True),
        (LenientReading("json_field", "n"), '{"n": "New  York"}', "new york", True),
        (LenientReading("json_field", "n"), "3", "3", False),
        (LenientReading("stated"), r"so \boxed{\frac{1}{2}}", r"$\boxed{1/2}$", True),
        (LenientReading("stated", marker="answer is"), "The answer is 7. Bye", "7", True),
    ],
)
def test_an_answer_is_right_by_what_it_says(reading: LenientReading, output: str, right: str, is_right: bool) -> None:
    assert reading.is_right(output, (right,)) is is_right
    assert reading.is_right(output, ("something else", right)) is is_right


def test_a_reading_is_described_in_a_spec() -> None:
    described = {"labels": list(LABELS), "lenient": {"function": "json_field", "field": "label"}}
    assert lenient_reading(described) == LenientReading("json_field", "label", labels=LABELS)
    assert lenient_reading({"labels": []}) is None
    assert lenient_reading({"lenient": {"function": "of a later version"}}) is None
