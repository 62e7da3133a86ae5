"""One vocabulary: docs/glossary.md lists the terms, and what people read has them and not the words of before."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PACKAGES = ("suite", "leaderboard")
OLD = {
    r"could see|could have (been )?seen": "minimum detectable effect",
    r"told from|told apart": "tied with the best, below best, distinct",
    r"varies with": "variance components",
    r"ruled out": "rank interval",
    r"held[- ]out rows?|rows (that are )?held out|held out (of|for|from) (training|selection)": "selection rows",
    r"by luck|of luck": "by chance",
    r'(?<!")Norm\. ?Avg': "held-out average",
    r"one of its kin": "variant",
    r"pays? neither for padding": "continuous batching",
}
"""What must not be read anywhere -> the term in its place. The paper's own name of a column may be quoted."""

OLD_NAMES = frozenset(
    [
        "Asked",
        "Choose",
        "Drawn",
        "Ended",
        "Follow",
        "Found",
        "Home",
        "Looking",
        "OwnKeys",
        "Pulled",
        "Routes",
        "Said",
        "Seen",
        "Stacked",
        "Told",
        "Trunk",
        "asker",
        "likeliest",
        "lead_by_luck",
        "pulls",
        "pulled",
        "stacked",
        "told_from_best",
        "trunk",
    ]
)
"""Names of classes, functions and parameters that the code had before."""
SITE_WORDS = frozenset(
    [
        "asked",
        "dots",
        "each",
        "found",
        "given",
        "kin",
        "known",
        "left",
        "looked",
        "mine",
        "place",
        "places",
        "said",
        "seen",
        "theirs",
        "there",
        "those",
        "told",
        "wanted",
    ]
)
"""Words of everyday that no name of the site's code has: names say what they hold."""
STORED = frozenset({("suite/results/records/schema.py", "asker")})
"""Fields of files that are there: their names stay."""
EVERYDAY = frozenset(
    [
        "asked",
        "behind",
        "each",
        "found",
        "given",
        "kept",
        "kin",
        "known",
        "left",
        "look",
        "looked",
        "looks",
        "narrow",
        "others",
        "place",
        "places",
        "said",
        "seen",
        "told",
        "wanted",
    ]
)
"""Words that do not say what a thing is: an index, a rank, a URL, a matrix, an output."""
ROOMS = (
    "analysis",
    "api",
    "cli",
    "evaluation",
    "inference",
    "micro",
    "planning",
    "results",
    "sandbox",
    "specs",
    "stats",
)
"""The packages of suite/ where no module, class, function (private or not), parameter, field or attribute is named by
such a word. Local variables are not held."""
PUBLISHED = frozenset({("suite/stats/ranks.py", "place")})
"""Fields that JSON for users has: their names stay."""
SHARED_NAMES = frozenset({"Config"})
"""Each method's module has its block under this name: the registry reads it."""


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """(Where, what people may read there): documents, pages, scripts, and every text of the code."""
    found = [(path, path.read_text("utf-8")) for path in sorted(documents())]
    return (*((str(path.relative_to(HERE)), text) for path, text in found), *strings())


def documents() -> Iterator[Path]:
    yield from (HERE / "README.md", HERE / "SECURITY.md", HERE / "specs" / "README.md")
    yield from (HERE / "docs").glob("*.md")
    yield from (HERE / "leaderboard" / "templates").glob("*.j2")
    yield from (HERE / "leaderboard" / "static").glob("*.js")


def strings() -> Iterator[tuple[str, str]]:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path}:{node.lineno}", node.value


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    paths = [path for package in PACKAGES for path in sorted((HERE / package).rglob("*.py"))]
    return tuple((str(path.relative_to(HERE)), ast.parse(path.read_text("utf-8"))) for path in paths)


def terms() -> list[str]:
    """The first column of the glossary's tables."""
    lines = (HERE / "docs" / "glossary.md").read_text("utf-8").splitlines()
    heads = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    return [head for head in heads if head != "term"]


@pytest.mark.parametrize("old", OLD, ids=list(OLD.values()))
def test_an_old_word_is_read_nowhere(old: str) -> None:
    found = [f"{where}: {match[0]}" for where, text in texts() for match in re.finditer(old, text, re.IGNORECASE)]
    assert not found, f"write '{OLD[old]}'"


def test_the_glossary_has_each_term_once() -> None:
    assert len(terms()) == len(set(terms())) > 30


@pytest.mark.parametrize("term", terms())
def test_each_term_of_the_glossary_is_used(term: str) -> None:
    words = re.compile(r"\b" + re.sub(r"[\s-]+", r"[\\s_-]+", term) + r"s?\b", re.IGNORECASE)
    assert any(words.search(text) for where, text in texts() if where != "docs/glossary.md")


def test_old_names_are_gone() -> None:
    found = [(path, line, name) for path, tree in modules() for line, name in names(tree) if name in OLD_NAMES]
    assert [each for each in found if (each[0], each[2]) not in STORED] == []


@pytest.mark.parametrize("room", ROOMS)
def test_names_say_what_a_thing_is(room: str) -> None:
    trees = [(path, tree) for path, tree in modules() if path.startswith(f"suite/{room}/")]
    assert trees
    bound = [(path, line, name) for path, tree in trees for line, name in (*names(tree), *attributes(tree))]
    bound += [(path, 0, Path(path).stem) for path, _ in trees]
    assert [at for at in bound if at[2].strip("_") in EVERYDAY and (at[0], at[2]) not in PUBLISHED] == []


def test_no_name_of_the_site_is_a_word_of_everyday() -> None:
    site = [(path, tree) for path, tree in modules() if path.startswith("leaderboard/")]
    assert len(site) > 40
    bound = [(path, *named) for path, tree in site for named in (*names(tree), *variables(tree))]
    assert [each for each in bound if SITE_WORDS & set(each[2].split("_"))] == []


def test_each_class_name_occurs_once() -> None:
    where: dict[str, list[str]] = {}
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in SHARED_NAMES:
                where.setdefault(node.name, []).append(f"{path}:{node.lineno}")
    assert {name: found for name, found in where.items() if len(found) > 1} == {}


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Names of classes, functions, parameters and attributes that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.lineno, node.target.id


def attributes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Attributes that a module sets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def variables(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Names that a module assigns, in loops and comprehensions, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
