"""Which of several seeds is saved, where nobody names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suite.results.store import CurvePointRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import first_of_the_best


def best_seed(
    store: ResultsReader, members: Sequence[ExperimentResults], stacks: Sequence[Mapping[str, Sequence[str]]]
) -> tuple[int, str]:
    """The index of the seed with the highest score on the selection rows, of equals the first, and a note.

    Selection rows are neither trained on nor reported, so the reported scores stay fair. `stacks` are the train steps
    of each seed's roles; the last of a stack is the one that was trained last. Without scores it is the first seed.
    """
    steps = [[stack[-1] for stack in of_member.values() if stack] for of_member in stacks]
    curves = store.curves([step for of_member in steps for step in of_member])
    scores = [_mean([_best(curves.get(step, ())) for step in of_member]) for of_member in steps]
    seeds = ", ".join(str(member.record.seed) for member in members)
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return 0, f"Seed {members[0].record.seed} of {seeds}: the first; not all have scores on the selection rows."
    index = first_of_the_best(known)
    equal = ", the first of equals" if known.count(known[index]) > 1 else ""
    seed = members[index].record.seed
    return index, f"Seed {seed} of {seeds}: the highest score on the selection rows ({known[index]:.1f}{equal})."


def _best(curve: Sequence[CurvePointRecord]) -> float | None:
    values = [point.value for point in curve if point.name == "selection" and point.value is not None]
    return max(values, default=None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if values and len(known) == len(values) else None
