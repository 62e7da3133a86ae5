"""Advice in sentences: why a row is no choice, why one is advised, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from suite.analysis.advice.schema import Advice, Candidate, Constraints
from suite.analysis.board import BASELINE, Board, Row
from suite.core.quantities import clock, size
from suite.stats import Contrast, estimate_text

FEW_SEEDS = 3
COMPLETE = "complete and on the track's terms"
"""What a row has to be without limits."""


def excluded(row: Row, candidate: Candidate, limits: Constraints) -> Iterator[str]:
    """Why a row is no choice: the limits that it exceeds, and what makes it incomparable."""
    if row.missing:
        yield f"it misses {', '.join(row.missing[:2])}"
    if row.changes:
        yield f"not on the track's terms: {', '.join(row.changes)}"
    for limit, cost, text, what in (
        (limits.seconds, candidate.seconds, clock, "training time"),
        (limits.memory, candidate.peak_memory, _memory_text, "memory"),
    ):
        if limit is not None and cost is None:
            yield f"its {what} is not known"
        elif limit is not None and cost is not None and cost > limit:
            yield f"{what} {text(cost)}, above {text(limit)}"
    if limits.keep is not None:
        share = candidate.retained_share
        if share is None:
            yield "what it keeps was not measured"
        elif share < limits.keep:
            yield f"keeps {share:.1%} of the held-out average, below {limits.keep:.1%}"


def because(
    advice: Advice, choice: Candidate | None, compare: Callable[[Candidate, Candidate], Contrast | None]
) -> str:
    """The advice in one or two sentences, with the numbers. `compare`: the first's target score minus the other's."""
    fitting = [candidate for candidate in advice.candidates if not candidate.excluded]
    if choice is None:
        return _none(advice, fitting)
    others = [candidate for candidate in fitting if candidate.variant != choice.variant]
    text = f"Take {choice.name}: {advice.target} {estimate_text(choice.score)}"
    if choice.gain is not None:
        text += f" ({estimate_text(choice.gain.estimate, sign=True)} over the pretrained model)"
    text += f", held-out average {estimate_text(choice.retention.estimate, sign=True)}" if choice.retention else ""
    text += f", {_costs(choice)}."
    highest = max(others, key=lambda row: row.score.value, default=None)
    if highest is None:
        only = "row within the limits" if _limited(advice) else "complete row on the track's terms"
        return f"{text} It is the only {only}."
    return f"{text} {_beside(choice, highest, compare(highest, choice))}"


def _none(advice: Advice, fitting: list[Candidate]) -> str:
    if not advice.candidates:
        return f"No row was trained for {advice.target}."
    if not fitting:
        return f"No row is {'within the limits' if _limited(advice) else COMPLETE}."
    best = max(fitting, key=lambda row: row.score.value)
    gain = "" if best.gain is None else f" ({estimate_text(best.gain.estimate, sign=True)})"
    highest = f"The highest score is {best.name}'s {estimate_text(best.score)}{gain}."
    if all(candidate.gain is None for candidate in fitting):
        return f"No row can be advised for {advice.target}: no gain over the pretrained model is known. {highest}"
    within = " within the limits" if _limited(advice) else ""
    if any(candidate.gain and candidate.gain.low > 0 for candidate in fitting):
        return f"Keep the pretrained model: no row{within} is shown to be above guessing on {advice.target}. {highest}"
    return f"Keep the pretrained model: no row{within} is significantly better on {advice.target}. {highest}"


def _limited(advice: Advice) -> bool:
    return advice.limits != Constraints()


def _beside(choice: Candidate, other: Candidate, difference: Contrast | None) -> str:
    """How the choice stands beside the row with the highest score, or the next one."""
    changes = [candidate.retention.value for candidate in (choice, other) if candidate.retention]
    keeps = (
        f"keeps {abs(changes[0] - changes[1]):.1f} points {'more' if changes[0] > changes[1] else 'less'}"
        if changes[1:]
        else ""
    )
    cheaper = [candidate.seconds for candidate in (choice, other) if candidate.seconds]
    time = f"trains in {clock(cheaper[0])} against {clock(cheaper[1])}" if cheaper[1:] else ""
    beside = " and ".join(text for text in (keeps, time) if text)
    end = f"; {choice.name} {beside}." if beside else "."
    if difference is not None and difference.low <= 0 <= difference.high:
        return f"{other.name} is tied with it on the target ({other.score.value:.1f}){end}"
    return f"{other.name} scores {estimate_text(other.score)}{end}"


def _costs(candidate: Candidate) -> str:
    time = None if candidate.seconds is None else f"{clock(candidate.seconds)} of training"
    memory = None if candidate.peak_memory is None else size(candidate.peak_memory)
    artifact = None if candidate.artifact_bytes is None else f"an artifact of {size(candidate.artifact_bytes)}"
    return ", ".join(text for text in (time, memory, artifact) if text) or "costs not known"


def unknown(advice: Advice, choice: Candidate | None, board: Board) -> tuple[str, ...]:
    """What these results do not tell."""
    return tuple(_unknown(advice, choice, board))


def _unknown(advice: Advice, choice: Candidate | None, board: Board) -> Iterator[str]:
    fitting = [candidate for candidate in advice.candidates if not candidate.excluded]
    few = [candidate.name for candidate in fitting if candidate.seeds < FEW_SEEDS]
    if few:
        yield f"fewer than {FEW_SEEDS} seeds: {', '.join(few[:3])}{' …' * (len(few) > 3)}; other seeds may differ more"
    if not any(row.method == BASELINE for row in board.rows):
        yield f"there is no pretrained row, so gains are not known (suite run pretrained --track {advice.track})"
    elif fitting and all(candidate.gain is None for candidate in fitting):
        yield "no pretrained row was asked the same, so gains are not known"
    if not board.roles:
        yield "no task is held out, so what is kept is not known"
    row = next((row for row in board.rows if choice is not None and row.variant == choice.variant), None)
    cell = next((cell for cell in row.target_scores if cell.role == advice.target), None) if row else None
    least = _detectable(advice, choice) if choice is not None else ""
    if least:
        yield f"differences below {least} would not be found (80 % power)"
    if row is not None and cell is not None and cell.unparsable:
        number, ending = cell.unparsable, "s" * (cell.unparsable == 1)
        yield f"{number} answer{'s' * (number != 1)} of {row.name} could not be read and count{ending} as wrong"
    if row is not None and row.tries:
        yield f"{row.name} is the best of {row.tries} tries; the others were tried less, or once"
    yield "held-out tasks are a sample of what the model can do; time and memory are of training on the machine used"


def _detectable(advice: Advice, choice: Candidate) -> str:
    """The minimum detectable effects; without those of a difference that is zero by construction."""
    gain, retention = choice.gain, choice.retention
    points = f"{gain.resolvable:.1f} points on {advice.target}" if gain and gain.spread.stderr else ""
    average = f"{retention.resolvable:.1f} in the held-out average" if retention and retention.spread.stderr else ""
    return " and ".join(text for text in (points, average) if text)


def _memory_text(value: float) -> str:
    return size(round(value))
