"""Judges claims from stored results, with statistics paired over documents and seeds."""

from __future__ import annotations

import math
from dataclasses import replace

from suite.analysis.board.contrasts import Missing, NotRun
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.named import NamedRows
from suite.analysis.claims.expectation import Expectation
from suite.analysis.claims.quantities import value_of
from suite.analysis.claims.schema import Claim, Claims, Recording
from suite.analysis.claims.verdict import Status, Verdict, verdict_of
from suite.results.store import ResultsReader
from suite.stats import ALPHA, Contrast


def judge(store: ResultsReader, claims: Claims, track: str | None = None) -> tuple[Verdict, ...]:
    """Each claim's verdict, on the file's track or another one.

    Claims are independent: p-values are not corrected for the number of claims.
    """
    rows, usual = NamedRows(store, track or claims.track), claims.matters
    return tuple(replace(_judged(rows, claim, usual), experiments=_experiments(rows, claim)) for claim in claims.claims)


def judge_further(store: ResultsReader, claims: Claims, track: str) -> tuple[Verdict, ...]:
    """The verdicts on a further track of a file (`also`), for the claims whose rows were run there."""
    return tuple(verdict for verdict in judge(store, claims, track) if verdict.all_run)


def _judged(rows: NamedRows, claim: Claim, usual: float | None) -> Verdict:
    try:
        if claim.reproduces:
            return verdict_of(claim, rows.track, *_reproduced(rows, claim.reproduces))
        assert claim.expectation is not None
        value = value_of(rows, claim.expectation)
    except NotRun as missing:
        return verdict_of(claim, rows.track, "not run", str(missing))
    except Missing as missing:
        return verdict_of(claim, rows.track, "undecided", str(missing))
    except Incomparable as reason:
        return verdict_of(claim, rows.track, "not comparable", str(reason))
    matters = usual if claim.matters is None and claim.expectation.in_points else claim.matters
    return verdict_of(claim, rows.track, *_decided(claim.expectation, value, matters), value)


def _experiments(rows: NamedRows, claim: Claim) -> dict[str, str | None]:
    names = [claim.reproduces.experiment] if claim.reproduces else []
    names += [quantity.experiment for _, quantity in claim.expectation.terms] if claim.expectation else []
    experiments: dict[str, str | None] = {}
    for name in names:
        try:
            experiments[name] = rows.named(name)[0].record.id
        except NotRun:
            experiments[name] = None
    return experiments


def _decided(expectation: Expectation, value: Contrast, matters: float | None) -> tuple[Status, str]:
    """The verdict by both ends of the interval. An exact test, if there is one, must agree.

    What is open fails if the interval excludes an effect that would matter, but not where the test finds it too sure.
    """
    status, reason = _by_interval(expectation, value)
    if status == "undecided" and not reason and matters is not None and _excluded(expectation, value, matters):
        return "fails", f"an effect of {matters:g} or more, which would matter, is excluded"
    return status, reason


def _by_interval(expectation: Expectation, value: Contrast) -> tuple[Status, str]:
    ends = (expectation.holds(value.low), expectation.holds(value.high))
    if ends[0] != ends[1]:
        return "undecided", ""
    if expectation.bound == 0 and value.spread.stderr and value.p >= ALPHA:
        return "undecided", f"too few documents differ (exact p {value.p:.2f})"
    return ("holds" if ends[0] else "fails"), ""


def _excluded(expectation: Expectation, value: Contrast, matters: float) -> bool:
    """Whether the interval excludes an effect that would matter."""
    least = expectation.by_at_least(matters)
    return not any(math.isnan(end) or least.holds(end) for end in (value.low, value.high))


def _reproduced(rows: NamedRows, recorded: Recording) -> tuple[Status, str]:
    """Whether a recorded curve was reproduced. Raises Missing if the experiment or its curve does not exist."""
    name = f"{recorded.experiment} (seed {recorded.seed})"
    member = next((member for member in rows.named(recorded.experiment) if member.record.seed == recorded.seed), None)
    if member is None:
        raise NotRun(f"{name} was not run on {rows.track}")
    trained = [link.step_id for link in member.links if link.part == "train"]
    curve = [point.value for point in rows.store.curve(trained[-1]) if point.name == recorded.curve] if trained else []
    if not curve:
        raise Missing(f"{name} has no curve '{recorded.curve}'")
    if len(curve) != len(recorded.values):
        return "fails", f"{len(curve)} values, {len(recorded.values)} recorded"
    for number, (value, expected) in enumerate(zip(curve, recorded.values, strict=True), 1):
        if value is None or abs(value - expected) > recorded.within:
            return "fails", f"value {number} is {value}, {expected} was recorded"
    return "holds", f"{len(curve)} values within {recorded.within:g}"
