"""Read YAML of specs: plain data only, each key with its line, and no duplicate keys."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import yaml

from suite.core.errors import Problem, SuiteError
from suite.core.regular import open_regular

Key = tuple[str | int, ...]
"""Path of a value in a document: keys and list positions."""

MAX_BYTES = 1_000_000
MAX_NODES = 50_000  # nested aliases can unfold to billions of values; the longest shipped file has a few hundred

_FLOAT = re.compile(r"[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+|[-+]?\.\d+([eE][-+]?\d+)?")


class _SpecLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with YAML 1.2's floats: `5e-4` is a number, not a text."""


_SpecLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


@dataclass(frozen=True)
class Document:
    """A YAML file's mapping, and the line of each of its keys (`lines[("budget", "steps")] == 12`)."""

    file: str
    value: Mapping[str, Any]
    lines: Mapping[Key, int]

    def where(self, key: Key) -> str:
        """``file:line`` of a key, or of the nearest key above it."""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.file}:{self.lines.get(key, 1)}"


def read_yaml(path: File, shown: str | None = None) -> Document:
    """Read one YAML mapping.

    Raises SuiteError with all problems: not a file, not UTF-8 text, too large, not YAML, not a mapping, empty, a
    duplicate key, a tag for objects, aliases that unfold without end.
    """
    name = shown or str(path)
    text = _text(path, name)
    try:
        loader = _SpecLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise _syntax_error(name, error) from None
    except RecursionError:
        raise SuiteError("is nested too deeply", where=name, fix="write plain blocks, a few levels deep") from None
    if node is None:
        raise SuiteError("is empty", where=name, fix="a spec starts with `name: …`")
    reader = _Reader(name, loader)
    value = reader.read(node, ())
    if reader.problems:
        raise SuiteError.of(reader.problems)
    if not isinstance(value, dict):
        raise SuiteError(f"holds {_kind(value)}, not a mapping", where=f"{name}:1", fix="write `key: value` lines")
    return Document(name, value, reader.lines)


def parse_value(text: str) -> Any:
    """The value of `--set key=VALUE`, parsed as YAML (`5e-4`, `[1, 4]`, `true`, `null`, a word)."""
    try:
        loader = _SpecLoader(text)
        node = loader.get_single_node()
    except (yaml.YAMLError, RecursionError):
        raise SuiteError(f"'{text[:60]}' is not a YAML value", where="--set", fix="quote it") from None
    if node is None:
        return None
    reader = _Reader("--set", loader)
    value = reader.read(node, ())
    if reader.problems:
        raise SuiteError.of(reader.problems)
    return value


def _text(path: File, name: str) -> str:
    if path.is_dir():
        raise SuiteError("is a directory", where=name, fix="name a .yaml file in it")
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SuiteError("there is no such file", where=name, fix=_near(path)) from None
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror})", where=name) from None
    if len(data) > MAX_BYTES:
        raise SuiteError(f"is larger than {MAX_BYTES} bytes", where=name, fix="a spec is a few lines of YAML")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SuiteError(f"is not UTF-8 text (byte {error.start})", where=name, fix="name a YAML file") from None
    if "\0" in text:
        raise SuiteError("is binary, not text", where=name, fix="name a YAML file")
    return text


def _near(path: File) -> str:
    """A hint with the files that a mistyped path may mean."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder '{folder}' either; `suite new DIR` makes a workspace with the shipped specs"
    names = sorted(file.name for file in folder.glob("*.yaml"))
    return f"'{folder}' has: {', '.join(names[:12])}" if names else f"'{folder}' has no .yaml file"


def _syntax_error(name: str, error: yaml.YAMLError) -> SuiteError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return SuiteError(f"is not YAML: {what}", where=where, fix="check the indentation, colons and quotes there")


def _kind(value: object) -> str:
    names = {list: "a list", tuple: "a list", dict: "a mapping", str: "a text", bool: "true or false", int: "a number"}
    return names.get(type(value), "a number" if isinstance(value, float) else "nothing")


class _Reader:
    """Converts composed nodes to plain data: mappings to dicts, sequences to tuples; aliases are unfolded."""

    def __init__(self, file: str, loader: Any) -> None:
        self.file, self.loader = file, loader
        self.lines: dict[Key, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def read(self, node: yaml.Node, key: Key) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise SuiteError(
                f"unfolds to more than {MAX_NODES} values", where=self._at(node), fix="aliases may not multiply"
            )
        if len(key) > 40:
            raise SuiteError("is nested more than 40 levels deep (or within itself)", where=self._at(node))
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            for position, child in enumerate(node.value):
                self._place(child, (*key, position))
            return tuple(self.read(child, (*key, position)) for position, child in enumerate(node.value))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        return self._refuse(node, key)

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for name_node, child in node.value:
            if name_node.tag == "tag:yaml.org,2002:merge":
                self._problem(name_node, key, "YAML merges (`<<`) are not used here", "write the keys out")
                continue
            name = self._name(name_node, key)
            inside: Key = (*key, name)
            if name in value:
                self._problem(name_node, inside, f"is set twice (first in line {self.lines[inside]})", "keep one")
                continue
            self._place(name_node, inside)
            value[name] = self.read(child, inside)
        return value

    def _place(self, node: yaml.Node, key: Key) -> None:
        self.lines[key] = node.start_mark.line + 1

    def _name(self, node: yaml.Node, key: Key) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)  # keys such as `on:` and `1:` stay text, never true or a number
        self._refuse(node, key)
        return "?"

    def _scalar(self, node: yaml.ScalarNode, key: Key) -> Any:
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
            return self._refuse(node, key)
        try:
            value: Hashable = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            return self._problem(node, key, f"cannot be read ({error})".splitlines()[0], "quote it")
        if value is not None and not isinstance(value, (str, bool, int, float)):
            return node.value  # dates and bytes stay text
        return value

    def _refuse(self, node: yaml.Node, key: Key) -> None:
        tag = str(node.tag).replace("tag:yaml.org,2002:", "!!")
        self._problem(node, key, f"the tag `{tag}` is not allowed", "specs hold plain texts, numbers, lists, mappings")

    def _problem(self, node: yaml.Node, key: Key, what: str, fix: str) -> None:
        path = ".".join(str(part) for part in key)
        self.problems.append(Problem(self._at(node), f"{path}: {what}" if path else what, fix))

    def _at(self, node: yaml.Node) -> str:
        return f"{self.file}:{node.start_mark.line + 1}"
