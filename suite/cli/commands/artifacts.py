"""Where the artifacts of rows lie, and the commands that save their models or bring deleted ones back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suite.analysis.board import Row
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.results.commands import restore_command, save_command
from suite.results.store import ResultsReader


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact of a step that was done here, and how its model is saved."""

    row: str
    variant: str
    seed: int
    step: str
    title: str
    kind: str
    folder: str | None
    """None: it was deleted (`suite gc`)."""
    bytes: int
    save: str
    """The command that writes the row's model for plain libraries."""
    restore: str
    """The command that trains it again, once it was deleted."""


def stored_artifacts(store: ResultsReader, home: RunDir, rows: Sequence[Row]) -> list[StoredArtifact]:
    """The artifacts of some rows that are in the folder of runs, or were deleted there."""
    rows_by_id = {experiment: row for row in rows for experiment in row.experiments}
    records = [record for record in store.experiments() if record.id in rows_by_id]
    links = store.links_of([record.id for record in records])
    trained = {record.id: [link.step_id for link in links[record.id] if link.part == "train"] for record in records}
    ids = [step for of_experiment in trained.values() for step in of_experiment]
    steps, artifacts = store.steps(ids), store.artifacts(ids)
    here = {step for step in artifacts if home.artifact(step).is_dir()}
    deleted = {step for step, artifact in artifacts.items() if not artifact.path and not steps[step].imported}
    return [
        StoredArtifact(
            row=record.name, variant=rows_by_id[record.id].variant, seed=record.seed, step=step,
            title=steps[step].title, kind=artifacts[step].kind,
            folder=str(home.artifact(step)) if step in here else None, bytes=artifacts[step].bytes,
            save=save_command(record.name, record.spec), restore=restore_command(record.name, record.spec, record.seed),
        )
        for record in records
        for step in trained[record.id]
        if step in here | deleted
    ]  # fmt: skip


def artifact_lines(artifacts: Sequence[StoredArtifact]) -> Iterator[str]:
    """The artifacts of one row, and how its model is saved."""
    for artifact in artifacts:
        where = "deleted" if artifact.folder is None else f"in {artifact.folder}"
        yield f"seed {artifact.seed}: {artifact.kind} of {size(artifact.bytes)} {where}"
    stored = [artifact for artifact in artifacts if artifact.folder is not None]
    yield from dict.fromkeys(f"save the model with {artifact.save}" for artifact in stored)
    deleted = [artifact for artifact in artifacts if artifact.folder is None]
    yield from dict.fromkeys(f"train what was deleted again with {artifact.restore}" for artifact in deleted)
