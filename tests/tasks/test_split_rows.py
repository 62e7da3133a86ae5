"""Rows of files are read when they are looked at, and what is cached about them follows the files' content."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.tasks.files import Placed, read_file
from suite.tasks.split_rows import Rows, rows_of_files


class File:
    """A data file, and how often it was read."""

    def __init__(self, path: Path) -> None:
        self.path, self.reads = path, 0

    def rows(self) -> Rows:
        return rows_of_files([self.path], self.path.name, [], self._read)

    def _read(self) -> list[Placed]:
        self.reads += 1
        return read_file(self.path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    path = tmp_path / "test.jsonl"
    path.write_text('{"text": "a b c"}\n{"text": "d"}\n')
    return File(path)


def test_a_file_that_is_known_is_read_only_for_its_rows(file: File) -> None:
    first = file.rows()
    assert (first.docs, len(first), first.facts.mean_words, file.reads) == (({"text": "a b c"}, {"text": "d"}), 2, 2, 1)
    second = file.rows()
    assert (second.facts, len(second), file.reads) == (first.facts, 2, 1)
    assert (second.docs, second.place(1), file.reads) == (first.docs, f"{file.path}:2", 2)


def test_another_content_gives_other_facts(file: File) -> None:
    before = file.rows().facts
    file.path.write_text('{"text": "a b c"}\n{"text": "e"}\n')
    after = file.rows()
    assert (after.facts.content_hash != before.content_hash, after.docs[1]) == (True, {"text": "e"})


def test_a_file_that_changes_before_its_rows_are_read_is_refused(file: File) -> None:
    file.rows()
    known = file.rows()
    file.path.write_text('{"text": "a b c"}\n')
    with pytest.raises(SuiteError, match="has changed since the run began"):
        print(known.docs)


def test_a_file_with_a_fault_is_refused_each_time(file: File) -> None:
    file.path.write_text("[]")
    for _ in range(2):
        with pytest.raises(SuiteError, match=r"there are no rows in test\.jsonl"):
            file.rows()
