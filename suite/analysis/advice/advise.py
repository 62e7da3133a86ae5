"""Choose a row: what is significantly better counts, then what is kept, then what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from suite.analysis.advice.schema import Advice, Candidate, Constraints
from suite.analysis.advice.words import because, excluded, unknown
from suite.analysis.board import BASELINE, Board, Row
from suite.analysis.board.compare import Members, averages_of, difference_of
from suite.analysis.board.samples import Evaluated, evaluated
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast

Compare = Callable[[str, str], Contrast | None]
"""Two variants -> the first one's value minus the second one's; None if they cannot be compared."""


def advise(store: ResultsReader, board: Board, target: str, limits: Constraints = Constraints()) -> Advice:
    """The row to take for a target. Rows that are incomplete or not on the track's terms are no choice."""
    rows = [row for row in board.rows if target in row.targets and row.method != BASELINE]
    pairs = _Pairs.of(store, board, rows, target)
    found = [_candidate(row, board, pairs, limits) for row in rows if _score(row, target) is not None]
    found = sorted(found, key=_score_of, reverse=True)
    fitting = [candidate for candidate in found if not candidate.excluded]
    fitting = [_placed(candidate, fitting, pairs) for candidate in fitting]
    choice = _choice([candidate for candidate in fitting if candidate.gain and candidate.gain.low > 0], pairs)
    others = [candidate for candidate in found if candidate.excluded]
    advice = Advice(
        board.track, target, pairs.shots, limits, (*fitting, *others), choice.name if choice else None, "", ()
    )
    return replace(advice, because=because(advice, choice, pairs.target), unknown=unknown(advice, choice, board))


def _score(row: Row, target: str) -> object:
    return next((cell.score for cell in row.target_scores if cell.role == target), None)


def _candidate(row: Row, board: Board, pairs: _Pairs, limits: Constraints) -> Candidate:
    most, base = max(board.shots, default=0), pairs.base
    cell = next(cell for cell in row.target_scores if cell.role == pairs.role)
    assert cell.score is not None
    average, change = row.norm_avg.get(most), row.against.get(most)
    before = average.value - change.value if average and change else None  # of the pretrained row asked the same
    candidate = Candidate(
        name=row.name,
        variant=row.variant,
        score=cell.score,
        gain=pairs.target(row.variant, base.variant) if base else None,
        retention=row.against.get(most),
        retained_share=average.value / before if average and before else None,
        seconds=row.costs.seconds,
        peak_memory=row.costs.peak_memory,
        artifact_bytes=row.costs.artifact_bytes,
        seeds=len(row.seeds),
    )
    return replace(candidate, excluded=tuple(excluded(row, candidate, limits)))


def _placed(candidate: Candidate, fitting: Sequence[Candidate], pairs: _Pairs) -> Candidate:
    """With its place on the Pareto front of score and held-out average."""
    ahead = [other for other in fitting if _ahead(other, candidate)]
    clearly = [other.name for other in ahead if _clearly(other, candidate, pairs)]
    return replace(
        candidate, front="dominated" if clearly else "tied" if ahead else "on the front", better=tuple(clearly)
    )


def _ahead(one: Candidate, other: Candidate) -> bool:
    """Whether one is at least as good in both values, and better in one."""
    values = [(_score_of(candidate), _retention_of(candidate)) for candidate in (one, other)]
    return values[0] != values[1] and all(first >= second for first, second in zip(*values, strict=True))


def _clearly(one: Candidate, other: Candidate, pairs: _Pairs) -> bool:
    """Whether one of the two differences is significant."""
    differences = (pairs.target(one.variant, other.variant), pairs.retention(one.variant, other.variant))
    return any(difference is not None and difference.low > 0 for difference in differences)


def _choice(candidates: Sequence[Candidate], pairs: _Pairs) -> Candidate | None:
    """Of those tied with the highest score, those tied with the one that keeps most. Of these, no other is ahead of the
    choice in score and held-out average; if that leaves several, it is the cheapest."""
    if not candidates:
        return None
    highest = max(candidates, key=_score_of)
    tied = [candidate for candidate in candidates if _tied(pairs.target, highest, candidate)]
    keeps = max(tied, key=_retention_of)
    tied = [candidate for candidate in tied if _tied(pairs.retention, keeps, candidate)]
    tied = [candidate for candidate in tied if not any(_ahead(other, candidate) for other in tied)]
    return min(tied, key=_cost_of)


def _tied(compare: Compare, best: Candidate, other: Candidate) -> bool:
    if best is other:
        return True
    difference = compare(best.variant, other.variant)
    return difference is not None and difference.low <= 0


def _score_of(candidate: Candidate) -> float:
    return candidate.score.value


def _retention_of(candidate: Candidate) -> float:
    return candidate.retention.value if candidate.retention else -math.inf


def _cost_of(candidate: Candidate) -> tuple[float, float, str]:
    """Training time, then the artifact's size; what is not known costs most."""
    seconds, size = candidate.seconds, candidate.artifact_bytes
    return math.inf if seconds is None else seconds, math.inf if size is None else size, candidate.name


@dataclass
class _Pairs:
    """Differences of rows, each computed once, when it is first needed."""

    store: ResultsReader
    role: str
    shots: int
    most: int
    """The largest shot count of the held-out tasks."""
    base: Row | None
    """The pretrained row that was asked the target."""
    members: Mapping[str, Members]
    evaluations: Mapping[str, Evaluated]
    _cache: dict[tuple[str, str, str], Contrast | None] = field(default_factory=dict)

    @classmethod
    def of(cls, store: ResultsReader, board: Board, rows: Sequence[Row], target: str) -> _Pairs:
        bases = [row for row in board.rows if row.method == BASELINE and not row.changes]
        asked = [row for row in bases if any(cell.role == target for cell in (*row.target_scores, *row.held_out))]
        compared = [*rows, *asked[:1]]
        records = {record.id: record for record in store.experiments(board.track)}
        members = {
            row.variant: ExperimentResults.of_many(store, [records[identity] for identity in row.experiments])
            for row in compared
        }
        shots = next((cell.shots for row in rows for cell in row.target_scores if cell.role == target), 0)
        most = max(board.shots, default=0)
        keys = [(target, shots), *((role, most) for role in board.roles)]
        everybody = [member for group in members.values() for member in group]
        known = [key for key in dict.fromkeys(keys) if any(member.step(*key) for member in everybody)]
        base = asked[0] if asked else None
        return cls(store, target, shots, most, base, members, evaluated(store, everybody, known))

    def target(self, one: str, other: str) -> Contrast | None:
        """The first variant's target score minus the second one's."""

        def difference() -> Contrast | None:
            key = (self.role, self.shots)
            return difference_of(self.store, *self._both(one, other), key, self.evaluations).difference

        return self._once("target", one, other, difference)

    def retention(self, one: str, other: str) -> Contrast | None:
        """The first variant's held-out average minus the second one's."""

        def difference() -> Contrast | None:
            return averages_of(self.store, *self._both(one, other), [self.most], self.evaluations).get(self.most)

        return self._once("retention", one, other, difference)

    def _both(self, one: str, other: str) -> tuple[Members, Members]:
        return self.members[one], self.members[other]

    def _once(self, what: str, one: str, other: str, make: Callable[[], Contrast | None]) -> Contrast | None:
        key = (what, one, other)
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]
