"""Computes the quantities of a comparison as one contrast."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from suite import stats
from suite.analysis.board.contrasts import Missing, Term, contrast_of, with_interval
from suite.analysis.board.costs import costs_of
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.formats import formats_of_row, part_of_shares, pooled_hits
from suite.analysis.board.named import NamedRows
from suite.analysis.board.samples import evaluated
from suite.analysis.claims.expectation import POINTS, Expectation, Quantity
from suite.results.store import StepRecord
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Clusters, Contrast, Part
from suite.stats.sample import Numbers


def value_of(rows: NamedRows, expectation: Expectation) -> Contrast:
    """The value of the comparison's sum. Raises Missing or Incomparable with the reason."""
    kind = expectation.terms[0][1].name
    if kind in POINTS:
        return _points(rows, expectation)
    of_kind = {"format_ratio": _ratios, "curve": _curves}
    return of_kind.get(kind, _costs)(rows, expectation)


def _points(rows: NamedRows, expectation: Expectation) -> Contrast:
    _check_averages(rows, [quantity for _, quantity in expectation.terms])
    terms = [term for sign, quantity in expectation.terms for term in _terms(rows, sign, quantity)]
    members = list({id(member): member for term in terms for member in term.row}.values())
    keys = dict.fromkeys((term.role, term.shots) for term in terms)
    return contrast_of(rows.store, terms, evaluated(rows.store, members, keys))


def _terms(rows: NamedRows, sign: int, quantity: Quantity) -> list[Term]:
    row = rows.named(quantity.experiment)
    if quantity.name == "target":
        return [Term(sign, row, *_target(row, quantity.role))]
    if quantity.name == "score":
        return [Term(sign, row, *_task(row, quantity))]
    shots = _shots(row, quantity)
    roles = row[0].held_out(shots)
    terms = [Term(sign / len(roles), row, role, shots) for role in roles]
    if quantity.name == "change":
        base = rows.base(row)
        terms += [Term(-term.weight, base, term.role, shots) for term in terms]
    return terms


def _target(row: Sequence[ExperimentResults], role: str | None) -> tuple[str, int]:
    name, targets = row[0].record.name, row[0].record.targets
    if role is None and len(targets) != 1:
        raise Missing(f"{name} has {len(targets)} targets: name one, as in target({name}, {(*targets, 'math')[0]})")
    target = role or targets[0]
    keys = [key for key in row[0].evaluations() if key[0] == target and target in targets]
    if not keys:
        raise Missing(f"{name} has no target '{target}'")
    return keys[0]


def _task(row: Sequence[ExperimentResults], quantity: Quantity) -> tuple[str, int]:
    counts = [shots for role, shots in row[0].evaluations() if role == quantity.role]
    if not counts or quantity.shots not in (None, *counts):
        at_shots = "" if quantity.shots is None else f" at {quantity.shots} shots"
        raise Missing(f"{quantity.experiment} was not asked '{quantity.role}'{at_shots}")
    return str(quantity.role), max(counts) if quantity.shots is None else quantity.shots


def _shots(row: Sequence[ExperimentResults], quantity: Quantity) -> int:
    """The shot count of an average; the most shots if none is given."""
    counts = {shots for role, shots in row[0].evaluations() if role in row[0].held_out_roles}
    if not counts or quantity.shots not in (None, *counts):
        at_shots = "" if quantity.shots is None else f" at {quantity.shots} shots"
        raise Missing(f"{quantity.experiment} has no held-out tasks{at_shots}")
    return max(counts) if quantity.shots is None else quantity.shots


def _check_averages(rows: NamedRows, quantities: Sequence[Quantity]) -> None:
    """Raises Incomparable unless all compared averages are over the same tasks."""
    averages = {
        quantity.experiment: (_shots(row, quantity), frozenset(row[0].held_out(_shots(row, quantity))))
        for quantity in quantities
        if quantity.name == "norm_avg"
        for row in [rows.named(quantity.experiment)]
    }
    if len({roles for _, roles in averages.values()}) > 1:
        raise Incomparable(f"the averages of {' and '.join(averages)} are over other tasks")


def _ratios(rows: NamedRows, expectation: Expectation) -> Contrast:
    """The sum of format ratios, over pooled answers with a score of 0 or 100 each."""
    members = [(sign, rows.named(quantity.experiment)) for sign, quantity in expectation.terms]
    seeds = _common([row for _, row in members])
    hits: list[Numbers] = []
    questions: set[tuple[object, ...]] = set()
    same: Clusters | None = None
    for sign, row in members:
        chosen = [next((member for member in row if member.record.seed == seed), row[0]) for seed in seeds]
        pooled = pooled_hits(rows.store, chosen, formats_of_row(row[0].record))
        if pooled is None:
            raise Missing(f"{row[0].record.name} has no format ratio")
        for of_seed in pooled:
            keys = [{**step.config, "stack": None, "dispatch": None} for step in _steps(chosen, of_seed.steps)]
            questions.add(tuple(str(key) for key in keys))
        hits.append(sign * np.array([of_seed.hits for of_seed in pooled]))
        same = pooled[0].same
    if len(questions) > 1:
        raise Incomparable("the format ratios are of other tasks or documents")
    total = np.sum(hits, axis=0)
    if len({of_seed.tobytes() for of_seed in total}) == 1:  # no answer depends on the seed
        total = total[:1]
    signs = [sign for sign, _ in members]
    low, high = 100.0 * sum(sign < 0 for sign in signs), 100.0 * sum(sign > 0 for sign in signs)
    part = part_of_shares(total, same, (-low, high))
    difference = stats.contrast([part])
    return difference if low else with_interval(difference, [part])


def _steps(members: Sequence[ExperimentResults], ids: Sequence[str]) -> list[StepRecord]:
    records = {step: record for member in members for step, record in member.steps.items()}
    return [records[step] for step in ids]


def _costs(rows: NamedRows, expectation: Expectation) -> Contrast:
    """The sum of seconds or trained parameters, which vary only with seeds."""

    def cost(member: ExperimentResults, quantity: Quantity) -> float:
        costs = costs_of([member])
        value = costs.seconds if quantity.name == "seconds" else costs.trained_parameters
        if value is None:
            raise Missing(f"{member.record.name} (seed {member.record.seed}): training is not finished")
        return value

    totals = _by_seed(rows, expectation, cost)
    if expectation.terms[0][1].name == "parameters":
        totals = np.array([statistics.fmean(totals)])
    elif len(totals) < 2:
        raise Missing(f"one seed does not tell how far seconds vary (found {totals[0]:+.1f})")
    return stats.contrast([Part(totals, 0.0, 0.0, 0)])


def _curves(rows: NamedRows, expectation: Expectation) -> Contrast:
    """The sum of values on curves of rows' own train steps, which vary only with seeds."""
    totals = _by_seed(rows, expectation, lambda member, of: _point(rows, member, str(of.curve), of.step))
    if len(totals) < 2:
        raise Missing(f"one seed does not tell how far a curve varies (found {totals[0]:+.2f})")
    return stats.contrast([Part(totals, 0.0, 0.0, 0)])


def _by_seed(
    rows: NamedRows, expectation: Expectation, value: Callable[[ExperimentResults, Quantity], float]
) -> Numbers:
    """The sum of the quantities for each shared seed."""
    members = [(sign, quantity, rows.named(quantity.experiment)) for sign, quantity in expectation.terms]
    seeds = _common([row for _, _, row in members])
    totals = np.zeros(len(seeds))
    for sign, quantity, row in members:
        for index, seed in enumerate(seeds):
            member = next((candidate for candidate in row if candidate.record.seed == seed), row[0])
            totals[index] += sign * value(member, quantity)
    return totals


def _point(rows: NamedRows, member: ExperimentResults, curve: str, step: int | None) -> float:
    trained = [link.step_id for link in member.links if link.part == "train"]
    recorded = rows.store.curve(trained[-1]) if trained else ()
    points = {point.step: point.value for point in recorded if point.name == curve}
    last = max(points, default=0) if step is None else step
    value = points.get(last)
    if value is None:
        after = "" if step is None else f" after step {step}"
        raise Missing(f"{member.record.name} (seed {member.record.seed}) has no curve '{curve}'{after}")
    return value


def _common(rows: Sequence[Sequence[ExperimentResults]]) -> list[int]:
    """The seeds shared by all rows that train anything; the first seed if no row does."""
    trained = [
        {member.record.seed for member in row} for row in rows if any(link.part == "train" for link in row[0].links)
    ]
    seeds = set.intersection(*trained) if trained else {rows[0][0].record.seed}
    if not seeds:
        raise Missing("no seed in common")
    return sorted(seeds)
