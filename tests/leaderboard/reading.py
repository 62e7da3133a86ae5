"""Rendered pages read back with the standard library's parser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "link", "br", "input", "img", "wbr", "path", "circle"}


@dataclass
class Element:
    """A tag with its attributes and all text inside."""

    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def all(self, *tags: str) -> list[Element]:
        """Elements below this one, by tag, in order."""
        below = [element for child in self.children for element in (child, *child.all())]
        return [element for element in below if not tags or element.tag in tags]

    def with_class(self, name: str) -> list[Element]:
        return [element for element in self.all() if name in element.attributes.get("class", "").split()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)


def read(page: Path | str) -> Element:
    """A page as a tree. Fails if tags are not closed in order."""
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8") if isinstance(page, Path) else page)
    assert [element.tag for element in reader.open] == [""], "an element is not closed"
    return reader.root


def board_table(page: Element) -> Element:
    """The first table of rows on a page: on a track's page, the first board."""
    return (page.with_class("board") or [page])[0].all("table")[0]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def experiment_page(folder: Path, name: str, track: str = "micro") -> Path:
    """A row's page."""
    return next((folder / "experiments" / track).glob(f"{name}-????????.html"))


def loaded(file: Path) -> tuple[str, Any]:
    """The name and the value that a chunk of data puts on the page."""
    text = file.read_text(encoding="utf-8")
    assert text.startswith("suite.put(")
    assert text.endswith(");\n")
    name, value = json.loads(f"[{text[10:-3]}]")
    return name, value


def charts(page: Element, kind: str) -> list[dict[str, Any]]:
    """The descriptions of a page's charts of one kind."""
    data = [json.loads(each.text) for each in page.all("script") if each.attributes.get("type") == "application/json"]
    return [each for each in data if each["kind"] == kind]


def scores(folder: Path, name: str, track: str = "micro") -> dict[str, Any]:
    """A row's scores by task."""
    value = loaded(next((folder / "rows" / track).glob(f"{name}-????????.js")))[1]
    return {task["key"]: task for task in value["tasks"]}


def chunk(folder: Path, name: str, number: int = 0) -> Any:
    """A chunk of documents or outputs."""
    return loaded(folder / "answers" / name[:2] / f"{name}-{number}.js")[1]
