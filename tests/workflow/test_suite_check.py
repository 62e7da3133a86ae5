"""The workflow that users copy: every step of it is run, in a clone of a workspace that `suite new` made."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from suite.cli import main
from tests.workflow.outside import MARK, Outside
from tests.workflow.runner import REPOSITORY, JobRun, LocalRunner

FILE = REPOSITORY / "docs" / "suite-check.yml"
WORKFLOW: Mapping[Any, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
VARIABLES = {"SUITE_REPOSITORY": "https://example.org/suite", "SUITE_REVISION": "v1"}
CLAIMS = """\
track: mine
claims:
  - id: keeps
    says: LoRA keeps something
    source: a test
    expect: norm_avg(lora, 1) - norm_avg(pretrained, 1) > BOUND
"""


def event(name: str, number: int, repository: str = "me/tickets") -> dict[str, Any]:
    """What GitHub says of a push to the default branch, or of a pull request from a repository."""
    about: dict[str, Any] = {"repository": {"default_branch": "main"}}
    if name == "pull_request":
        about["pull_request"] = {"number": 7, "head": {"repo": {"full_name": repository}}}
    return {
        "event_name": name, "repository": "me/tickets", "run_id": str(number), "run_attempt": "1", "event": about,
        "ref_name": "main" if name == "push" else "7/merge",
    }  # fmt: skip


def commit(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "specs"]):
        subprocess.run([*git, *words], check=True)


@dataclass
class Repository:
    """A workspace in git, with what the runs of its workflow left."""

    folder: Path
    state: Path
    outside: Outside

    def run(self, github: Mapping[str, Any], variables: Mapping[str, str] = VARIABLES) -> dict[str, JobRun]:
        return LocalRunner(FILE, self.folder, self.state, self.outside.tools, github, variables).run()

    def claim(self, bound: int) -> None:
        file = self.folder / "specs" / "claims" / "mine.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(CLAIMS.replace("BOUND", str(bound)), "utf-8")
        commit(self.folder)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A workspace of two rows, small enough to be run in a test."""
    home = tmp_path_factory.mktemp("repository")
    words = {"billing": "invoice", "bug": "crash"}
    lines = [f"a {word} in line {number},{label}" for number in range(20) for label, word in words.items()]
    (home / "tickets.csv").write_text("\n".join(["text,label", *lines]), "utf-8")
    folder = home / "mine"
    with pytest.raises(SystemExit) as ended:
        main(["new", str(folder), "--data", str(home / "tickets.csv"), "--minutes", "1"])
    assert not ended.value.code
    for name in ("finetune", "prompt_tuning", "promot", "svf"):
        (folder / "specs" / f"{name}.yaml").unlink(missing_ok=True)  # on a busy machine, some are left out
    track = folder / "specs" / "tracks" / "mine.yaml"
    text = re.sub(r"^(held_out:.*)documents: \d+", r"\1documents: 4", track.read_text("utf-8"), flags=re.MULTILINE)
    track.write_text(re.sub(r"lora: {steps: \d+", "lora: {steps: 10", text), "utf-8")
    return Repository(folder, home / "state", Outside(home / "outside"))


@pytest.fixture
def other(tmp_path: Path) -> Repository:
    """A repository in which suite is a script that says what it is asked to say."""
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "README.md").write_text("specs", "utf-8")
    commit(tmp_path / "repository")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "board.md").write_text("| a board |\n", "utf-8")
    return Repository(tmp_path / "repository", tmp_path / "state", Outside(tmp_path / "outside", made_up=True))


@pytest.mark.slow
def test_a_pull_request_gets_the_table_as_a_comment_which_a_claim_that_fails_updates(own: Repository) -> None:
    own.claim(-100)
    jobs = own.run(event("pull_request", 1))
    check = jobs["check"]
    assert {name: job.result for name, job in jobs.items()} == {
        "check": "success", "comment": "success", "publish": "skipped",
    }, check.log  # fmt: skip
    (comment,) = own.outside.comments()
    assert comment.startswith(MARK)
    assert "### tickets: classification with 2 labels\n\n| rank | experiment | " in comment
    assert re.search(r"^\| [^|]+ \| lora \| 1 \| tickets \d", comment, re.MULTILINE)
    assert "| holds | LoRA keeps something |" in comment
    assert check.summary == comment
    results = own.state / "artifacts-1" / "results"
    assert "claims" in (results / "runs" / "site" / "claims.html").read_text("utf-8")
    assert json.loads((results / "runs" / "site" / "badge.json").read_text("utf-8")) == {
        "schemaVersion": 1, "label": "claims", "message": "1 holds", "color": "brightgreen",
    }  # fmt: skip
    assert (results / "runs" / "suite.db").is_file()
    assert 'failures="0"' in (results / "out" / "junit.xml").read_text("utf-8")
    install = next(call for call in own.outside.called() if call.startswith("pip"))
    assert re.fullmatch(r"pip install --extra-index-url \S+/whl/cpu -c (\S+/suite)/constraints.txt \1", install)

    own.claim(100)
    jobs = own.run(event("pull_request", 2))
    assert [job.result for job in jobs.values()] == ["failure", "success", "skipped"], jobs["check"].log
    assert jobs["check"].outcomes["Judge the claims"] == "failure"
    assert "0 done" not in jobs["check"].log  # what the first run finished came from the cache
    assert re.search(r"^0 steps done, \d+ reused", jobs["check"].log, re.MULTILINE), jobs["check"].log
    (comment,) = own.outside.comments()
    assert "| lora | 1 | tickets " in comment
    assert "| **fails** | LoRA keeps something |" in comment
    badge = json.loads((own.state / "artifacts-2" / "results" / "runs" / "site" / "badge.json").read_text("utf-8"))
    assert (badge["message"], badge["color"]) == ("1 fails", "red")


def test_a_fork_gets_no_comment_but_a_line(other: Repository) -> None:
    jobs = other.run(event("pull_request", 1, "someone/tickets"))
    assert [job.result for job in jobs.values()] == ["success", "skipped", "skipped"], jobs["check"].log
    assert "| a board |" in jobs["check"].summary
    assert "a fork gets no token" in jobs["check"].summary
    assert other.outside.comments() == []


def test_the_default_branch_publishes_its_site_and_writes_no_comment(other: Repository) -> None:
    jobs = other.run(event("push", 1))
    assert [job.result for job in jobs.values()] == ["success", "skipped", "success"], jobs["check"].log
    assert "a fork" not in jobs["check"].summary
    assert "The time limit was reached with 3 steps left" in jobs["check"].summary
    assert (other.state / "pages" / "index.html").read_text("utf-8") == "page\n"


def test_a_long_table_is_cut_at_a_line(other: Repository) -> None:
    (other.state / "board.md").write_text("| ä long board |\n" * 5000, "utf-8")
    assert other.run(event("pull_request", 1))["comment"].result == "success"
    (comment,) = other.outside.comments()
    assert comment.endswith("| ä long board |\n\nThe rest is in the summary of the run.\n")


def test_without_an_address_of_suite_the_line_says_what_to_set(other: Repository) -> None:
    jobs = other.run(event("pull_request", 1), {})
    assert [job.result for job in jobs.values()] == ["failure", "skipped", "skipped"]
    assert "::error::set the repository variables SUITE_REPOSITORY" in jobs["check"].log
    assert other.outside.called() == []


def test_each_job_has_the_permissions_that_it_needs_and_a_limit() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()} == {
        "check": {"contents": "read"}, "comment": {"pull-requests": "write"},
        "publish": {"pages": "write", "id-token": "write"},
    }  # fmt: skip
    assert all(job["timeout-minutes"] <= 70 for job in WORKFLOW["jobs"].values())
    assert set(WORKFLOW[True]) == {"push", "pull_request", "workflow_dispatch"}  # YAML reads `on` as true


def test_no_script_has_an_expression_and_every_action_is_pinned() -> None:
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]
    uses = re.findall(r"uses: (\S+)(.*)", FILE.read_text("utf-8"))
    assert len(uses) == sum("uses" in step for step in steps)
    assert all(
        re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", action) and note.startswith("  # v") for action, note in uses
    )
