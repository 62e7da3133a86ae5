"""The reference has every field, command, option and public object that the code has."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, Field

from docsite import fields, objects, reference
from suite import methods
from suite.analysis.claims.schema import Claims
from suite.analysis.papers.schema import Layout
from suite.core.block import Block
from suite.core.metrics import metrics
from suite.specs.blocks import Spec, Track
from suite.tasks import lm_eval_names
from suite.tasks.metadata import Metadata
from tests.cli.calls import suite

FILES: Mapping[str, tuple[type[Block], str]] = {
    "reference/spec.md": (Spec, ""),
    "reference/track.md": (Track, ""),
    "reference/task.md": (Metadata, "metadata."),
    "reference/claims.md": (Claims, ""),
    "reference/table.md": (Layout, ""),
    **{f"reference/methods/{name}.md": (methods.get(name).Config, "method.") for name in methods.names()},
}
"""Page -> the block that it describes, and where that stands in a file."""
DASHES = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


@cache
def pages() -> Mapping[str, str]:
    return dict(reference.pages())


def known_fields(block: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    """(Path, description) of every field, by what pydantic knows of the classes."""
    for name, field in block.model_fields.items():
        yield prefix + name, field.description or ""
        for inner, suffix in inner_blocks(field.annotation):
            yield from known_fields(inner, f"{prefix}{name}{suffix}.")


def inner_blocks(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
    origin = get_origin(annotation)
    if origin is Literal or origin is None:
        return
    suffix = "[]" if origin is tuple else ".NAME" if origin is dict else ""
    parts = get_args(annotation) if origin in (Union, UnionType, tuple, dict) else get_args(annotation)[:1]
    yield from ((block, suffix + below) for part in parts for block, below in inner_blocks(part))


@pytest.mark.parametrize("page", FILES)
def test_a_page_has_every_field_with_its_meaning(page: str) -> None:
    rows = [line.split(" | ") for line in pages()[page].splitlines() if line.startswith("| <span")]
    told = {row[0].partition("</span>")[2].strip("`"): row[-1].removesuffix("|").strip() for row in rows}
    block, prefix = FILES[page]
    known = dict(known_fields(block, prefix))
    assert len(known) > 0 or block.model_fields == {}
    assert [path for path in known if not told.get(path)] == []


class Inner(Block):
    """A block within others."""

    size: int
    """How large."""


class Outer(Block):
    """A block with blocks in every place."""

    one: Inner | None = None
    """One of them."""
    many: tuple[Inner, ...] = ()
    """A list."""
    named: dict[str, Inner] = Field(default_factory=dict)
    """A mapping."""


def test_blocks_are_followed_into_lists_mappings_and_alternatives() -> None:
    found = [field.path for section in fields.sections(Outer) for field in section.fields]
    assert found == ["one", "many", "named", "one.size", "many[].size", "named.NAME.size"]
    assert found == sorted((path for path, _ in known_fields(Outer, "")), key=lambda path: "." in path)


def test_anchors_of_a_page_are_different() -> None:
    for page, text in pages().items():
        found = re.findall(r'<span id="([^"]+)"|\{ #(\S+) \}', text)
        anchors = [one or other for one, other in found]
        assert sorted(set(anchors)) == sorted(anchors), page


def test_the_page_of_tasks_has_what_task_files_may_name() -> None:
    named = set(re.findall(r"</span>`([^`]+)`", pages()["reference/task.md"]))
    expected = {*lm_eval_names.FIELDS, *metrics(), *lm_eval_names.OUR_FILTERS, *lm_eval_names.FILTERS - {"custom"}}
    assert expected - named == set()


def test_commands_have_every_option_of_their_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = pages()["reference/commands.md"]
    _, out, _ = suite(capsys, "--help")
    listed = re.findall(r"^  (\w+) ", out.partition("Commands:")[2].partition("\n\n")[0], re.MULTILINE)
    described = dict(re.findall(r"^## suite (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert listed == list(described)
    assert len(listed) > 10
    found: list[str] = []
    for name in listed:
        _, out, _ = suite(capsys, name, "--help")
        out = re.sub(r"^ *Usage: .*$", "", out, flags=re.MULTILINE)  # it names the program that runs the tests
        assert set(DASHES.findall(out)) - {"--help"} - set(DASHES.findall(described[name])) == set(), name
        found += (own := re.findall(r"^  \[?(\w+)\]?(?:\.\.\.)? +<", out.partition("Options:")[0], re.MULTILINE))
        assert [each for each in own if f"`{each.upper()}`" not in described[name]] == []
    assert {"SPEC", "NAME", "FOLDER"} <= set(found)
    assert "Data sets, as &lt;dataset>/&lt;split>.csv" in described["run"]  # in `<>` without code it would be HTML


@pytest.mark.parametrize("package", objects.PACKAGES)
def test_a_package_has_all_its_public_objects(package: str) -> None:
    text = pages()[f"reference/python/{objects.page_name(package)}"]
    names = importlib.import_module(package).__all__
    listed = dict(re.findall(r"^\| \[`(\w+)`\]\[([\w.]+)\]", text, re.MULTILINE))
    assert sorted(listed) == sorted(names)
    everywhere = re.findall(r"^::: ([\w.]+)$", "\n".join(pages().values()), re.MULTILINE)
    assert [name for name, home in listed.items() if everywhere.count(home) != 1] == []


def test_public_objects_say_what_they_are() -> None:
    assert [each.home for each in objects.public_objects() if each.package == "suite" and not each.about] == []


def test_methods_are_listed_with_their_page() -> None:
    assert [name for name in methods.names() if f"({name}.md)" not in pages()["reference/methods/index.md"]] == []
