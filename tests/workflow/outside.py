"""What a runner has from outside, as scripts: `gh` with the comments of a pull request, `git fetch`, `pip`, `suite`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.workflow.runner import REPOSITORY

MARK = "<!-- made by the workflow suite -->"
RECORD = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0") $*" >> {calls}\n'
SUITE = f'#!/bin/sh\nexec env PYTHONPATH={REPOSITORY} {sys.executable} -m suite "$@"\n'
MADE_UP = """#!/bin/sh
case "$1" in
  run)
    mkdir -p runs/site && echo rows > runs/suite.db && echo page > runs/site/index.html
    echo "The time limit was reached with 3 steps left. Go on." ;;
  board) cat "$RUNNER_TEMP/../board.md" ;;
esac
"""
"""Stands for suite where only the workflow is looked at."""
GH = """#!{python}
import json, os, pathlib, shutil, subprocess, sys

store = pathlib.Path({store!r})
comments, (command, *words) = json.loads(store.read_text("utf-8")), sys.argv[1:]
assert command == "api" and os.environ["GH_TOKEN"] == "secret", command
path = next(word for word in words if word.startswith("repos/"))
if "--method" in words:
    name, _, file = words[words.index("--field") + 1].partition("=@")
    body = pathlib.Path(file).read_text("utf-8")
    assert name == "body" and len(body) <= 65536
    if words[words.index("--method") + 1] == "POST":
        assert path == "repos/me/tickets/issues/7/comments", path
        number = 100 + len(comments)
        comments.append({{"id": number, "user": {{"login": "github-actions[bot]"}}, "body": body}})
    else:
        (comment,) = (each for each in comments if path == f"repos/me/tickets/issues/comments/{{each['id']}}")
        comment["body"] = body
    store.write_text(json.dumps(comments), "utf-8")
elif shutil.which("jq"):
    program = ["jq", "--raw-output", words[words.index("--jq") + 1]]
    sys.exit(subprocess.run(program, input=json.dumps(comments), text=True).returncode)
else:  # the same without jq, which not every machine has
    for comment in comments:
        if comment["user"]["login"] == "github-actions[bot]" and comment["body"].startswith({mark!r}):
            print(comment["id"])
"""


class Outside:
    """The scripts, and what they recorded."""

    def __init__(self, folder: Path, *, made_up: bool = False) -> None:
        self.tools, self.calls, self.store = folder / "tools", folder / "calls", folder / "comments.json"
        self.tools.mkdir(parents=True)
        self.calls.touch()
        others = [{"id": 1, "user": {"login": "me"}, "body": f"{MARK} written by hand"},
                  {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "of another workflow"}]  # fmt: skip
        self.store.write_text(json.dumps(others), "utf-8")
        record = RECORD.format(calls=self.calls)
        real = f'case "$*" in *"$RUNNER_TEMP"*) ;; *) exec {shutil.which("git")} "$@" ;; esac\n'
        for name, script in {
            "pip": record, "git": record.replace("\n", f"\n{real}", 1), "suite": MADE_UP if made_up else SUITE,
            "gh": GH.format(python=sys.executable, store=str(self.store), mark=MARK),
        }.items():  # fmt: skip
            (self.tools / name).write_text(script, "utf-8")
            (self.tools / name).chmod(0o755)

    def comments(self) -> list[str]:
        """The comments of the workflow."""
        found: list[dict[str, Any]] = json.loads(self.store.read_text("utf-8"))
        return [each["body"] for each in found if each["id"] >= 100]

    def called(self) -> list[str]:
        """The commands that were recorded."""
        return self.calls.read_text("utf-8").splitlines()
