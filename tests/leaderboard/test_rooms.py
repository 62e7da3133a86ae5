"""A stranger finds the site's code by its names: a class name occurs once, and a module fits in one look."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import leaderboard
import suite

SITE, SUITE = (Path(str(package.__file__)).parent for package in (leaderboard, suite))


def classes(package: Path) -> Iterator[str]:
    for file in package.rglob("*.py"):
        yield from (node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef))


def test_a_class_name_occurs_once() -> None:
    names = Counter(classes(SITE))
    assert "TrackUrls" in names
    assert [name for name, count in names.items() if count > 1] == []
    assert names.keys() & set(classes(SUITE)) == set()


def test_every_module_but_the_entry_stands_in_a_room() -> None:
    assert [file.name for file in SITE.glob("*.py")] == ["__init__.py"]


def test_no_module_is_above_300_lines() -> None:
    assert [file.name for file in SITE.rglob("*.py") if len(file.read_text().splitlines()) > 300] == []
