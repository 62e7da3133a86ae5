"""Advice for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from suite.analysis.advice import Advice, Candidate, Constraints
from suite.api.advice import recommendations
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.results import DASH, INTERVAL
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import fitted, room, wrapped
from suite.core.quantities import byte_count, clock, duration, share, size
from suite.core.run_dir import RunDir
from suite.stats import estimate_text


def limits_of(memory: str | None, time: str | None, keep: str | None) -> Constraints:
    """The limits that the options give. Raises SuiteError for an amount that cannot be read."""
    return Constraints(
        None if memory is None else byte_count(memory, "--max-memory"),
        None if time is None else duration(time, "--max-time"),
        None if keep is None else share(keep, "--keep"),
    )


def print_advice(
    home: RunDir, target: str | None, track: str | None, limits: Constraints, *, as_json: bool, wide: bool = False
) -> None:
    """Print which row to take for each target, the rows it was chosen from, and what is not known."""
    with reading(home) as store:
        found = recommendations(store, target, track, limits)
    if as_json:
        print(as_text([plain(advice) for advice in found]))
        return
    width = room(wide=wide)
    print("\n".join(line for advice in found for line in _advice(advice, width)))


def _advice(advice: Advice, width: int | None) -> Iterator[str]:
    yield from wrapped([f"{advice.track}, target {advice.target}", "", advice.because, ""], width)
    head = ["experiment", advice.target, "gain", "held-out change", "kept", "training", "memory", "artifact", "seeds"]
    lines = [[*head, "place"], *(_line(candidate) for candidate in advice.candidates)]
    if advice.candidates:
        yield from fitted(lines, width, [[8], [4], [7], [6], [5], [2]], name=0)
    yield ""
    yield from wrapped(_notes(advice), width)
    yield ""


def _line(candidate: Candidate) -> list[str]:
    return [
        candidate.name,
        estimate_text(candidate.score),
        DASH if candidate.gain is None else estimate_text(candidate.gain.estimate, sign=True),
        DASH if candidate.retention is None else estimate_text(candidate.retention.estimate, sign=True),
        DASH if candidate.retained_share is None else f"{candidate.retained_share:.1%}",
        DASH if candidate.seconds is None else clock(candidate.seconds),
        DASH if candidate.peak_memory is None else size(candidate.peak_memory),
        DASH if candidate.artifact_bytes is None else size(candidate.artifact_bytes),
        str(candidate.seeds),
        "not considered" if candidate.excluded else str(candidate.front),
    ]


def _notes(advice: Advice) -> Iterator[str]:
    yield f"{INTERVAL}; gain and change: against the pretrained model"
    yield "place: among the rows within the limits, by score and held-out average; tied: not significantly worse"
    for candidate in advice.candidates:
        if candidate.excluded:
            yield f"{candidate.name} is not considered: {'; '.join(candidate.excluded)}"
        elif candidate.better:
            yield f"{candidate.name} is dominated by {', '.join(candidate.better[:3])}"
    for text in advice.unknown:
        yield f"not known: {text}"
