"""The public objects of the packages that others import from: what their `__all__` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import griffe

from docsite.markdown import first_sentence, table

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final[Mapping[str, str]] = {
    "suite": "What the commands do, as functions with typed results. [Python](../../python.md) shows it.",
    "suite.methods": "What a method is made of. [Add a method](../../methods.md) shows it.",
    "suite.training": "Settings and the loop for a method's training. [Add a method](../../methods.md) shows it.",
    "suite.models.artifacts": "What training leaves: the base classes for a kind of your own.",
    "suite.core.metrics": "The table of metrics. [How answers are scored](../../scoring.md#the-table-of-metrics) "
    "says how to add one.",
    "suite.results.store": "Reading and writing results: the protocol that every reader takes, and what is stored.",
    "suite.analysis.board": "Rows, ranks and changes: what `suite.board` returns.",
    "suite.analysis.claims": "Claims and verdicts: what `suite.check` reads and returns.",
    "suite.stats": "Intervals, paired contrasts, tests and ranks. [Statistics](../../statistics.md) explains them.",
}
"""Package -> why to look at it."""


@dataclass(frozen=True)
class PublicObject:
    """A name that a package offers."""

    package: str
    name: str
    home: str
    """Where it is defined: the same for one that several packages offer."""
    kind: str
    about: str
    """The first sentence of its docstring."""


@cache
def public_objects() -> tuple[PublicObject, ...]:
    """Every object that the packages offer; nothing is imported."""
    root = griffe.load("suite", search_paths=[str(ROOT)], resolve_aliases=False, allow_inspection=False)
    return tuple(found for package in PACKAGES for found in _of(root, package))


def _of(root: griffe.Object | griffe.Alias, package: str) -> Iterator[PublicObject]:
    module = root if package == "suite" else root[package.removeprefix("suite.")]
    for name in sorted(map(str, module.exports or ()), key=lambda each: (each[0].isupper(), each)):
        home = module.imports.get(name, f"{package}.{name}")  # a module may have the name of what it defines
        found = root[home.removeprefix("suite.")]
        final = found.final_target if isinstance(found, griffe.Alias) else found
        about = first_sentence(final.docstring.value) if final.docstring else ""
        yield PublicObject(package, name, final.canonical_path, final.kind.value, about)


def pages() -> Iterator[tuple[str, str]]:
    """(Path below `reference/python/`, Markdown): a page for each package, and an overview of them.

    An object that several packages offer is described by the first of them, and linked by the others.
    """
    described = {each.home: each for each in reversed(public_objects())}
    yield "index.md", _overview()
    for package, about in PACKAGES.items():
        those = [each for each in public_objects() if each.package == package]
        rows = [(f"[`{each.name}`][{described[each.home].home}]", each.kind, each.about) for each in those]
        here = [f"::: {each.home}" for each in those if described[each.home] is each]
        head = f"# {package}\n\n{about}\n\n{table(('name', 'kind', 'what it is'), rows)}"
        yield page_name(package), "\n\n".join([head, *here])


def page_name(package: str) -> str:
    """The page of a package, from its whole name."""
    return f"{package.removeprefix('suite.').replace('.', '-')}.md"


def _overview() -> str:
    rows = [
        (f"[`{package}`]({page_name(package)})", about.replace("../../", "../../"))
        for package, about in PACKAGES.items()
    ]
    return "\n\n".join(
        [
            "# Python",
            "These packages have the names that scripts, notebooks, methods and metrics import. "
            "All other modules may change without notice.",
            table(("package", "why to look"), rows),
        ]
    )
