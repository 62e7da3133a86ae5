"""Every two rows of a table compared at once: what `compare` gives, for a row and all others in one reckoning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from suite import stats
from suite.analysis.board.compare import Comparison, TaskDifference, averages_of, corrected, difference_of
from suite.analysis.board.contrasts import TERMS, check_terms, varies
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.less import Less, SeedAnswers, less_of
from suite.analysis.board.samples import Answered, answered
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast, Parts

SINGLY = 2000
"""How many differences are reckoned one by one, where rows share some of their documents only (a millisecond each)."""

Key = tuple[str, int]
Seeds = tuple[int | None, ...]
Groups = dict[Seeds | str, list[int]]
"""Rows by how they are compared: over these seeds, or why they cannot be (`TERMS`, or `ALONE`: see what is found)."""
OTHER_TERMS, ALONE = "other terms", "alone"


def comparisons(
    store: ResultsReader, track: str, rows: Sequence[Sequence[ExperimentResults]]
) -> Iterator[dict[int, Comparison]]:
    """For each row its comparisons with the rows after it, by their places in `rows`.

    Those that would have to be reckoned one by one, and are too many (`SINGLY`), are left out.
    """
    table = _Table(store, track, [tuple(row) for row in rows])
    return (table.of(at) for at in range(len(rows)))


class _Table:
    """The rows' answers, read once."""

    def __init__(self, store: ResultsReader, track: str, rows: Sequence[tuple[ExperimentResults, ...]]) -> None:
        self.store, self.track, self.rows, self.singly = store, track, rows, 0
        self.keys = [row[0].evaluations() for row in rows]
        self.asked = [set(keys) for keys in self.keys]
        self.kinds: dict[tuple[object, object], Seeds | str] = {}
        every = list(dict.fromkeys(key for keys in self.keys for key in keys))
        self.found = answered(store, [member for row in rows for member in row], every)
        self.sides = {key: [_side(row, key, self.found) for row in rows] for key in every}
        self.roles = [{shots: row[0].held_out(shots) for _, shots in row[0].evaluations()} for row in rows]
        self.seeds = [
            {shots: _seeds_of(row, [(role, shots) for role in roles]) for shots, roles in each.items()}
            for row, each in zip(rows, self.roles, strict=True)
        ]

    def of(self, at: int) -> dict[int, Comparison]:
        """The row's comparisons with those after it."""
        others = range(at + 1, len(self.rows))
        averages = self._averages(at)
        tasks: dict[int, dict[Key, TaskDifference]] = {other: {} for other in others if other in averages}
        batch: dict[int, list[tuple[Key, list[int], Less]]] = {}
        for key in self.keys[at]:
            asked = [other for other in tasks if key in self.asked[other]]
            for kind, group in self._groups(at, asked, [key]).items():
                if isinstance(kind, tuple):
                    batch.setdefault(len(kind), []).append((key, group, self._less(at, group, key, kind)))
                else:
                    for other in group:
                        tasks[other][key] = self._alone(at, other, key, kind)
        for those in batch.values():
            _reckon(tasks, those)
        return {
            other: Comparison(
                track=self.track,
                first=self.rows[at][0].record.name,
                second=self.rows[other][0].record.name,
                tasks=corrected([found[key] for key in self.keys[at] if key in found]),
                averages=averages[other],
            )
            for other, found in tasks.items()
        }

    def _groups(self, at: int, others: Sequence[int], keys: Sequence[Key], shots: int | None = None) -> Groups:
        """Other rows by how these tasks can be subtracted."""
        found: Groups = {}
        for other in others:
            kind = self._kind_of(at, other, keys[0]) if shots is None else self._common_kind(at, other, keys, shots)
            found.setdefault(kind, []).append(other)
        return found

    def _kind_of(self, at: int, other: int, key: Key) -> Seeds | str:
        one, two = self.sides[key][at], self.sides[key][other]
        if one is None or two is None:
            return ALONE
        pair = (one.form, two.form)
        if pair not in self.kinds:
            seeds = _in_common(one.seeds, two.seeds)
            alike = one.terms == two.terms
            same = seeds if one.documents == two.documents else ALONE
            self.kinds[pair] = (same if alike else OTHER_TERMS) if seeds else ALONE
        return self.kinds[pair]

    def _common_kind(self, at: int, other: int, keys: Sequence[Key], shots: int) -> Seeds | str:
        """That of several tasks at once, over the seeds that any of them depends on."""
        kinds = {self._kind_of(at, other, key) for key in keys}
        for alone in (ALONE, OTHER_TERMS):
            if alone in kinds:
                return alone
        return _in_common(self.seeds[at][shots], self.seeds[other][shots]) or ALONE

    def _alone(self, at: int, other: int, key: Key, kind: Seeds | str) -> TaskDifference:
        """One difference, as `compare` has it; quickly where the terms are others."""
        one, two = self.sides[key][at], self.sides[key][other]
        if kind == OTHER_TERMS and one and two:
            seed = (_in_common(one.seeds, two.seeds) or (None,))[0]
            try:
                check_terms(key, {"first": one.at(seed), "second": two.at(seed)})
            except Incomparable as reason:
                return TaskDifference(*key, None, None, None, None, str(reason))
        return difference_of(self.store, self.rows[at], self.rows[other], key, self.found)

    def _less(self, at: int, others: Sequence[int], key: Key, seeds: Seeds) -> Less:
        """The row less each of the others, which were asked the same documents on the same terms."""
        one = self.sides[key][at]
        assert one is not None
        two = [side for other in others if (side := self.sides[key][other])]
        return less_of(one.of(seeds), [side.of(seeds) for side in two])

    def _averages(self, at: int) -> dict[int, dict[int, Contrast]]:
        """Other row -> shots -> the difference of the held-out average; without the rows that are left out."""
        found: dict[int, dict[int, Contrast]] = {}
        for other in range(at + 1, len(self.rows)):
            slow = sum(self._kind_of(at, other, key) == ALONE for key in self.keys[at] if key in self.asked[other])
            if not slow or self.singly + slow <= SINGLY:
                self.singly += slow
                found[other] = {}
        for shots in sorted(shots for shots, roles in self.roles[at].items() if roles):
            keys = [(role, shots) for role in self.roles[at][shots]]
            alike = [other for other in found if set(self.roles[other].get(shots, ())) == set(self.roles[at][shots])]
            for kind, group in self._groups(at, alike, keys, shots).items():
                if isinstance(kind, tuple):
                    less = [self._less(at, group, key, kind) for key in keys]
                    tests = (less[0].exact, less[0].uneven) if len(keys) == 1 else ()
                    each = stats.contrasts([task.parts.weighted(1 / len(keys)) for task in less], *tests)
                    for other, average in zip(group, each, strict=True):
                        found[other][shots] = average
                elif kind == ALONE:
                    for other in group:
                        found[other] |= averages_of(self.store, self.rows[at], self.rows[other], [shots], self.found)
        return found


@dataclass(frozen=True, eq=False)
class _Side:
    """A row's answers to a task, of all its seeds."""

    answers: Mapping[int, Answered]
    seeds: tuple[int, ...]
    """The seeds that they depend on."""
    terms: str
    """What must be equal for a difference to be one of the models that answered."""
    documents: object

    def at(self, seed: int | None) -> Answered:
        """The answers of a seed; any, where the row does not depend on it."""
        some = next(iter(self.answers.values()))
        return some if seed is None else self.answers.get(seed, some)

    def of(self, seeds: Seeds) -> SeedAnswers:
        """The answers of some seeds, as numbers."""
        if seeds not in self._known:
            self._known[seeds] = SeedAnswers.of([self.at(seed) for seed in seeds])
        return self._known[seeds]

    @cached_property
    def form(self) -> int:
        """Equal for sides that are equal in all but what was answered."""
        return hash((self.seeds, self.terms, self.documents))

    @cached_property
    def _known(self) -> dict[Seeds, SeedAnswers]:
        return {}


def _reckon(tasks: Mapping[int, dict[Key, TaskDifference]], those: Sequence[tuple[Key, list[int], Less]]) -> None:
    """The differences of all tasks and rows that have as many seeds."""
    joined = Parts.joined([less.parts for _, _, less in those])
    exact, uneven = (np.concatenate([getattr(less, name) for _, _, less in those]) for name in ("exact", "uneven"))
    results = iter(stats.contrasts([joined], exact, uneven))
    for key, group, less in those:
        for place, other in enumerate(group):
            won, lost = (None if each is None else int(each[place]) for each in (less.won, less.lost))
            tasks[other][key] = TaskDifference(*key, next(results), None, won, lost)


def _side(row: Sequence[ExperimentResults], key: Key, found: Mapping[str, Answered]) -> _Side | None:
    """None where something is missing, or where the row's seeds were not asked alike."""
    steps = {member.record.seed: step for member in row if (step := member.step(*key))}
    answers = {seed: found[step.id] for seed, step in steps.items() if step.id in found}
    if len(answers) < len(row):
        return None
    asked = {(_terms(each), _documents(each)) for each in answers.values()}
    if len(asked) > 1:
        return None
    ((terms, documents),) = asked
    return None if documents is None else _Side(answers, _seeds_of(row, [key]), terms, documents)


def _terms(answers: Answered) -> str:
    return repr(([answers.asked.get(name) for name in TERMS], answers.score.metric))


def _documents(answers: Answered) -> object:
    """Equal where two answered the very same documents; None where it takes a closer look."""
    if answers.scores is None:
        return None if answers.score.stderr is None else (answers.score.n, answers.distinct)
    if answers.distinct < 2 or len(answers.documents) != answers.score.n:
        return None
    same = None if answers.same is None else answers.same.places.tobytes()
    return (str(answers.asked.get("data")), answers.documents.tobytes(), answers.scores.ndim, same)


def _seeds_of(row: Sequence[ExperimentResults], keys: Sequence[Key]) -> tuple[int, ...]:
    return tuple(sorted(member.record.seed for member in row)) if varies(row, keys) else ()


def _in_common(one: tuple[int, ...], two: tuple[int, ...]) -> Seeds:
    """As `contrasts` has it: one of None where neither depends on the seed; none where they share none."""
    if not one or not two:
        return one or two or (None,)
    return tuple(sorted({*one} & {*two}))
