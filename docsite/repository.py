"""Links to files of the repository: each such file becomes a page, so every link leads somewhere and is checked."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = "repository"
"""Where the pages of files outside of `docs/` are."""
_DOT: Final = "dot-"
"""In place of a name's leading `.`: MkDocs leaves such files out."""
_LINK: Final = re.compile(r"(?P<before>\]\()(?P<to>[^)\s]+)(?P<after>(?:\s+\"[^\"]*\")?\))")
_CODE: Final = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
                          re.MULTILINE | re.DOTALL)  # fmt: skip
_FILE_OF_FENCE: Final = re.compile(r"^(```\w+) ([\w./-]+\.\w+)$", re.MULTILINE)


def page_of(file: str) -> str:
    """The page of a file or folder of the repository: `docs/scoring.md` is `scoring.md`."""
    inside = file.removeprefix("docs/")
    if inside != file:
        return inside
    shown = re.sub(r"(?<![^/])\.(?=[^/])", _DOT, file)
    return f"{FOLDER}/{shown}" if file.endswith(".md") else f"{FOLDER}/{shown}.md"


def file_of(page: str) -> str:
    """The file that a page shows, as it would be found in the repository."""
    below = page.removeprefix(f"{FOLDER}/")
    if below == page:
        return f"docs/{page}"
    below = re.sub(rf"(?<![^/]){_DOT}", ".", below)
    return below if (ROOT / below).exists() else below.removesuffix(".md")


def relinked(text: str, page: str, wanted: Callable[[str], None]) -> str:
    """The Markdown of a page with links that the site can follow.

    `wanted` is called with each file or folder outside of `docs/` that a link leads to, if it exists.
    """
    here = posixpath.dirname(file_of(page))

    def link(found: re.Match[str]) -> str:
        to, _, place = found["to"].partition("#")
        if not to or re.match(r"[a-z]+:", to):
            return found[0]
        file = posixpath.normpath(posixpath.join(here, to))
        if file.startswith("..") or not _known(file):
            return found[0]  # MkDocs says that there is no such page
        if not file.startswith("docs/"):
            wanted(file)
        target = posixpath.relpath(page_of(file), posixpath.dirname(page) or ".")
        return f"{found['before']}{target}{'#' + place if place else ''}{found['after']}"

    return "".join(part if code else _LINK.sub(link, part) for code, part in _parts(_titled(text)))


def _known(file: str) -> bool:
    return (ROOT / file).exists() or file.startswith("docs/reference/")


def _titled(text: str) -> str:
    """Blocks of code that name their file show it as their title."""
    return _FILE_OF_FENCE.sub(r'\1 title="\2"', text)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """(Whether it is code, a part of the text)."""
    at = 0
    for found in _CODE.finditer(text):
        yield False, text[at : found.start()]
        yield True, found[0]
        at = found.end()
    yield False, text[at:]


def markdown(file: str) -> str:
    """A file or folder of the repository as Markdown."""
    path = ROOT / file
    if path.is_dir():
        return f"# {file}\n\n" + "\n".join(f"- `{each}`" for each in _listed(path))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text) or [""]))
    return f"# {file}\n\n{fence}{_LANGUAGES.get(path.suffix, 'text')}\n{text}\n{fence}\n"


_LANGUAGES: Final = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".js": "javascript",
                     ".ipynb": "json", ".json": "json"}  # fmt: skip


def _listed(folder: Path) -> list[str]:
    """The text files and folders of a folder, by name; no links, or their pages would be the whole repository."""
    found = (each for each in sorted(folder.iterdir()) if not each.name.startswith(("_", ".")))
    return [each.name for each in found if each.is_dir() or each.suffix in (*_LANGUAGES, ".md")]
