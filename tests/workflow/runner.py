"""A runner of GitHub Actions for one machine: every `run:` step in bash, each action that is used played by a function.

What a runner has from outside (`gh`, `git`, `pip`) stands as scripts in a folder at the head of PATH.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflow.expressions import filled, holds

REPOSITORY = Path(__file__).parents[2]
INHERITED = ("LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")


@dataclass
class JobRun:
    """What became of a job."""

    result: str
    outcomes: dict[str, str] = field(default_factory=dict)
    """Name of each step (or the action that it uses) -> success, failure or skipped."""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""


@dataclass
class LocalRunner:
    """Runs a workflow for an event; artifacts and caches are folders below `state`, which several runs share."""

    file: Path
    checkout: Path
    """A git repository: each checkout is a clone of it."""
    state: Path
    tools: Path
    """Scripts that stand for programs of the outside world."""
    github: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        """A folder for each artifact that was uploaded."""
        return self.state / f"artifacts-{self.github['run_id']}"

    def run(self) -> dict[str, JobRun]:
        """All jobs, in the order in which the file has them."""
        workflow = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        runs: dict[str, JobRun] = {}
        for name, job in workflow["jobs"].items():
            needs = {other: runs[other] for other in [job.get("needs", [])] if other}
            contexts = {"needs": {each: {"outputs": run.outputs, "result": run.result} for each, run in needs.items()}}
            failed = any(run.result != "success" for run in needs.values())
            work = self.state / f"work-{self.github['run_id']}-{name}"
            work.mkdir(parents=True)
            runs[name] = JobRun("skipped")
            if holds(str(job.get("if", "true")), self._contexts(contexts), _functions(work, failed)):
                runs[name] = self._job(workflow, job, work, contexts)
        return runs

    def _contexts(self, more: Mapping[str, Any]) -> dict[str, Any]:
        return {"github": {"token": "secret", **self.github}, "vars": self.variables, "steps": {}, **more}

    def _job(self, workflow: Mapping[str, Any], job: Mapping[str, Any], work: Path, needs: Mapping[str, Any]) -> JobRun:
        contexts, run = self._contexts(needs), JobRun("success")
        special = {key: work.with_name(f"{work.name}-{key}") for key in ("summary", "output", "env", "temp", "home")}
        for key in ("summary", "output", "env"):
            special[key].touch()
        for key in ("temp", "home"):
            special[key].mkdir()
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment = {
            **inherited, "PATH": f"{self.tools}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY),
            "HF_HUB_OFFLINE": "1", "HOME": str(special["home"]), "RUNNER_TEMP": str(special["temp"]),
            "GITHUB_ENV": str(special["env"]),
            "GITHUB_OUTPUT": str(special["output"]), "GITHUB_STEP_SUMMARY": str(special["summary"]),
            **workflow.get("env", {}),
        }  # fmt: skip
        for step in job["steps"]:
            name = str(step.get("name") or step.get("uses", "run").partition("@")[0])
            functions = _functions(work, run.result == "failure")
            outcome, outputs = "skipped", dict[str, str]()
            if holds(str(step.get("if", "success()")), contexts, functions):
                if "run" in step:
                    own = {key: filled(str(text), contexts, functions) for key, text in step.get("env", {}).items()}
                    special["output"].write_text("")
                    code, said = _bash(step["run"], work, environment | own)
                    outcome = "failure" if code else "success"
                    run.log += f"## {name}: {code}\n{said}"
                    outputs = dict(line.split("=", 1) for line in special["output"].read_text().splitlines())
                else:
                    given = {key: filled(str(text), contexts, functions) for key, text in step.get("with", {}).items()}
                    outputs = self._action(step["uses"].partition("@")[0], given, work, special["home"])
                    outcome = "success"
            run.outcomes[name] = outcome
            run.result = "failure" if outcome == "failure" else run.result
            contexts["steps"][step.get("id", name)] = {"outcome": outcome, "outputs": outputs}
        functions = _functions(work, run.result == "failure")
        run.outputs = {key: filled(str(text), contexts, functions) for key, text in job.get("outputs", {}).items()}
        run.summary = special["summary"].read_text(encoding="utf-8")
        return run

    def _action(self, action: str, given: Mapping[str, str], work: Path, home: Path) -> dict[str, str]:
        """What an action does and puts out."""
        caches = self.state / "caches"
        match action:
            case "actions/checkout":
                subprocess.run(["git", "clone", "--quiet", self.checkout, work], check=True)
            case "actions/cache/restore":
                keys = [given["key"], *given["restore-keys"].split()]
                kept = sorted(caches.glob("*"), key=lambda each: each.stat().st_mtime, reverse=True)
                found = next((cache for key in keys for cache in kept if cache.name.startswith(key)), None)
                if found:
                    shutil.copytree(found, _place(given["path"], work, home), dirs_exist_ok=True, symlinks=True)
                return {"cache-hit": str(bool(found and found.name == given["key"])).lower()}
            case "actions/cache/save":
                shutil.copytree(_place(given["path"], work, home), caches / given["key"], symlinks=True)
            case "actions/upload-artifact" | "actions/upload-pages-artifact":
                done = _upload(given["path"].split(), work, self.artifacts / given.get("name", "github-pages"))
                assert done or given.get("if-no-files-found") == "ignore"
            case "actions/download-artifact":
                shutil.copytree(self.artifacts / given["name"], work, dirs_exist_ok=True)
            case "actions/deploy-pages":
                shutil.copytree(self.artifacts / "github-pages", self.state / "pages", dirs_exist_ok=True)
                return {"page_url": "https://example.org"}
            case "actions/setup-python":
                pass
            case _:
                raise NotImplementedError(action)
        return {}


def _place(path: str, work: Path, home: Path) -> Path:
    return home / path.removeprefix("~/") if path.startswith("~/") else work / path


def _upload(paths: list[str], work: Path, target: Path) -> bool:
    """One folder is uploaded as its content, one file by its name, several by their paths. Whether any was there."""
    there = [work / path for path in paths if (work / path).exists()]
    for path in there:
        if path.is_dir():
            shutil.copytree(path, target if len(paths) == 1 else target / path.relative_to(work), dirs_exist_ok=True)
        else:
            place = target / (path.name if len(paths) == 1 else path.relative_to(work))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return bool(there)


def _bash(script: str, work: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a script, as a step with `shell: bash` runs it."""
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=work, env=environment, text=True,
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout


def _functions(work: Path, failed: bool) -> dict[str, Any]:
    def hash_files(*patterns: str) -> str:
        globs = [f"{pattern}/*" if pattern.endswith("**") else pattern for pattern in patterns]
        files = sorted({file for pattern in globs for file in work.glob(pattern) if file.is_file()})
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() if files else ""

    return {
        "always": lambda: True, "cancelled": lambda: False, "failure": lambda: failed, "success": lambda: not failed,
        "hashFiles": hash_files,
    }  # fmt: skip
