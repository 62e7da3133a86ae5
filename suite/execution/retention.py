"""Which artifacts may go once results are stored: `budget.keep_artifacts` of a run, and `suite gc --keep-artifacts`."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from suite.core.disk import bytes_in
from suite.core.errors import SuiteError
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.execution.garbage import GarbageItem, delete_garbage
from suite.planning import Plan
from suite.results.seeds import best_seed
from suite.results.stacks import stacks_of
from suite.results.store import ExperimentRecord, StepReferences, Store
from suite.results.store.experiment_results import ExperimentResults
from suite.specs.blocks import KeepArtifacts

PAUSE: Final = 10.0
"""A run that took long to look for artifacts that may go looks again after so many times that long."""
QUICK_SECONDS: Final = 0.1
"""Looks that take less have no pause."""
REPLACED: Final = "no experiment has their steps any more"


def replaced_steps(references: Mapping[str, StepReferences]) -> tuple[str, ...]:
    """Steps with an artifact that no experiment has: it was planned again with other data or code."""
    return tuple(step for step, each in references.items() if each.has_artifact and not each.in_experiment)


def surplus_steps(
    store: Store, experiments: Sequence[ExperimentRecord], keep: Mapping[str, KeepArtifacts],
    unclaimed: Collection[str] = (),
) -> tuple[str, ...]:  # fmt: skip
    """Train steps of these experiments whose artifact none of their users keeps. `keep` has an entry for each.

    Of a row's experiments with `best`, the one that `suite save` takes keeps its artifacts. It is known once all are
    finished; before, all keep theirs. Experiments that are not among these keep all, but for the steps `unclaimed`.
    """
    results = ExperimentResults.of_many(store, experiments)
    retained = {step for each in _rows(results, keep) for step in _retained(store, each, keep)}
    trained = [link.step_id for each in results for link in each.links if link.part == "train"]
    candidates = [step for step in dict.fromkeys(trained) if step not in retained]
    users = store.users_of(candidates)
    own = {each.record.id for each in results}
    return tuple(step for step in candidates if step in unclaimed or users.get(step, frozenset()) <= own)


def _rows(
    results: Sequence[ExperimentResults], keep: Mapping[str, KeepArtifacts]
) -> Iterator[tuple[ExperimentResults, ...]]:
    """The experiments of each row, one a seed, that keep the same."""
    rows: dict[tuple[Any, ...], list[ExperimentResults]] = {}
    for each in results:
        record = each.record
        key = (record.track, record.name, record.spec.get("variant"), keep[record.id])
        rows.setdefault(key, []).append(each)
    return map(tuple, rows.values())


def _retained(store: Store, row: Sequence[ExperimentResults], keep: Mapping[str, KeepArtifacts]) -> Iterator[str]:
    """The train steps of a row whose artifacts stay."""
    policy = keep[row[0].record.id]
    finished = all(each.steps[link.step_id].status == "done" for each in row for link in each.links)
    if policy == "all" or (policy == "best" and not finished):
        yield from (link.step_id for each in row for link in each.links if link.part == "train")
    elif policy == "reported":
        yield from (step for each in row for step in _in_effect(each))
    elif policy == "best":
        yield from _in_effect(row[_best(store, row)])


def _best(store: Store, row: Sequence[ExperimentResults]) -> int:
    """The index of the seed that `suite save` takes."""
    try:
        return best_seed(store, row, [stacks_of(each, None).steps for each in row])[0]
    except SuiteError:  # it answers with no model that could be saved
        return 0


def _in_effect(results: ExperimentResults) -> Iterator[str]:
    """The train steps whose artifacts were in effect in any evaluation."""
    for role, shots in results.evaluations():
        step = results.step(role, shots)
        config: Mapping[str, Any] = {} if step is None else step.config
        yield from map(str, config.get("stack", ()))
        dispatch = config.get("dispatch") or {}
        yield from map(str, dispatch.get("asker", ()))
        for stack in (dispatch.get("stacks") or {}).values():
            yield from map(str, stack)


class RunRetention:
    """Deletes artifacts of a plan once no step of it needs them, as `budget.keep_artifacts` of each experiment says."""

    def __init__(self, plan: Plan, store: Store, home: RunDir, deleted: Collection[str] = ()) -> None:
        """`deleted` are steps whose artifact was deleted before the run: no experiment outside the plan keeps it."""
        self._store, self._home, self._deleted = store, home, deleted
        self._marked: set[str] = set()
        """Steps whose artifact this run has marked as deleted."""
        self._keep: dict[str, KeepArtifacts] = {
            planned.experiment.id: planned.experiment.track.budget.keep_artifacts for planned in plan.experiments
        }
        self._tracks = sorted({planned.experiment.track.name for planned in plan.experiments})
        self._all_stay = set(self._keep.values()) <= {"all"}
        self._next_look = 0.0

    def apply(self, *, last: bool = True) -> str | None:
        """Delete what may go by now. Returns a line about it; None if nothing did.

        It reads all steps of the plan. Unless it is the `last` time, it does nothing soon after a look that took long.
        """
        began = time.monotonic()
        if self._all_stay or (not last and began < self._next_look):
            return None
        surplus = set(surplus_steps(self._store, self._records, self._keep, self._deleted)) - self._marked
        now = time.monotonic()
        self._next_look = now + PAUSE * (now - began) if now - began > QUICK_SECONDS else 0.0
        marked = self._store.mark_deleted(sorted(surplus))
        self._marked.update(marked)
        items = [
            GarbageItem("artifacts", "budget.keep_artifacts", folder, bytes_in(folder), step)
            for step in marked
            if (folder := self._home.artifact(step)).exists()
        ]
        if not items:
            return None
        try:
            deleted = delete_garbage(self._store, items)
        except SuiteError as error:  # the run goes on; `suite gc` deletes it later
            return str(error)
        artifacts = "1 artifact" if len(deleted) == 1 else f"{len(deleted)} artifacts"
        return f"{artifacts} of {size(sum(item.bytes for item in deleted))} deleted (budget.keep_artifacts)"

    @cached_property
    def _records(self) -> list[ExperimentRecord]:
        """The plan's experiments, which are in the store before its first step begins."""
        records = (record for track in self._tracks for record in self._store.experiments(track))
        return [record for record in records if record.id in self._keep]
