"""Rows of tables are named by the lines of their files; a table of other separators is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.tasks.files import read_file


def test_rows_of_a_table_are_named_by_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b'text,label\r\nfirst,1\r\n\r\n"two\r\nlines",2\r\n  \r\nlast,3\r\n')
    assert [place.removeprefix(f"{tmp_path}/") for place, _ in read_file(file)] == ["a.csv:2", "a.csv:4", "a.csv:7"]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_table_of_other_separators_is_refused_in_one_line(tmp_path: Path, sign: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"text{sign}label\na{sign}b\n")
    with pytest.raises(SuiteError) as caught:
        read_file(file)
    assert f"a.csv:1: has one column, 'text{sign}label'".replace("\t", "\\t") in str(caught.value)
    assert f"separated by {sign!r}, not by ','; save it with commas" in str(caught.value)
