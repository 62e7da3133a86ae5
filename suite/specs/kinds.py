"""Find the kind of a workspace's YAML file: a spec, a track, a task, claims, or a paper's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.core.yamlfile import read_yaml
from suite.specs.workspace import shown


@dataclass(frozen=True)
class About:
    """A kind of file, as messages describe it when a spec was expected."""

    article: str
    use: str
    """How to use such a file."""
    folder: str
    """The workspace's folder for such files."""
    keys: frozenset[str]
    """Top-level keys of this kind. One of them is enough if the file has no key of a spec."""


KINDS: Final[Mapping[str, About]] = {
    "track": About(
        "a track", "name a spec, and this with --track", "tracks", frozenset({"extends", "held_out", "methods"})
    ),
    "task": About(
        "a task", "give it a role in a track", "tasks",
        frozenset({"task", "doc_to_text", "doc_to_target", "output_type", "dataset_path", "test_split", "include"}),
    ),
    "claims": About("a file of claims", "`suite check` judges it", "claims", frozenset({"claims"})),
    "table": About("a paper's table", "`suite table` prints it", "tables", frozenset({"columns", "rows"})),
}  # fmt: skip
"""All kinds except specs."""
FEW = 3
"""Maximum number of files in a message."""


def kind_of(file: Path, value: Mapping[str, Any]) -> str:
    """The kind of a file, `spec` or a key of `KINDS`: decided by its keys, then by its folder."""
    if {"method", "targets", "sweep"} & set(value):
        return "spec"
    by_key = [kind for kind, definition in KINDS.items() if definition.keys & set(value)]
    by_folder = [kind for kind, definition in KINDS.items() if definition.folder == file.resolve().parent.name]
    return next(iter([*[kind for kind in by_folder if kind in by_key], *by_key, *by_folder]), "spec")


def only_specs(files: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Keep the specs among some files (`specs/*/*.yaml`). Returns them and a note about the others.

    If there is no spec, all files are kept, because each is then reported with its own line. Unreadable files are kept,
    too.
    """
    kinds = {file: _kind(file) for file in files}
    specs = tuple(file for file in files if kinds[file] == "spec")
    rest = [file for file in kinds if kinds[file] != "spec"]
    if not specs or not rest:
        return tuple(files), ()
    counts = Counter(KINDS[kinds[file]].folder for file in rest)
    few = [f"{shown(file)} ({KINDS[kinds[file]].article})" for file in rest]
    omitted = ", ".join(few if len(few) <= FEW else [f"{count} {name}" for name, count in counts.items()])
    return specs, (f"left out, as they are no specs: {omitted}",)


def _kind(file: Path) -> str:
    try:
        return kind_of(file, read_yaml(file, shown(file)).value)
    except SuiteError:
        return "spec"
