"""All stored records of one row, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.core.diagnostics import Finding, read
from suite.results.store import (
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    ResultsReader,
    ScoreRecord,
    StepLink,
    StepRecord,
)


@dataclass(frozen=True)
class SeedRecords:
    """One experiment's records. The mappings' keys are step ids, as the links have them."""

    record: ExperimentRecord
    links: tuple[StepLink, ...]
    steps: Mapping[str, StepRecord]
    scores: Mapping[str, tuple[ScoreRecord, ...]]
    curves: Mapping[str, tuple[CurvePointRecord, ...]]
    artifacts: Mapping[str, ArtifactRecord]
    findings: Mapping[str, tuple[Finding, ...]]

    @property
    def imported(self) -> bool:
        """Whether all of its steps were imported."""
        return all(step.imported for step in self.steps.values())

    @property
    def trained(self) -> tuple[StepLink, ...]:
        """The train steps, in order."""
        return tuple(link for link in self.links if link.part == "train")

    def evaluation(self, role: str, shots: int) -> StepLink | None:
        """The link of the step that answers a task at a shot count; None without one."""
        key = ("evaluate", role, shots)
        return next((link for link in self.links if (link.part, link.role, link.shots or 0) == key), None)


@dataclass(frozen=True)
class RowRecords:
    """A row's seeds."""

    seeds: tuple[SeedRecords, ...]
    evaluations: tuple[tuple[str, int], ...]
    """(role, shots), targets first."""

    @classmethod
    def of(
        cls, store: ResultsReader, experiments: Sequence[str], records: Mapping[str, ExperimentRecord]
    ) -> RowRecords:
        """The stored records of a row's experiments. `records` are the track's experiments by id."""
        seeds = _seeds(store, [records[name] for name in experiments])
        keys = [
            (str(link.role), int(link.shots or 0)) for seed in seeds for link in seed.links if link.part == "evaluate"
        ]
        return cls(seeds, tuple(dict.fromkeys(keys)))


def _seeds(store: ResultsReader, records: Sequence[ExperimentRecord]) -> tuple[SeedRecords, ...]:
    """The stored records of some experiments; each kind is read with one query."""
    links_by_id = store.links_of([record.id for record in records])
    links = [links_by_id.get(record.id, ()) for record in records]
    ids = [link.step_id for linked_steps in links for link in linked_steps]
    trained = [link.step_id for linked_steps in links for link in linked_steps if link.part == "train"]
    steps, scores, artifacts, contents = (
        store.steps(ids),
        store.scores(ids),
        store.artifacts(trained),
        store.findings(ids),
    )
    curves = store.curves(trained)
    findings = {step: tuple(read(name, content) for name, content in named.items()) for step, named in contents.items()}
    return tuple(
        SeedRecords(
            record=record,
            links=own,
            steps={link.step_id: steps[link.step_id] for link in own},
            scores={link.step_id: scores[link.step_id] for link in own if link.step_id in scores},
            curves={link.step_id: curves.get(link.step_id, ()) for link in own if link.part == "train"},
            artifacts={link.step_id: artifacts[link.step_id] for link in own if link.step_id in artifacts},
            findings={link.step_id: findings[link.step_id] for link in own if link.step_id in findings},
        )
        for record, own in zip(records, links, strict=True)
    )
