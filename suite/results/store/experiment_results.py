"""All stored results of an experiment except its answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from suite.results.store.reader import ResultsReader
from suite.results.store.records import ExperimentRecord, ScoreRecord, StepLink, StepRecord


@dataclass(frozen=True)
class ExperimentResults:
    """An experiment's results, read from the store once; the methods below run no queries."""

    record: ExperimentRecord
    links: tuple[StepLink, ...]
    steps: Mapping[str, StepRecord]
    scores: Mapping[str, tuple[ScoreRecord, ...]]

    @classmethod
    def of(cls, store: ResultsReader, record: ExperimentRecord) -> ExperimentResults:
        """The stored results of an experiment."""
        links = store.links(record.id)
        ids = [link.step_id for link in links]
        return cls(record, links, store.steps(ids), store.scores(ids))

    @classmethod
    def of_many(
        cls,
        store: ResultsReader,
        records: Sequence[ExperimentRecord],
        only: Collection[tuple[str, int]] | None = None,
    ) -> tuple[ExperimentResults, ...]:
        """The stored results of several experiments, read together. `only`: just these evaluations (role, shots)."""
        links: Mapping[str, Sequence[StepLink]] = store.links_of([record.id for record in records])
        if only is not None:
            links = {name: [link for link in own if _evaluation(link) in only] for name, own in links.items()}
        ids = [link.step_id for of_experiment in links.values() for link in of_experiment]
        steps, scores = store.steps(ids), store.scores(ids)
        return tuple(cls(record, tuple(links.get(record.id, ())), steps, scores) for record in records)

    @cached_property
    def _evaluated(self) -> Mapping[tuple[str, int], StepRecord]:
        evaluated = ((_evaluation(link), link.step_id) for link in reversed(self.links))
        return {key: self.steps[step] for key, step in evaluated if key is not None}

    @cached_property
    def held_out_roles(self) -> tuple[str, ...]:
        """The track's held-out roles without the targets."""
        return held_out_roles(self.record)

    def step(self, role: str, shots: int) -> StepRecord | None:
        """The step that evaluates a task."""
        return self._evaluated.get((role, shots))

    def primary(self, role: str, shots: int) -> ScoreRecord | None:
        """A task's score, if it has one."""
        step = self.step(role, shots)
        return next((score for score in self.scores.get(step.id, ()) if score.primary), None) if step else None

    def evaluations(self) -> list[tuple[str, int]]:
        """(role, shots) of every evaluation, targets first."""
        return [key for link in self.links if (key := _evaluation(link)) is not None]

    def held_out(self, shots: int) -> tuple[str, ...]:
        """The held-out roles that are evaluated at a shot count."""
        return tuple(role for role, count in self.evaluations() if count == shots and role in self.held_out_roles)


def _evaluation(link: StepLink) -> tuple[str, int] | None:
    """(role, shots) of a link to an evaluation; None for other links."""
    return (str(link.role), int(link.shots or 0)) if link.part == "evaluate" else None


def held_out_roles(record: ExperimentRecord) -> tuple[str, ...]:
    """The track's held-out roles without the targets."""
    return tuple(role for role in record.spec["track"]["held_out"]["roles"] if role not in record.targets)
