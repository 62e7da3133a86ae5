"""What the store has of the experiment that is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.core.errors import SuiteError
from suite.results.seeds import best_seed
from suite.results.stacks import Stacks, finished_stack, stacks_of
from suite.results.store import ArtifactRecord, ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.saving.facts import Facts, facts_of
from suite.specs.workspace import Workspace
from suite.tasks.definition import TaskFile, read_task


@dataclass(frozen=True)
class StoredExperiment:
    """An experiment with what answers its targets, or one of its tasks."""

    results: ExperimentResults
    seed_note: str
    """Which seed it is, and why."""
    stacks: Stacks
    artifacts: Mapping[str, ArtifactRecord]
    """Train step -> its artifact."""
    held_out: Mapping[str, frozenset[str] | None]
    """Held-out role -> the hashes of the artifacts that answered it; None: one of several models did."""
    tasks: Mapping[str, TaskFile]
    """The tasks' files, of those roles whose file is still what was run."""
    facts: Facts

    @property
    def record(self) -> ExperimentRecord:
        """The experiment."""
        return self.results.record

    @classmethod
    def read(
        cls, store: ResultsReader, members: Sequence[ExperimentResults], named: str | None, role: str | None
    ) -> StoredExperiment:
        """Read one of a row's experiments: the one with the id `named`, or the best seed.

        Raises SuiteError where it is not finished or was not asked the role.
        """
        seeds = ", ".join(str(member.record.seed) for member in members)
        if named is None:
            index, note = best_seed(store, members, [stacks_of(member, role).steps for member in members])
        else:
            index = next(index for index, member in enumerate(members) if member.record.id == named)
            seed = members[index].record.seed
            note = f"Seed {seed} of {seeds}, as asked." if len(members) > 1 else f"Seed {seed}."
        results = members[index]
        stacks, tasks = stacks_of(results, role), _tasks(results)
        steps = [step for stack in stacks.steps.values() for step in stack]
        return cls(
            results, note, stacks, store.artifacts(steps), _held_out(store, results), tasks,
            facts_of(store, results, members, tasks),
        )  # fmt: skip


def _tasks(results: ExperimentResults) -> dict[str, TaskFile]:
    """The files of the roles' tasks, where they are what was run."""
    record = results.record
    files = [] if record.imported else [Path(str(record.spec.get("file", "")))]
    folders = Workspace.here(*files).task_folders
    run = {role: step.config["task"] for role, shots in results.evaluations() if (step := results.step(role, shots))}
    tasks: dict[str, TaskFile] = {}
    for role, described in record.spec["roles"].items():
        try:
            task = read_task(str(described["task"]), folders, load_plugins=False)
        except SuiteError:
            continue  # the card says that the prompt is not known
        if run.get(role, task.fingerprint) == task.fingerprint:
            tasks[role] = task
    return tasks


def _held_out(store: ResultsReader, results: ExperimentResults) -> dict[str, frozenset[str] | None]:
    """What answered the held-out tasks."""
    stacks: dict[str, tuple[str, ...] | None] = {}
    for role, shots in results.evaluations():
        step = results.step(role, shots)
        if step is not None and role not in results.record.targets:
            stacks[role] = None if "dispatch" in step.config else finished_stack(results, step.config["stack"])
    artifacts = store.artifacts([step for stack in stacks.values() for step in stack or ()])
    return {
        role: None if stack is None else frozenset(artifacts[step].hash for step in stack)
        for role, stack in stacks.items()
    }
