"""Artifacts of train steps on disk: each in a folder with its step's id, as a whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.core.diagnostics import Finding
from suite.core.errors import ArtifactLost, StepFailed, SuiteError, TakenOver, machine_problem
from suite.models.artifact_files import difference
from suite.models.artifacts import Artifact, load_artifact
from suite.models.offload import is_large


@dataclass(frozen=True)
class TrainOutcome:
    """The result of a train step. Its artifact is already saved in its folder."""

    artifact: Artifact
    folder: Path
    curve: Sequence[tuple[int, str, float]]
    trained_parameters: int | None
    """None if the artifact is another step's."""
    bytes: int
    base: str
    findings: tuple[Finding, ...] = ()
    source: str | None = None
    """The step that made the artifact, if this step only copies it."""


def publish(folder: Path, artifact: Artifact, base: str, ours: Callable[[], bool] = lambda: True) -> Path:
    """Save an artifact in its step's folder, after reading its files back to check them.

    It replaces an existing artifact only if the step is still `ours`: an attempt that was taken over must not overwrite
    the artifact of its successor. Raises SuiteError if it cannot be written, and leaves the folder unchanged; TakenOver
    if the step belongs to another process; StepFailed if the saved artifact differs.
    """
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    try:
        fresh.mkdir(parents=True)
        artifact.save(fresh, base=base, extra={"step": folder.name})
        if not _is_as_saved(fresh, artifact, base):
            raise StepFailed("the saved artifact differs from the selected checkpoint")
        if not ours():
            raise TakenOver
        _clear(folder)
        fresh.rename(folder)
    except Exception as error:
        shutil.rmtree(fresh, ignore_errors=True)
        problem = machine_problem(error)
        if problem is None:
            raise
        raise SuiteError(f"cannot be written ({problem.what})", where=str(folder), fix=problem.fix) from error
    for left in folder.parent.glob(f".{folder.name}.*.new"):  # of attempts that were killed, or lost the step
        shutil.rmtree(left, ignore_errors=True)
    return folder


def _is_as_saved(folder: Path, artifact: Artifact, base: str) -> bool:
    """Whether the files are the artifact. It is loaded for this, unless memory may hold no copy of it."""
    if is_large(artifact.tensors):
        return not difference(folder, base, artifact.hash)
    return load_artifact(folder, base).hash == artifact.hash


def _clear(folder: Path) -> None:
    """Remove anything at an artifact's path: a folder, a file or a link."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def load_published(folder: Path, base: str, wanted: str) -> Artifact:
    """A step's artifact, which must have the hash `wanted`. Raises ArtifactLost if it is missing or damaged."""
    if not folder.is_dir():
        raise ArtifactLost(folder.name, f"is not in {folder}")
    try:
        artifact = load_artifact(folder, base)
    except SuiteError as error:
        raise ArtifactLost(folder.name, f"cannot be used ({error.problems[0].what})") from error
    if artifact.hash != wanted:
        raise ArtifactLost(folder.name, f"in {folder} is not the checkpoint that was selected")
    return artifact
