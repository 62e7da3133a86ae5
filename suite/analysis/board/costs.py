"""The costs of a row's training, and the devices that computed a row."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from suite.analysis.board.schema import RowCosts
from suite.core.hashing import fingerprint
from suite.results.store import StepRecord
from suite.results.store.experiment_results import ExperimentResults


def costs_of(members: Sequence[ExperimentResults]) -> RowCosts:
    """Costs of training, as means over seeds of the sums over an experiment's train steps, including prerequisites."""
    steps = [[member.steps[link.step_id] for link in member.links if link.part == "train"] for member in members]
    done = [training for training in steps if all(step.status == "done" for step in training)]
    without_tries = [_without_tries(training) for training in done]

    def mean(
        name: str, reduce: Callable[[list[float]], float], trainings: Sequence[Sequence[StepRecord]] = done
    ) -> float | None:
        costs = [[getattr(step.costs, name) for step in training] for training in trainings]
        if not costs or any(value is None for of_training in costs for value in of_training):
            return None
        return statistics.fmean(reduce(of_training) for of_training in costs)

    def whole(value: float | None) -> int | None:
        return None if value is None else round(value)

    trains = any(steps)
    return RowCosts(
        trained_parameters=whole(mean("trained_parameters", lambda counts: max(counts, default=0), without_tries)),
        seconds=mean("seconds", sum),
        peak_memory=whole(mean("peak_memory", max)) if trains else None,
        tokens=whole(mean("tokens", sum)),
        artifact_bytes=whole(mean("artifact_bytes", sum, without_tries)),
    )


def devices_of(members: Sequence[ExperimentResults]) -> tuple[str, ...]:
    """The classes of the devices that a row's finished steps ran on, in alphabetical order; empty if none is known."""
    classes = {step.provenance.device_class for member in members for step in member.steps.values()}
    return tuple(sorted(name for name in classes if name is not None))


def _without_tries(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """The train steps without the tries of a sweep: the choosing step already includes the costs of the chosen try."""
    candidates = [step.config.get("candidates") for step in steps]
    tries = {step for of_step in candidates if isinstance(of_step, (list, tuple)) for step in map(str, of_step)}
    # by content: the site reads published steps under other names
    return [step for step in steps if fingerprint(step.config) not in tries] if tries else list(steps)
