"""Differences of candidates: the same numbers as `suite compare`, for one candidate and many others at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite.analysis.advice.schema import Candidate
from suite.analysis.board import Row
from suite.analysis.board.pairs import Key, PairTable
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast


@dataclass
class Differences:
    """Differences on the target, or in the held-out average. Answers are read when a difference needs them."""

    store: ResultsReader
    records: Mapping[str, ExperimentRecord]
    rows: Mapping[str, Row]
    """Variant -> row."""
    keys: Sequence[Key]
    """The evaluations that are read: the target's, or those of the held-out tasks."""
    shots: int | None = None
    """The shot count of the held-out average; None: the difference is that on the target."""
    _indices: dict[str, int] = field(default_factory=dict)
    _table: PairTable | None = None

    def minus(self, one: Candidate, subtracted: Sequence[Candidate]) -> dict[str, Contrast | None]:
        """Variant of another candidate -> the first one's value minus the other's; None if they are not comparable."""
        table = self.read([one, *subtracted])
        index, indices = self._indices[one.variant], [self._indices[other.variant] for other in subtracted]
        differences: Mapping[int, Contrast | None] = (
            table.task(index, indices, self.keys[0])
            if self.shots is None
            else table.average(index, indices, self.shots)
        )
        return {other.variant: differences.get(at) for other, at in zip(subtracted, indices, strict=True)}

    def read(self, candidates: Sequence[Candidate]) -> PairTable:
        """Read the answers of candidates together; those that are read already are not read again."""
        variants = list(dict.fromkeys([*self._indices, *(candidate.variant for candidate in candidates)]))
        if self._table is None or len(variants) > len(self._indices):
            self._indices = {variant: index for index, variant in enumerate(variants)}
            self._table = PairTable(self.store, "", self._members(variants))
        return self._table

    def _members(self, variants: Sequence[str]) -> list[tuple[ExperimentResults, ...]]:
        names = [self.rows[variant].experiments for variant in variants]
        records = [self.records[name] for experiments in names for name in experiments]
        results = {
            member.record.id: member for member in ExperimentResults.of_many(self.store, records, set(self.keys))
        }
        return [tuple(results[name] for name in experiments) for experiments in names]
