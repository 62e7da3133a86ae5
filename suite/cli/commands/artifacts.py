"""Where the artifacts of rows lie, and the commands that save their models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suite.analysis.board import Row
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.results.commands import save_command
from suite.results.store import ResultsReader


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact on this machine, and how its model is saved."""

    row: str
    variant: str
    seed: int
    step: str
    title: str
    kind: str
    folder: str
    bytes: int
    save: str
    """The command that writes the row's model for plain libraries."""


def stored_artifacts(store: ResultsReader, home: RunDir, rows: Sequence[Row]) -> list[StoredArtifact]:
    """The artifacts of some rows that are in the folder of runs."""
    rows_by_id = {experiment: row for row in rows for experiment in row.experiments}
    records = [record for record in store.experiments() if record.id in rows_by_id]
    links = store.links_of([record.id for record in records])
    trained = {record.id: [link.step_id for link in links[record.id] if link.part == "train"] for record in records}
    ids = [step for of_experiment in trained.values() for step in of_experiment]
    steps, artifacts = store.steps(ids), store.artifacts(ids)
    return [
        StoredArtifact(
            row=record.name, variant=rows_by_id[record.id].variant, seed=record.seed, step=step,
            title=steps[step].title, kind=artifacts[step].kind, folder=str(home.artifact(step)),
            bytes=artifacts[step].bytes, save=save_command(record.name, record.spec),
        )
        for record in records
        for step in trained[record.id]
        if step in artifacts and home.artifact(step).is_dir()
    ]  # fmt: skip


def artifact_lines(artifacts: Sequence[StoredArtifact]) -> Iterator[str]:
    """The artifacts of one row, and how its model is saved."""
    for artifact in artifacts:
        yield f"seed {artifact.seed}: {artifact.kind} of {size(artifact.bytes)} in {artifact.folder}"
    yield from dict.fromkeys(f"save the model with {artifact.save}" for artifact in artifacts)
