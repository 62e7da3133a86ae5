"""What MkDocs calls: add generated pages, follow links into the repository, refuse loads from elsewhere."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parents[1]))  # MkDocs loads this file by its path

from docsite import reference, repository

log = logging.getLogger("mkdocs.hooks.docsite")
"""Warnings of MkDocs's own loggers are errors with `--strict`."""
_LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code, and those of the repository's files that pages link to."""
    pages = dict(reference.pages())
    _expand(config.nav, pages)
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()} | pages
    waiting = [repository.file_of(each) for each in _leaves(config.nav) if each.startswith(repository.FOLDER)]
    for page, text in texts.items():
        repository.relinked(text, page, waiting.append)
    while waiting:
        file = waiting.pop()
        page = repository.page_of(file)
        if page not in pages:
            pages[page] = repository.markdown(file)
            repository.relinked(pages[page], page, waiting.append)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def _expand(nav: Any, pages: dict[str, str]) -> None:
    """Put all generated pages of a folder in the place of `folder/*`."""
    for entry in nav:
        for title, below in entry.items() if isinstance(entry, dict) else ():
            if isinstance(below, str) and below.endswith("/*"):
                entry[title] = sorted((each for each in pages if each.startswith(below[:-1])), key=_index_first)
            elif isinstance(below, list):
                _expand(below, pages)


def _index_first(page: str) -> tuple[bool, str]:
    return not page.endswith("index.md"), page


def _leaves(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [leaf for each in inner for leaf in _leaves(each)]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that the site can follow."""
    return repository.relinked(markdown, page.file.src_uri, lambda file: None)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that loads anything from elsewhere."""
    for found in _LOADED.finditer(output):
        if 'rel="canonical"' not in found[0]:
            log.warning("%s loads %s", page.file.src_uri, found[1])
    return output
