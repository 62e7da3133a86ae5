"""Rows by the names that claims and comparisons use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from suite.analysis.board.contrasts import Missing, NotRun
from suite.analysis.board.rows import PretrainedResults, base_of
from suite.analysis.board.schema import BASELINE
from suite.analysis.board.tables import grouped
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults


class NamedRows:
    """A track's experiments by name; each is read at most once."""

    def __init__(self, store: ResultsReader, track: str) -> None:
        self.store, self.track = store, track
        self._records = store.experiments(track)
        self._read: dict[str, tuple[ExperimentResults, ...]] = {}

    def named(self, name: str) -> tuple[ExperimentResults, ...]:
        """The row's members by seed. Raises NotRun if there is no such row.

        If rows with different settings have this name, it is the one on the track's terms that was run last.
        """
        if name not in self._read:
            variants = [group for group in grouped(self._records) if group[0].name == name]
            if not variants:
                raise NotRun(f"'{name}' was not run on {self.track}")
            self._read[name] = ExperimentResults.of_many(self.store, max(variants, key=_preference))
        return self._read[name]

    def base(self, row: Sequence[ExperimentResults]) -> tuple[ExperimentResults, ...]:
        """The pretrained model's experiment with the same questions. Raises Missing if there is none."""
        base = base_of(row[0], self._bases)
        if base is None:
            raise Missing(f"the pretrained model was not asked what {row[0].record.name} was")
        return (base.results,)

    @cached_property
    def _bases(self) -> tuple[PretrainedResults, ...]:
        records = [record for record in self._records if record.method == BASELINE]
        return tuple(PretrainedResults(results, {}) for results in ExperimentResults.of_many(self.store, records))


def _preference(group: Sequence[ExperimentRecord]) -> tuple[bool, str, int]:
    return not group[0].spec["changes"], max(record.created or "" for record in group), len(group)
