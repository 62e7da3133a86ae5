"""The disk of a plan over time: when each artifact may go (`budget.keep_artifacts`), and how much is there at most."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from suite.planning.steps import Evaluate, Plan, Planned, Step
from suite.specs.blocks import KeepArtifacts


@dataclass(frozen=True)
class DiskUse:
    """Bytes that steps write, one after the other."""

    artifacts: int
    """Of artifacts that stay."""
    checkpoints: int
    """Of the largest checkpoints, which go when their step is done."""
    factors: int
    """Of cached SVD factors, which stay."""
    peak: int
    """Of all together, when they are most."""


def disk_use(
    plan: Plan, todo: Collection[str], cached: Mapping[str, int], keep: KeepArtifacts | None = None, *,
    checkpoints: bool = True,
) -> DiskUse:  # fmt: skip
    """What the steps `todo` write. `cached` are bytes of SVD factors that are there, by base model.

    `keep` takes the place of each experiment's own `budget.keep_artifacts`; without `checkpoints`, none are written.
    """
    released = _released(plan, keep)
    artifacts = peak = largest = 0
    factors: dict[str, int] = {}
    for index, step in enumerate(plan.steps):
        if step.id in todo:
            cost, model = step.estimate, _model_of(step)
            factors[model] = max(factors.get(model, 0), cost.factors - cached.get(model, 0))
            written = cost.checkpoints if checkpoints else 0
            largest = max(largest, written)
            # a new checkpoint stands beside the old one, then the artifact beside the last one
            busiest = max(written, written // 2 + cost.artifact)
            peak = max(peak, artifacts + sum(factors.values()) + busiest)
            artifacts += cost.artifact
        artifacts -= sum(each.estimate.artifact for each in released.get(index, ()) if each.id in todo)
    return DiskUse(artifacts, largest, sum(factors.values()), peak)


def _model_of(step: Step) -> str:
    return str((step.key.get("model") or {}).get("identity", ""))


def _released(plan: Plan, keep: KeepArtifacts | None) -> Mapping[int, tuple[Step, ...]]:
    """Index of a step in the plan -> the steps whose artifacts are deleted once it is done."""
    order = {step.id: index for index, step in enumerate(plan.steps)}
    last = dict(order)
    for step in plan.steps:
        for parent in step.parents:
            last[parent] = max(last[parent], order[step.id])
    rows: dict[tuple[str, str, str, KeepArtifacts], list[Planned]] = {}
    for planned in plan.experiments:
        experiment = planned.experiment
        own = keep or experiment.track.budget.keep_artifacts
        rows.setdefault((experiment.track.name, experiment.name, experiment.variant, own), []).append(planned)
    steps = {step.id: step for step in plan.steps}
    retained: set[str] = set()
    for (_, _, _, policy), row in rows.items():
        if policy == "best":  # which seed is the best is known when all are done
            end = max(order[link.step] for planned in row for link in planned.links)
            for planned in row:
                last.update({link.step: max(last[link.step], end) for link in planned.links})
        for planned in row[:1] if policy == "best" else row:
            retained |= _retained(planned, policy, steps)
    released: dict[int, tuple[Step, ...]] = {}
    for step in plan.steps:
        if step.kind == "train" and step.id not in retained:
            released[last[step.id]] = (*released.get(last[step.id], ()), step)
    return released


def _retained(planned: Planned, policy: KeepArtifacts, steps: Mapping[str, Step]) -> set[str]:
    """The steps of an experiment whose artifacts stay."""
    if policy == "none":
        return set()
    if policy == "all":
        return {link.step for link in planned.links}
    works = (steps[link.step].work for link in planned.links)
    return {parent for work in works if isinstance(work, Evaluate) for parent in work.parents}
