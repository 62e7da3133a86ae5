"""Finished train steps whose artifact is missing: finds those that must run again, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from suite.core.run_dir import RunDir
from suite.models.artifact_files import difference
from suite.planning import Plan

if TYPE_CHECKING:
    from suite.results.store import ArtifactRecord, StepRecord, Store

DELETED: Final = "its artifact was deleted"


def lost_artifacts(
    plan: Plan, steps: Mapping[str, StepRecord], store: Store, home: RunDir, *, read: bool = False,
    restore: bool = False,
) -> dict[str, str]:  # fmt: skip
    """Step id -> why it must run again although it is finished: its artifact is missing, or has another size.

    With `read`, its content is also compared with its hash, which takes about a second for a gigabyte or two.

    Results stay valid if they were imported, or if the artifact was deleted since (`suite gc`). Such a train step must
    run again only if a step that is still to run needs its artifact, or to `restore` what evaluations had in effect.
    """
    done = {step for step, record in steps.items() if record.status == "done"}
    artifacts = store.artifacts([step.id for step in plan.steps if step.kind == "train" and step.id in done])
    absent = {step for step in done if steps[step].imported} | deleted_artifacts(artifacts)
    needed = {parent for step in plan.steps if restore and step.kind == "evaluate" for parent in step.parents}
    lost: dict[str, str] = {}
    for step in reversed(plan.steps):  # the steps that need a step come after it
        wanted = step.id in done and step.kind == "train" and (step.id in needed or step.id not in absent)
        if wanted and (why := _reason_lost(home.artifact(step.id), artifacts.get(step.id), steps[step.id], read)):
            lost[step.id] = f"{why} (it was imported)" if steps[step.id].imported else why
        if step.id not in done or step.id in lost:
            needed.update(step.parents)
    since = deleted_artifacts(store.artifacts(list(lost))) - deleted_artifacts(artifacts)
    if since:  # by another process, while their files were looked at
        return lost_artifacts(plan, steps, store, home, read=read, restore=restore)
    return lost


def deleted_artifacts(artifacts: Mapping[str, ArtifactRecord]) -> frozenset[str]:
    """The steps whose artifact was deleted, or imported without its files."""
    return frozenset(step for step, artifact in artifacts.items() if not artifact.path)


def _reason_lost(folder: Path, artifact: ArtifactRecord | None, step: StepRecord, read: bool) -> str:
    """Why an artifact cannot be used, by its files' sizes or their content; empty if it can be used."""
    if artifact is not None and not artifact.path and not step.imported:
        return DELETED
    if artifact is None or not folder.is_dir():
        return "its artifact is not here"
    try:
        size = sum(file.stat().st_size for file in folder.iterdir())
    except OSError as error:
        return f"its artifact cannot be read ({error.strerror})"
    if size != artifact.bytes:
        return f"its artifact has {size} bytes, not the {artifact.bytes} that were saved"
    differs = difference(folder, artifact.base, artifact.hash) if read else ""
    return f"its artifact {differs}" if differs else ""
