"""What a YAML file of a workspace is: a spec, a track, a task, claims, or a paper's table."""

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
    """What is said of a file that was given where a spec was wanted."""

    article: str
    use: str
    """What it is for."""
    folder: str
    """Where a workspace keeps such files."""
    keys: frozenset[str]
    """Any of these at its top shows the kind, where nothing shows a spec."""


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
"""All that is no spec."""
FEW = 3
"""The most files that a message names."""


def kind_of(file: Path, value: Mapping[str, Any]) -> str:
    """`spec` or a key of `KINDS`: what a file is, by its keys, and by its folder where they do not tell."""
    if {"method", "targets", "sweep"} & set(value):
        return "spec"
    by_key = [kind for kind, definition in KINDS.items() if definition.keys & set(value)]
    by_folder = [kind for kind, definition in KINDS.items() if definition.folder == file.resolve().parent.name]
    return next(iter([*[kind for kind in by_folder if kind in by_key], *by_key, *by_folder]), "spec")


def only_specs(files: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The specs among some files, and a note about the others, as `specs/*/*.yaml` names them.

    Where none is a spec all are kept, for each has its own line then; a file that cannot be read has its line anyway.
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
