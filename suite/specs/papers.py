"""Reads and finds the files of papers' tables. Reports every problem with its line."""

from __future__ import annotations

import re
from pathlib import Path

from suite.analysis.papers.schema import Layout, faults
from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.yamlfile import read_yaml
from suite.specs.merge import layer_of
from suite.specs.validate import validate
from suite.specs.workspace import files_of, is_path, shown


def read_table(file: Path) -> Layout:
    """Read the file of a paper's table. Raises SuiteError with every problem and its line."""
    layer = layer_of(read_yaml(file, shown(file)))
    layout, problems = validate(Layout, layer)
    if layout is not None:
        problems = [
            Problem(layer.where(key), f"{'.'.join(map(str, key))}: {what}", fix) for key, what, fix in faults(layout)
        ]
    if layout is None or problems:
        raise SuiteError.of(problems or [Problem(shown(file), "is no file of a paper's table")])
    return layout


def table_files() -> dict[str, Path]:
    """Table files of the working directory (`specs/tables/` or `tables/`) and shipped ones, by name, in numeric
    order."""
    files = files_of("tables")
    return {name: files[name] for name in sorted(files, key=_numbered)}


def named_tables(name: str) -> dict[str, Path]:
    """The files of a table by name or path, of a table with one file for each model (`t2-1`), or of a paper.

    Raises SuiteError with the known names.
    """
    if is_path(name):
        return {Path(name).stem: Path(name)}
    files = table_files()
    matches = {stem: file for stem, file in files.items() if stem == name or stem.startswith(f"{name}-")}
    if not matches:
        papers = {stem.partition("-")[0] for stem in files if "-" in stem}
        raise SuiteError(f"there is no table '{name}'", fix=did_you_mean(name, {*files, *papers}))
    return matches


def _numbered(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
