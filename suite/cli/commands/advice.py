"""Advice for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from suite.analysis.advice import Advice, Constraints
from suite.api.advice import recommendations
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.cells import DASH
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import INTERVAL, TerminalColumn, fitted, room, wrapped
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
    if advice.candidates:
        yield from fitted(_columns(advice), width).lines
    yield ""
    yield from wrapped(_notes(advice), width)
    yield ""


def _columns(advice: Advice) -> list[TerminalColumn]:
    rows = advice.candidates
    gains = [DASH if row.gain is None else estimate_text(row.gain.estimate, sign=True) for row in rows]
    changes = [DASH if row.retention is None else estimate_text(row.retention.estimate, sign=True) for row in rows]
    shares = [DASH if row.retained_share is None else f"{row.retained_share:.1%}" for row in rows]
    sizes = [DASH if row.artifact_bytes is None else size(row.artifact_bytes) for row in rows]
    return [
        TerminalColumn("experiment", [row.name for row in rows], cut=True),
        TerminalColumn(advice.target, [estimate_text(row.score) for row in rows]),
        TerminalColumn("gain", gains, 6),
        TerminalColumn("held-out change", changes),
        TerminalColumn("kept", shares, 2),
        TerminalColumn("training", [DASH if row.seconds is None else clock(row.seconds) for row in rows], 5),
        TerminalColumn("memory", [DASH if row.peak_memory is None else size(row.peak_memory) for row in rows], 4),
        TerminalColumn("artifact", sizes, 3),
        TerminalColumn("seeds", [str(row.seeds) for row in rows], 1),
        TerminalColumn("place", ["not considered" if row.excluded else str(row.front) for row in rows]),
    ]


def _notes(advice: Advice) -> Iterator[str]:
    yield INTERVAL
    yield "gain and change: against the pretrained model"
    yield "place: among the rows within the limits, by score and held-out average; tied: not significantly worse"
    for candidate in advice.candidates:
        if candidate.excluded:
            yield f"{candidate.name} is not considered: {'; '.join(candidate.excluded)}"
        elif candidate.better:
            yield f"{candidate.name} is dominated by {', '.join(candidate.better[:3])}"
    for text in advice.unknown:
        yield f"not known: {text}"
