"""Which artifacts may go once results are stored: `budget.keep_artifacts` of a run, and `suite gc --keep-artifacts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.results.seeds import best_seed
from suite.results.stacks import stacks_of
from suite.results.store import ExperimentRecord, StepReferences, Store
from suite.results.store.experiment_results import ExperimentResults
from suite.specs.blocks import KeepArtifacts

REPLACED: Final = "no experiment has their steps any more"


def replaced_steps(references: Mapping[str, StepReferences]) -> tuple[str, ...]:
    """Steps with an artifact that no experiment has: it was planned again with other data or code."""
    return tuple(step for step, each in references.items() if each.has_artifact and not each.in_experiment)


def surplus_steps(
    store: Store, experiments: Sequence[ExperimentRecord], keep: Mapping[str, KeepArtifacts]
) -> tuple[str, ...]:
    """Train steps of these experiments whose artifact none of their users keeps. `keep` has an entry for each.

    Of a row's experiments with `best`, the one that `suite save` takes keeps its artifacts. It is known once all are
    finished; before, all keep theirs. Experiments that are not among these keep all.
    """
    results = ExperimentResults.of_many(store, experiments)
    retained = {step for each in _rows(results, keep) for step in _retained(store, each, keep)}
    trained = [link.step_id for each in results for link in each.links if link.part == "train"]
    candidates = [step for step in dict.fromkeys(trained) if step not in retained]
    users = store.users_of(candidates)
    own = {each.record.id for each in results}
    return tuple(step for step in candidates if users.get(step, frozenset()) <= own)


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
