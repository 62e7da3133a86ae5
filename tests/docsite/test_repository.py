"""Links of pages: into the repository, between pages, and those that lead nowhere."""

from __future__ import annotations

import pytest

from docsite import repository


@pytest.mark.parametrize(
    ("page", "text", "expected", "wanted"),
    [
        ("faults.md", "[a](scoring.md#words)", "[a](scoring.md#words)", []),
        ("faults.md", "[a](../SECURITY.md)", "[a](repository/SECURITY.md)", ["SECURITY.md"]),
        ("faults.md", "[a](../tests/stats)", "[a](repository/tests/stats.md)", ["tests/stats"]),
        ("faults.md", "[a](../tox.ini#L3)", "[a](repository/tox.ini.md#L3)", ["tox.ini"]),
        ("faults.md", "[a](../.ci/run)", "[a](repository/dot-ci/run.md)", [".ci/run"]),
        ("reference/task.md", "[a](../../specs/README.md)", "[a](../repository/specs/README.md)", ["specs/README.md"]),
        ("repository/SECURITY.md", "[a](docs/faults.md)", "[a](../faults.md)", []),
        ("repository/specs/README.md", "![a](../docs/x.png)", "![a](../docs/x.png)", []),
        ("faults.md", "[a](nowhere.md) [b](https://example.org) [c](#here)", None, []),
        ("faults.md", "`[a](../SECURITY.md)`\n\n```\n[a](../SECURITY.md)\n```\n", None, []),
    ],
)  # fmt: skip
def test_links_lead_to_pages(page: str, text: str, expected: str | None, wanted: list[str]) -> None:
    found: list[str] = []
    assert repository.relinked(text, page, found.append) == (text if expected is None else expected)
    assert found == wanted


@pytest.mark.parametrize(
    "file", ["specs/README.md", "docs/faults.md", "tox.ini", "tests/stats", ".github/workflows/ci.yml"]
)
def test_a_page_is_known_by_its_file(file: str) -> None:
    assert repository.file_of(repository.page_of(file)) == file


def test_a_file_with_fences_stays_one_block_of_code() -> None:
    text = repository.markdown("docsite/repository.py")
    fence = text.splitlines()[2].removesuffix("python")
    assert text.count(f"\n{fence}\n") == 1
    assert text.endswith(f"\n{fence}\n")


def test_code_that_names_its_file_has_a_title() -> None:
    text = repository.relinked("```python methods/a.py\nx = 1\n```\n", "methods.md", print)
    assert text.startswith('```python title="methods/a.py"\n')
