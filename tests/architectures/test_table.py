"""The page of architectures has the table that the models give."""

from __future__ import annotations

import pytest

from tests.architectures.families import ALL, FAMILIES
from tests.architectures.table import PAGE, cells, line, page


@pytest.mark.parametrize("name", FAMILIES)
def test_the_page_has_the_line_of_today(name: str) -> None:
    assert line(cells(name)) in PAGE.read_text("utf-8"), "run: python -m tests.architectures.table"


def test_the_page_has_no_other_lines() -> None:
    text = PAGE.read_text("utf-8")
    table = text.partition("-->\n")[2].partition("<!--")[0]
    assert [row.split("|")[1].strip() for row in table.splitlines()[3:] if row] == list(ALL)


def test_a_new_table_takes_the_place_of_the_old_one() -> None:
    text = PAGE.read_text("utf-8")
    other = page(text, "| a table |\n")
    assert "| a table |" in other
    assert "| Llama |" not in other
    assert page(other, "| b |\n") == page(text, "| b |\n")
