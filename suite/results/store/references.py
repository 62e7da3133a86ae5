"""Which files of a home the store refers to; marks artifacts as deleted, so that no step takes them for present."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_, select, update

from suite.results.store.checksums import of_records
from suite.results.store.mapping import chunks, record_of
from suite.results.store.owners import Owner
from suite.results.store.records import ArtifactRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import ArtifactRow, ChecksumRow, ExperimentStepRow, StepRow
from suite.results.store.times import time_now
from suite.results.store.writing import LEASE_SECONDS

_TEXTS = re.compile(r'"([^"\\]*)"')


@dataclass(frozen=True)
class StepReferences:
    """What the store says of a step's files."""

    status: str
    running: bool
    """Whether a process works on it that may be alive."""
    in_experiment: bool
    """Whether an experiment has it. One that was planned again with other data or code has other steps."""
    has_artifact: bool
    """Whether its artifact is stored and not marked as deleted."""

    @property
    def needs_artifact(self) -> bool:
        """Whether the folder of its artifact is in use."""
        return self.running or self.has_artifact

    @property
    def needs_work(self) -> bool:
        """Whether its checkpoints and cached answers are in use: an attempt goes on from them."""
        return self.running or (self.in_experiment and self.status != "done")


class FileReferences(DatabaseSession):
    """Reads and changes which files are in use."""

    def references(self) -> dict[str, StepReferences]:
        """Step id -> what the store says of its files, for all steps."""
        with self._reading() as connection:
            return _references(connection)

    def models_with(self, kind: str) -> frozenset[str]:
        """The base models of which an experiment has an artifact of this kind, or has a train step to do."""
        of_kind = StepRow.id.in_(select(ArtifactRow.step_id).where(ArtifactRow.kind == kind))
        unfinished = and_(StepRow.kind == "train", StepRow.status != "done")
        in_experiment = StepRow.id.in_(select(ExperimentStepRow.step_id))
        query = select(StepRow.config).where(in_experiment, or_(of_kind, unfinished))
        with self._reading() as connection:
            configs = connection.execute(query).scalars()
            return frozenset(str(config["model"]["identity"]) for config in configs if "model" in config)

    def users_of(self, steps: Sequence[str]) -> dict[str, frozenset[str]]:
        """Step id -> the experiments that have it; steps without any are left out."""
        users: dict[str, set[str]] = {}
        query = select(ExperimentStepRow.step_id, ExperimentStepRow.experiment_id)
        with self._reading() as connection:
            for ids in chunks(steps):
                for step, experiment in connection.execute(query.where(ExperimentStepRow.step_id.in_(ids))):
                    users.setdefault(step, set()).add(experiment)
        return {step: frozenset(of_step) for step, of_step in sorted(users.items())}

    def deletable(self, steps: Sequence[str]) -> tuple[str, ...]:
        """Those of the steps whose artifact is here and no unfinished step needs it."""
        with self._reading() as connection:
            return _deletable(connection, steps)

    def mark_deleted(self, steps: Sequence[str]) -> tuple[str, ...]:
        """Mark the artifacts of those steps as deleted that are `deletable`, and return these steps.

        All their results stay. The caller deletes the folders afterwards. If a step needs the artifact later, or the
        user wants it back, its step runs again.
        """
        with self._writing() as connection:
            _lock(connection, steps)
            deleted = _deletable(connection, steps)
            for ids in chunks(deleted):
                of_steps = ArtifactRow.step_id.in_(ids)
                connection.execute(update(ArtifactRow).where(of_steps).values(path=""))
                rows = connection.execute(select(ArtifactRow.__table__).where(of_steps)).mappings().all()
                for row in rows:
                    checksum = of_records([record_of(ArtifactRecord, dict(row))])
                    of_step = ChecksumRow.step_id == row["step_id"]
                    connection.execute(update(ChecksumRow).where(of_step).values(artifact=checksum))
            return deleted

    def discard(self, step: str, in_use: Callable[[StepReferences], bool], move: Callable[[], None]) -> bool:
        """Call `move` unless a file of this step is `in_use`; no process can begin or end the step meanwhile.

        Returns whether `move` was called. It may run again if the database's server goes away meanwhile.
        """
        with self._writing() as connection:
            _lock(connection, [step])
            references = _references(connection, step).get(step)
            if references is not None and in_use(references):
                return False
            move()
            return True


def _lock(connection: Connection, steps: Sequence[str]) -> None:
    """Let no other process change these steps until the transaction ends; SQLite's has one writer anyway."""
    for ids in chunks(sorted(steps)):
        connection.execute(select(StepRow.id).where(StepRow.id.in_(ids)).order_by(StepRow.id).with_for_update()).all()


def _references(connection: Connection, step: str | None = None) -> dict[str, StepReferences]:
    """Step id -> its references, of all steps or of one."""
    linked, artifacts = select(ExperimentStepRow.step_id).distinct(), select(ArtifactRow.step_id, ArtifactRow.path)
    silence = time_now(connection) - StepRow.heartbeat
    steps = select(StepRow.id, StepRow.status, StepRow.owner, silence, StepRow.imported)
    if step is not None:
        linked, artifacts = (
            linked.where(ExperimentStepRow.step_id == step),
            artifacts.where(ArtifactRow.step_id == step),
        )
        steps = steps.where(StepRow.id == step)
    in_experiment = set(connection.execute(linked).scalars())
    paths = dict(connection.execute(artifacts).tuples().all())
    return {
        # an imported artifact has no path; its folder may have been copied to this home
        name: StepReferences(
            status, status == "running" and _may_live(owner, silent), name in in_experiment,
            name in paths and (bool(paths[name]) or imported),
        )
        for name, status, owner, silent, imported in connection.execute(steps.order_by(StepRow.id))
    }  # fmt: skip


def _may_live(name: str | None, silence: float | None) -> bool:
    """Whether the owner of a running step may be alive: on this machine, if its process exists, even if it is silent;
    elsewhere, if its last heartbeat, `silence` seconds ago, is within the lease."""
    owner = Owner.parse(name)
    if owner is not None and owner.is_dead(silence):
        return False
    return (owner is not None and owner.near) or (silence is not None and silence <= LEASE_SECONDS)


def _deletable(connection: Connection, steps: Sequence[str]) -> tuple[str, ...]:
    if not steps:
        return ()
    references = _references(connection)
    own = set(connection.execute(select(ArtifactRow.step_id).where(ArtifactRow.path != "")).scalars())
    stored = [step for step in dict.fromkeys(steps) if step in own and not references[step].running]
    needed: set[str] = set()
    for ids in chunks([step for step, each in references.items() if each.needs_work]):
        for config in connection.execute(select(StepRow.config).where(StepRow.id.in_(ids))).scalars():
            needed.update(_TEXTS.findall(json.dumps(config)))
    return tuple(step for step in stored if step not in needed)
