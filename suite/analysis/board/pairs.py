"""Compares every two rows of a table: the same numbers as `compare`, computed for a row and all others at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from suite import stats
from suite.analysis.board.compare import Comparison, TaskDifference, averages_of, corrected, difference_of
from suite.analysis.board.contrasts import TERMS, check_terms, varies
from suite.analysis.board.costs import devices_of
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.row_differences import RowDifferences, SeedAnswers, row_differences
from suite.analysis.board.samples import Evaluated, evaluated
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast, Parts

SINGLY = 2000
"""The most differences that are computed singly, if rows share only some documents (a millisecond each)."""

Key = tuple[str, int]
Seeds = tuple[int | None, ...]
Groups = dict[Seeds | str, list[int]]
"""Rows by how they are compared: over these seeds, or singly: `OTHER_TERMS` (terms differ), `ALONE` (other reasons)."""
OTHER_TERMS, ALONE = "other terms", "alone"


def comparisons(
    store: ResultsReader, track: str, rows: Sequence[Sequence[ExperimentResults]]
) -> Iterator[dict[int, Comparison]]:
    """For each row, its comparisons with the rows after it, by their indices in `rows`.

    Rows that would need too many single computations (`SINGLY`) are left out.
    """
    table = PairTable(store, track, [tuple(row) for row in rows])
    return (table.of(index) for index in range(len(rows)))


class PairTable:
    """The rows' answers, which are read once, and the differences of rows."""

    def __init__(self, store: ResultsReader, track: str, rows: Sequence[tuple[ExperimentResults, ...]]) -> None:
        self.store, self.track, self.rows, self.singly = store, track, rows, 0
        self.keys = [row[0].evaluations() for row in rows]
        self.devices = [devices_of(row) for row in rows]
        self.keys_of_row = [set(keys) for keys in self.keys]
        self.kinds: dict[tuple[object, object], Seeds | str] = {}
        all_keys = list(dict.fromkeys(key for keys in self.keys for key in keys))
        self.evaluations = evaluated(store, [member for row in rows for member in row], all_keys)
        self.sides = {key: [_side(row, key, self.evaluations) for row in rows] for key in all_keys}
        self.roles = [{shots: row[0].held_out(shots) for _, shots in row[0].evaluations()} for row in rows]
        self.seeds = [
            {shots: _seeds_of(row, [(role, shots) for role in roles]) for shots, roles in roles_by_shots.items()}
            for row, roles_by_shots in zip(rows, self.roles, strict=True)
        ]

    def of(self, index: int) -> dict[int, Comparison]:
        """Compare a row with the rows after it."""
        other_rows = range(index + 1, len(self.rows))
        averages = self._averages(index)
        tasks: dict[int, dict[Key, TaskDifference]] = {other: {} for other in other_rows if other in averages}
        batch: dict[int, list[tuple[Key, list[int], RowDifferences]]] = {}
        for key in self.keys[index]:
            with_task = [other for other in tasks if key in self.keys_of_row[other]]
            for kind, group in self._groups(index, with_task, [key]).items():
                if isinstance(kind, tuple):
                    batch.setdefault(len(kind), []).append((key, group, self._differences(index, group, key, kind)))
                else:
                    for other in group:
                        tasks[other][key] = self._alone(index, other, key, kind)
        for of_length in batch.values():
            _add_differences(tasks, of_length)
        return {
            other: Comparison(
                track=self.track,
                first=self.rows[index][0].record.name,
                second=self.rows[other][0].record.name,
                tasks=corrected([by_key[key] for key in self.keys[index] if key in by_key]),
                averages=averages[other],
                devices=(self.devices[index], self.devices[other]),
            )
            for other, by_key in tasks.items()
        }

    def task(self, index: int, other_rows: Sequence[int], key: Key) -> dict[int, Contrast | None]:
        """Other row -> the row's score on a task minus the other's; None if they cannot be compared."""
        contrasts: dict[int, Contrast | None] = {}
        for kind, group in self._groups(index, other_rows, [key]).items():
            if isinstance(kind, tuple):
                differences = self._differences(index, group, key, kind)
                tested = stats.contrasts([differences.parts], differences.exact, differences.uneven)
                contrasts |= zip(group, tested, strict=True)
            else:
                contrasts |= {other: self._alone(index, other, key, kind).difference for other in group}
        return contrasts

    def average(self, index: int, other_rows: Sequence[int], shots: int) -> dict[int, Contrast]:
        """Other row -> the row's held-out average minus the other's, for rows with the same tasks."""
        roles = self.roles[index].get(shots, ())
        keys = [(role, shots) for role in roles]
        same_tasks = [other for other in other_rows if keys and set(self.roles[other].get(shots, ())) == set(roles)]
        averages: dict[int, Contrast] = {}
        for kind, group in self._groups(index, same_tasks, keys, shots).items():
            if isinstance(kind, tuple):
                differences = [self._differences(index, group, key, kind) for key in keys]
                tests = (differences[0].exact, differences[0].uneven) if len(keys) == 1 else ()
                contrasts = stats.contrasts([task.parts.weighted(1 / len(keys)) for task in differences], *tests)
                averages |= zip(group, contrasts, strict=True)
            elif kind == ALONE:
                for other in group:
                    rows = self.rows[index], self.rows[other]
                    alone = averages_of(self.store, *rows, [shots], self.evaluations)
                    if shots in alone:
                        averages[other] = alone[shots]
        return averages

    def _groups(self, index: int, other_rows: Sequence[int], keys: Sequence[Key], shots: int | None = None) -> Groups:
        """Other rows, grouped by how these tasks can be subtracted."""
        groups: Groups = {}
        for other in other_rows:
            kind = (
                self._kind_of(index, other, keys[0]) if shots is None else self._common_kind(index, other, keys, shots)
            )
            groups.setdefault(kind, []).append(other)
        return groups

    def _kind_of(self, index: int, other: int, key: Key) -> Seeds | str:
        one, two = self.sides[key][index], self.sides[key][other]
        if one is None or two is None:
            return ALONE
        pair = (one.form, two.form)
        if pair not in self.kinds:
            seeds = _in_common(one.seeds, two.seeds)
            same_terms = one.terms == two.terms
            same = seeds if one.documents == two.documents else ALONE
            self.kinds[pair] = (same if same_terms else OTHER_TERMS) if seeds else ALONE
        return self.kinds[pair]

    def _common_kind(self, index: int, other: int, keys: Sequence[Key], shots: int) -> Seeds | str:
        """The kind of several tasks together, over the seeds that any of them depends on."""
        kinds = {self._kind_of(index, other, key) for key in keys}
        for alone in (ALONE, OTHER_TERMS):
            if alone in kinds:
                return alone
        return _in_common(self.seeds[index][shots], self.seeds[other][shots]) or ALONE

    def _alone(self, index: int, other: int, key: Key, kind: Seeds | str) -> TaskDifference:
        """One difference, computed as `compare` does; a shortcut if the terms differ."""
        one, two = self.sides[key][index], self.sides[key][other]
        if kind == OTHER_TERMS and one and two:
            seed = (_in_common(one.seeds, two.seeds) or (None,))[0]
            try:
                check_terms(key, {"first": one.at(seed), "second": two.at(seed)})
            except Incomparable as reason:
                return TaskDifference(*key, None, None, None, None, str(reason))
        return difference_of(self.store, self.rows[index], self.rows[other], key, self.evaluations)

    def _differences(self, index: int, other_rows: Sequence[int], key: Key, seeds: Seeds) -> RowDifferences:
        """The row minus each of the others. All answered the same documents on the same terms."""
        one = self.sides[key][index]
        assert one is not None
        two = [side for other in other_rows if (side := self.sides[key][other])]
        return row_differences(one.of(seeds), [side.of(seeds) for side in two])

    def _averages(self, index: int) -> dict[int, dict[int, Contrast]]:
        """Other row -> shots -> the difference in held-out averages, without rows that need too many computations."""
        averages: dict[int, dict[int, Contrast]] = {}
        for other in range(index + 1, len(self.rows)):
            slow = sum(
                self._kind_of(index, other, key) == ALONE for key in self.keys[index] if key in self.keys_of_row[other]
            )
            if not slow or self.singly + slow <= SINGLY:
                self.singly += slow
                averages[other] = {}
        for shots in sorted(self.roles[index]):
            for other, average in self.average(index, [*averages], shots).items():
                averages[other][shots] = average
        return averages


@dataclass(frozen=True, eq=False)
class _Side:
    """A row's answers to a task, for all its seeds."""

    answers: Mapping[int, Evaluated]
    seeds: tuple[int, ...]
    """The seeds that the answers depend on."""
    terms: str
    """Settings that must be equal, so that a difference comes only from the models."""
    documents: object

    def at(self, seed: int | None) -> Evaluated:
        """The answers for a seed; any answers if the row does not depend on the seed."""
        answers = next(iter(self.answers.values()))
        return answers if seed is None else self.answers.get(seed, answers)

    def of(self, seeds: Seeds) -> SeedAnswers:
        """The answers for these seeds, as arrays."""
        if seeds not in self._numbers_by_seeds:
            self._numbers_by_seeds[seeds] = SeedAnswers.of([self.at(seed) for seed in seeds])
        return self._numbers_by_seeds[seeds]

    @cached_property
    def form(self) -> int:
        """Equal for two sides that differ only in their answers."""
        return hash((self.seeds, self.terms, self.documents))

    @cached_property
    def _numbers_by_seeds(self) -> dict[Seeds, SeedAnswers]:
        return {}


def _add_differences(
    tasks: Mapping[int, dict[Key, TaskDifference]], groups: Sequence[tuple[Key, list[int], RowDifferences]]
) -> None:
    """Add the differences of all tasks and rows that have the same number of seeds."""
    joined = Parts.joined([differences.parts for _, _, differences in groups])
    exact, uneven = (
        np.concatenate([getattr(differences, name) for _, _, differences in groups]) for name in ("exact", "uneven")
    )
    results = iter(stats.contrasts([joined], exact, uneven))
    for key, group, differences in groups:
        for index, other in enumerate(group):
            won, lost = (
                None if counts is None else int(counts[index]) for counts in (differences.won, differences.lost)
            )
            tasks[other][key] = TaskDifference(*key, next(results), None, won, lost)


def _side(row: Sequence[ExperimentResults], key: Key, evaluations: Mapping[str, Evaluated]) -> _Side | None:
    """A row's answers to a task; None if any are missing, or if its seeds had different questions."""
    steps = {member.record.seed: step for member in row if (step := member.step(*key))}
    answers = {seed: evaluations[step.id] for seed, step in steps.items() if step.id in evaluations}
    if len(answers) < len(row):
        return None
    questions = {(_terms(answer), _documents(answer)) for answer in answers.values()}
    if len(questions) > 1:
        return None
    ((terms, documents),) = questions
    return None if documents is None else _Side(answers, _seeds_of(row, [key]), terms, documents)


def _terms(answers: Evaluated) -> str:
    return repr(([answers.config.get(name) for name in TERMS], answers.score.metric))


def _documents(answers: Evaluated) -> object:
    """Equal if two evaluations answered the same documents; None if this needs a closer look."""
    if answers.scores is None:
        return None if answers.score.stderr is None else (answers.score.n, answers.distinct)
    if answers.distinct < 2 or len(answers.documents) != answers.score.n:
        return None
    same = None if answers.same is None else answers.same.cluster_ids.tobytes()
    return (str(answers.config.get("data")), answers.documents.tobytes(), answers.scores.ndim, same)


def _seeds_of(row: Sequence[ExperimentResults], keys: Sequence[Key]) -> tuple[int, ...]:
    return tuple(sorted(member.record.seed for member in row)) if varies(row, keys) else ()


def _in_common(one: tuple[int, ...], two: tuple[int, ...]) -> Seeds:
    """The shared seeds: (None,) if neither side depends on the seed; empty if they share none."""
    if not one or not two:
        return one or two or (None,)
    return tuple(sorted({*one} & {*two}))
