"""Artifacts of train steps on the disk: each in a folder of its step's name, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.errors import StepFailed, SuiteError, machine_problem
from suite.findings import Finding
from suite.models.artifact import Artifact, load_artifact


@dataclass(frozen=True)
class TrainOutcome:
    """What a train step leaves, its artifact already saved in its folder."""

    artifact: Artifact
    folder: Path
    curve: Sequence[tuple[int, str, float]]
    tokens: int
    trained_parameters: int | None
    """None where the artifact is another step's."""
    bytes: int
    base: str
    findings: tuple[Finding, ...] = ()
    source: str | None = None
    """The step that made the artifact, where this one only keeps it."""


def keep(folder: Path, artifact: Artifact, base: str) -> Path:
    """Save an artifact in its step's folder, and read it back before it counts.

    Raises SuiteError where it cannot be written: the folder is then as it was before.
    """
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        artifact.save(fresh, base=base, extra={"step": folder.name})
    except Exception as error:
        problem = machine_problem(error)
        shutil.rmtree(fresh, ignore_errors=True)
        if problem is None:
            raise
        raise SuiteError(f"cannot be written ({problem.what})", where=str(folder), fix=problem.fix) from error
    if load_artifact(fresh, base).hash != artifact.hash:
        raise StepFailed("the saved artifact differs from the selected checkpoint")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder
