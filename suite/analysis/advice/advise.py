"""Choose a row: of those that learned the target, what is kept counts, then what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite.analysis.advice.differences import Differences
from suite.analysis.advice.schema import Advice, Candidate, Constraints
from suite.analysis.advice.words import because, excluded, unknown
from suite.analysis.board import BASELINE, Board, Row
from suite.results.store import ExperimentRecord, ResultsReader


def trained_targets(board: Board) -> list[str]:
    """The targets of a board that a row was trained for."""
    return sorted({target for row in board.rows if row.method != BASELINE for target in row.targets})


def advise(
    store: ResultsReader,
    board: Board,
    target: str,
    limits: Constraints = Constraints(),
    records: Mapping[str, ExperimentRecord] | None = None,
) -> Advice:
    """The row to take for a target. Rows that are incomplete or not on the track's terms are no choice.

    `records`: the track's experiments by id, if the caller has them.
    """
    if records is None:
        records = {record.id: record for record in store.experiments(board.track)}
    rows = [row for row in board.rows if target in row.targets and row.method != BASELINE]
    candidates = [_candidate(row, board, target, limits) for row in rows if _has_score(row, target)]
    candidates = sorted(candidates, key=_score_of, reverse=True)
    by_variant, most = {row.variant: row for row in rows}, max(board.shots, default=0)
    shots = next((cell.shots for row in rows for cell in row.target_scores if cell.role == target), 0)
    scores = Differences(store, records, by_variant, [(target, shots)])
    averages = Differences(store, records, by_variant, [(role, most) for role in board.roles], most)
    fitting = _placed([candidate for candidate in candidates if not candidate.excluded], scores, averages)
    choice = _choice(_learners(fitting, board.learned_share), scores, averages)
    advice = Advice(
        track=board.track,
        target=target,
        shots=shots,
        limits=limits,
        candidates=(*fitting, *(candidate for candidate in candidates if candidate.excluded)),
        choice=choice.name if choice else None,
        choice_variant=choice.variant if choice else None,
        because="",
        unknown=(),
    )
    compare = lambda one, other: scores.minus(one, [other])[other.variant]  # noqa: E731
    return replace(advice, because=because(advice, choice, compare), unknown=unknown(advice, choice, board))


def _has_score(row: Row, target: str) -> bool:
    return any(cell.role == target and cell.score is not None for cell in row.target_scores)


def _candidate(row: Row, board: Board, target: str, limits: Constraints) -> Candidate:
    most = max(board.shots, default=0)
    score = next(cell.score for cell in row.target_scores if cell.role == target)
    assert score is not None
    average, change = row.norm_avg.get(most), row.against.get(most)
    before = average.value - change.value if average and change else None  # of the pretrained row asked the same
    candidate = Candidate(
        name=row.name,
        variant=row.variant,
        score=score,
        gain=row.gained.get(target),
        average=average,
        retention=change,
        retained_share=average.value / before if average and before else None,
        seconds=row.costs.seconds,
        peak_memory=row.costs.peak_memory,
        artifact_bytes=row.costs.artifact_bytes,
        seeds=len(row.seeds),
        learned=row.learning is not None and target not in row.learning.unlearned,
    )
    return replace(candidate, excluded=tuple(excluded(row, candidate, limits)))


def _placed(fitting: Sequence[Candidate], scores: Differences, averages: Differences) -> list[Candidate]:
    """With their places on the Pareto front of score and held-out average.

    A candidate is compared with those on the front alone, first on the target: held-out answers are read only of
    candidates that are not significantly worse there.
    """
    front = _pareto(fitting)
    ahead = {candidate.variant: [best for best in front if _ahead(best, candidate)] for candidate in fitting}
    better = _better(front, fitting, ahead, scores)
    even = [candidate for candidate in fitting if ahead[candidate.variant] and not better[candidate.variant]]
    in_average = _better(front, even, ahead, averages)
    better = {variant: names or in_average.get(variant, ()) for variant, names in better.items()}
    return [
        replace(
            candidate,
            front="dominated" if better[candidate.variant] else "tied" if ahead[candidate.variant] else "on the front",
            better=better[candidate.variant],
        )
        for candidate in fitting
    ]


def _better(
    front: Sequence[Candidate],
    candidates: Sequence[Candidate],
    ahead: Mapping[str, Sequence[Candidate]],
    differences: Differences,
) -> dict[str, tuple[str, ...]]:
    """Variant of a candidate -> the names of those ahead of it that are significantly better."""
    better: dict[str, tuple[str, ...]] = {candidate.variant: () for candidate in candidates}
    compared = [candidate for candidate in candidates if ahead[candidate.variant]]
    if compared:
        differences.read([*(best for best in front if any(best in ahead[one.variant] for one in compared)), *compared])
    for best in front:
        behind = [candidate for candidate in compared if best in ahead[candidate.variant]]
        for variant, difference in differences.minus(best, behind).items() if behind else ():
            if difference is not None and difference.low > 0:
                better[variant] += (best.name,)
    return better


def _pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that no other is ahead of."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=_values, reverse=True):
        # the last one has the highest held-out average of all that score at least as much
        if not front or not _ahead(front[-1], candidate):
            front.append(candidate)
    return front


def _ahead(one: Candidate, other: Candidate) -> bool:
    """Whether one is at least as good in both values, and better in one."""
    values = _values(one), _values(other)
    return values[0] != values[1] and all(first >= second for first, second in zip(*values, strict=True))


def _learners(candidates: Sequence[Candidate], learned_share: float) -> list[Candidate]:
    """The candidates with at least this share of the best gain among them."""
    gains = [(candidate, candidate.gain.value) for candidate in candidates if candidate.learned and candidate.gain]
    best = max((gain for _, gain in gains), default=0.0)
    return [candidate for candidate, gain in gains if gain >= learned_share * best]


def _choice(learners: Sequence[Candidate], scores: Differences, averages: Differences) -> Candidate | None:
    """No other learner is ahead of the choice in score and held-out average. Of several such, it is the cheapest of
    those tied with the one that keeps most. If nothing held-out was measured, it is the cheapest of those tied with the
    highest score."""
    if not learners:
        return None
    if all(candidate.average is None for candidate in learners):
        return min(_tied(max(learners, key=_score_of), learners, scores), key=_cost_of)
    best = _pareto(learners)
    return min(_tied(max(best, key=_average_of), best, averages), key=_cost_of)


def _tied(best: Candidate, candidates: Sequence[Candidate], differences: Differences) -> list[Candidate]:
    """The best candidate and those that are not significantly worse."""
    rest = [candidate for candidate in candidates if candidate is not best]
    compared = differences.minus(best, rest) if rest else {}
    worse = {variant for variant, difference in compared.items() if difference is None or difference.low > 0}
    return [candidate for candidate in candidates if candidate.variant not in worse]


def _score_of(candidate: Candidate) -> float:
    return candidate.score.value


def _average_of(candidate: Candidate) -> float:
    return candidate.average.value if candidate.average else -math.inf


def _values(candidate: Candidate) -> tuple[float, float]:
    return _score_of(candidate), _average_of(candidate)


def _cost_of(candidate: Candidate) -> tuple[float, float, str]:
    """Training time, then the artifact's size; what is not known costs most."""
    seconds, size = candidate.seconds, candidate.artifact_bytes
    return math.inf if seconds is None else seconds, math.inf if size is None else size, candidate.name
