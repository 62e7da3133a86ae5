"""What a row's training took."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from suite.analysis.board.schema import RowCosts
from suite.core.hashing import fingerprint
from suite.results.store import StepRecord
from suite.results.store.experiment_results import ExperimentResults


def costs_of(members: Sequence[ExperimentResults]) -> RowCosts:
    """Training's costs: the sum over an experiment's train steps (its prerequisites too), the mean over seeds."""
    steps = [[member.steps[link.step_id] for link in member.links if link.part == "train"] for member in members]
    done = [each for each in steps if all(step.status == "done" for step in each)]
    taken = [_taken(each) for each in done]

    def mean(
        name: str, over: Callable[[list[float]], float], of: Sequence[Sequence[StepRecord]] = done
    ) -> float | None:
        given = [[getattr(step.costs, name) for step in each] for each in of]
        if not given or any(value is None for each in given for value in each):
            return None
        return statistics.fmean(over(each) for each in given)

    def whole(value: float | None) -> int | None:
        return None if value is None else round(value)

    trains = any(steps)
    return RowCosts(
        trained_parameters=whole(mean("trained_parameters", lambda each: max(each, default=0), taken)),
        seconds=mean("seconds", sum),
        peak_memory=whole(mean("peak_memory", max)) if trains else None,
        tokens=whole(mean("tokens", sum)),
        artifact_bytes=whole(mean("artifact_bytes", sum, taken)),
    )


def _taken(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """The train steps less the tries of a sweep: the steps that choose have taken up what is in use of those."""
    tried = [step.config.get("candidates") for step in steps]
    tries = {step for each in tried if isinstance(each, (list, tuple)) for step in map(str, each)}
    # by content: the site reads published steps under other names
    return [step for step in steps if fingerprint(step.config) not in tries] if tries else list(steps)
