"""All generated pages of the reference: their paths below `docs/` and their Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from docsite import commands, fields, methods, objects, tasks
from suite.analysis.claims.expectation import QUANTITIES
from suite.analysis.claims.schema import Claims
from suite.analysis.papers.schema import Layout
from suite.core.block import Block
from suite.specs.blocks import OVERRIDABLE, Spec, Track

FILES: Final[tuple[tuple[str, type[Block], str, str], ...]] = (
    ("spec", Spec, "Spec", "A spec is one row of a leaderboard. It may also change these blocks of its track: "
     + ", ".join(f"[`{name}`](track.md#track.{name})" for name in OVERRIDABLE) + ". The row is then marked as not on "
     "the track's terms, except for `probes`, which change no result."),
    ("track", Track, "Track", "A track holds equal what a comparison needs equal. A leaderboard table belongs to one "
     "track. A track may also have `extends: NAME`: its fields are laid over those of that track."),
    ("claims", Claims, "Claims", "A file of claims lists comparisons of stored results. `suite check` judges them. "
     "An expectation compares a sum of quantities with a number by `<`, `<=`, `>` or `>=`: "
     + ", ".join(f"`{name}({', '.join(['NAME', *asked])})`" for name, asked in QUANTITIES.items())
     + ". What follows NAME may be left out."),
    ("table", Layout, "Paper table", "A file lays out a paper's table. `suite table` fills it with stored results."),
)  # fmt: skip
"""(Page, block, title, why to look)."""


def pages() -> Iterator[tuple[str, str]]:
    """(Path below `docs/`, Markdown) of every generated page."""
    yield "reference/index.md", _overview()
    yield "reference/commands.md", commands.page()
    yield "reference/task.md", tasks.page()
    for name, block, title, about in FILES:
        yield f"reference/{name}.md", f"# {title}\n\n{about}\n\n{fields.page(block, name)}"
    for folder, found in (("methods", methods.pages()), ("python", objects.pages())):
        for path, text in found:
            yield f"reference/{folder}/{path}", text


def _overview() -> str:
    return """# Reference

These pages are made from the code when the site is built, so they have every field, command and public name.

- [Commands](commands.md): arguments, options and variables of the environment.
- Files: [spec](spec.md), [track](track.md), [task](task.md), [claims](claims.md) and [paper tables](table.md).
  [Files in depth](../../specs/README.md) explains how they work together.
- [Methods](methods/index.md): settings of each method, and what tracks change of them.
- [Python](python/index.md): public functions and classes.
"""
