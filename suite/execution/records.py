"""Converts between the objects of a run and the records of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from suite.core.diagnostics import Finding
from suite.execution.cost import Cost
from suite.planning import Plan, Step
from suite.results.store import (
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
)
from suite.specs import Experiment

if TYPE_CHECKING:
    from suite.evaluation.evaluate import EvaluationResult
    from suite.execution.session import TrainOutcome


def experiment_records(plan: Plan) -> Iterator[tuple[ExperimentRecord, tuple[StepLink, ...]]]:
    """Yield each experiment with its links to steps, in the plan's order."""
    for planned in plan.experiments:
        experiment = planned.experiment
        record = ExperimentRecord(
            id=experiment.id,
            name=experiment.name,
            track=experiment.track.name,
            seed=experiment.seed,
            method=experiment.method,
            family=experiment.methods.get(experiment.method).FAMILY,
            targets=experiment.targets,
            source=experiment.source,
            spec={
                **experiment.resolved(),
                "variant": experiment.variant,
                "file": experiment.file,
                "sets": list(experiment.sets),
                **_origin(experiment),
            },
        )
        links = tuple(
            StepLink(step_id=link.step, part=link.part, role=link.role, shots=link.shots, position=position)
            for position, link in enumerate(planned.links)
        )
        yield record, links


def _origin(experiment: Experiment) -> dict[str, Any]:
    """The origin of a method from outside and the hash of its source; empty for suite's own methods."""
    origin = experiment.methods.origin(experiment.method)
    if origin is None:
        return {}
    return {"origin": {**origin.recorded(), "source": experiment.methods.source(experiment.method)}}


def step_record(step: Step) -> StepRecord:
    """A new step's record."""
    return StepRecord(id=step.id, kind=step.kind, title=step.title, config=dict(step.key))


def train_outcome(trained: TrainOutcome, cost: Cost, provenance: Provenance) -> StepOutcome:
    """The stored outcome of a finished train step."""
    artifact = trained.artifact
    return StepOutcome(
        curve=tuple(CurvePointRecord(step, name, value) for step, name, value in trained.curve),
        findings=_findings(trained.findings),
        artifact=ArtifactRecord(
            artifact.kind, artifact.hash, trained.base, artifact.parameters, trained.bytes, trained.folder.name
        ),
        costs=Costs(cost.seconds, cost.peak_memory, cost.tokens, trained.trained_parameters, trained.bytes),
        provenance=provenance,
    )


def evaluate_outcome(result: EvaluationResult, cost: Cost, provenance: Provenance) -> StepOutcome:
    """The stored outcome of a finished evaluate step."""
    return StepOutcome(
        scores=tuple(
            ScoreRecord(each.metric, each.value, each.stderr, each.n, each.primary, result.unparsable, result.truncated)
            for each in result.scores
        ),
        answers=tuple(AnswerRecord(**vars(answer)) for answer in result.answers),
        findings=_findings(result.findings),
        costs=Costs(cost.seconds, cost.peak_memory, result.tokens),
        provenance=provenance,
    )


def _findings(findings: Iterable[Finding]) -> tuple[FindingRecord, ...]:
    return tuple(FindingRecord(each.NAME, each.model_dump(mode="json")) for each in findings)
