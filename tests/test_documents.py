"""Documents at the top and in docs: their links lead somewhere, and README says what is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from suite.methods import names

HERE = Path(__file__).parents[1]
PAGES = sorted([*HERE.glob("*.md"), *(HERE / "docs").rglob("*.md"), *(HERE / "specs").rglob("*.md")])
MADE = HERE / "docs" / "reference"
"""Pages that are made from the code when the documentation site is built, which checks the links to them."""
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


def read(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def prose(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs write them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(prose(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        to = (page.parent / path).resolve() if path else page
        if to.is_relative_to(MADE):
            continue
        if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_each_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](#a-title) [b](#none) [c](gone.md) [d](https://example.org) `[e](code)`\n")
    assert broken(page) == ["#none", "gone.md"]


def test_readme_is_read_in_a_few_minutes() -> None:
    assert 800 <= len(re.sub(r"!\[[^\]]*\]\([^)]*\)", "", read("README.md")).split()) <= 1000


def test_readme_has_two_commands_that_need_no_environment_of_before() -> None:
    blocks = [code.strip() for language, code in FENCE.findall(read("README.md")) if language == "bash"]
    install, tests = blocks
    environment = "python3 -m venv .venv && . .venv/bin/activate && "
    assert install == environment + "pip install -c constraints.txt . && suite run specs/promot_rte.yaml"
    assert tests == environment + "pip install tox && tox"
    assert "\npip install tox && tox\n" in read(".ci/run")


def test_readme_names_every_method() -> None:
    table = read("README.md").split("## Methods")[1].split("##")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(names())


def test_what_contributors_are_told_to_copy_is_there() -> None:
    rows = [line for line in read("CONTRIBUTING.md").splitlines() if line.startswith("| a ")]
    paths = [path for row in rows for path in re.findall(r"`([\w/.-]+(?:\.\w+|/))`", row) if "/" in path]
    assert len(paths) > 10
    assert [path for path in paths if not (HERE / path).exists()] == []


def test_the_citation_is_that_of_the_last_release() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    version, date = re.findall(r"^## (\d\S*) \((\S+)\)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    assert (citation["version"], citation["date-released"]) == (version, date)
    assert f'\nversion = "{version}"\n' in read("pyproject.toml")
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"]


def test_changes_have_a_place_above_the_last_release() -> None:
    heads = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert heads[0] == "Unreleased"


def test_the_workflow_runs_tox_on_every_python_of_the_project_and_may_only_read() -> None:
    workflow: dict[str, Any] = yaml.safe_load(read(".github/workflows/ci.yml"))
    job = workflow["jobs"]["tox"]
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    pythons = job["strategy"]["matrix"]["python"]
    assert pythons == ["3.10", "3.11", "3.12", "3.13"]
    assert f'\nrequires-python = ">={pythons[0]}"\n' in read("pyproject.toml")
    assert any(str(step.get("run", "")).endswith("&& tox") for step in job["steps"])


def test_hooks_before_a_commit_download_nothing() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [(repo["repo"], hook["language"]) for repo in hooks for hook in repo["hooks"]] == [("local", "system")] * 3
