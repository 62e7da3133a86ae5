"""Fills a paper's table from the store, with the same numbers as the board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from suite.analysis.board.contrasts import Missing
from suite.analysis.board.named import NamedRows
from suite.analysis.board.rows import PretrainedResults, make_row
from suite.analysis.board.schema import BASELINE, Row
from suite.analysis.papers.schema import PASSES, Layout, Line, Slot, experiments, slots
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Estimate


@dataclass(frozen=True)
class PaperCell:
    """A cell of the table; unknown values are None."""

    ours: Estimate | None = None
    paper: float | None = None


@dataclass(frozen=True)
class Table:
    """A filled table."""

    name: str
    track: str
    layout: Layout
    cells: tuple[tuple[PaperCell, ...], ...]
    """For each row of the layout, a cell for each column."""
    notes: tuple[str, ...]
    """Notes that belong to the table."""


class TrackRows:
    """A track's rows by the names of their experiments; each is built at most once."""

    def __init__(self, store: ResultsReader, track: str) -> None:
        self.store, self.track = store, track
        self._named = NamedRows(store, track)
        self._made: dict[str, Row | None] = {}

    def row(self, name: str) -> Row | None:
        """The row that claims and comparisons use for this name; None if it was not run."""
        if name not in self._made:
            try:
                members = self._named.named(name)
            except Missing:
                self._made[name] = None
            else:
                self._made[name] = make_row(self.store, members, self._bases).row
        return self._made[name]

    def passes(self, row: Row, line: Line, slot: Slot) -> Estimate | None:
        """Seconds of one pass over a task's documents, averaged over seeds; None if nothing was dispatched."""
        members = self._named.named(row.name)
        shots = {count for member in members for role, count in member.evaluations() if role == line.role}
        at_shots = slot.shots if slot.shots is not None else max(shots, default=0)
        steps = [step.id for member in members if (step := member.step(str(line.role), at_shots))]
        seconds = [
            findings["dispatch"]["seconds"]
            for findings in self.store.findings(steps).values()
            if "dispatch" in findings
        ]
        values = [float(passes[PASSES.index(line.show)]) for passes in seconds]
        return Estimate(fmean(values), None, None, "seeds") if values else None

    @cached_property
    def names(self) -> frozenset[str]:
        """The experiments that were run, except the pretrained model, which every track has."""
        return frozenset(record.name for record in self._records if record.method != BASELINE)

    @cached_property
    def title(self) -> str:
        """The track's title."""
        return str(self._records[0].spec["track"].get("title") or self.track) if self._records else self.track

    @cached_property
    def _records(self) -> Sequence[ExperimentRecord]:
        return self.store.experiments(self.track)

    @cached_property
    def _bases(self) -> tuple[PretrainedResults, ...]:
        records = [record for record in self._records if record.method == BASELINE]
        return tuple(
            PretrainedResults.of(self.store, results) for results in ExperimentResults.of_many(self.store, records)
        )


def fill(rows: TrackRows, name: str, layout: Layout) -> Table:
    """A layout filled with a track's numbers; experiments that were not run stay empty."""
    cells = tuple(_line(rows, layout, line) for line in layout.rows)
    return Table(name, rows.track, layout, cells, tuple(_notes(rows, layout, cells)))


def _line(rows: TrackRows, layout: Layout, line: Line) -> tuple[PaperCell, ...]:
    cells = [PaperCell()] * len(layout.columns)
    for slot, figure in zip(slots(layout, line), line.paper, strict=True):
        row = rows.row(slot.experiment) if slot.experiment else None
        ours = (
            rows.passes(row, line, slot) if row and line.show in PASSES else _number(row, line, slot) if row else None
        )
        cells[slot.column] = PaperCell(ours, figure)
    return tuple(cells)


def _number(row: Row, line: Line, slot: Slot) -> Estimate | None:
    shots = slot.shots if slot.shots is not None else max(row.norm_avg, default=0)
    if line.show == "target":
        return next((cell.score for cell in row.target_scores if cell.role == line.role), None)
    if line.show == "score":
        cells = [cell for cell in (*row.held_out, *row.target_scores) if cell.role == line.role]
        at_shots = max((cell.shots for cell in cells), default=0) if slot.shots is None else slot.shots
        return next((cell.score for cell in cells if cell.shots == at_shots), None)
    if line.show == "norm_avg":
        return row.norm_avg.get(shots)
    if line.show == "change":
        return None if row.method == BASELINE else row.change.get(shots)
    if line.show == "format_ratio":
        return row.format_ratio
    cost = row.costs.seconds if line.show == "seconds" else row.costs.trained_parameters
    return None if cost is None else Estimate(cost, None, None, "seeds")


def _notes(rows: TrackRows, layout: Layout, cells: Sequence[Sequence[PaperCell]]) -> Iterator[str]:
    ours = [cell.ours for line in cells for cell in line if cell.ours]
    over = {estimate.over for estimate in ours if estimate.low is not None}
    kinds = " or ".join(sorted(over - {"documents and seeds"})) or "documents and seeds"
    both = " (or both, where two rows are compared)" if over > {"documents and seeds"} else ""
    interval = "± is half of a 95% interval, [low, high] one whose sides differ"
    spread = f" {interval}, over {kinds}{both}." if over else ""
    yield f"ours: the track {rows.title}.{spread} Empty: not run, or not measured."
    source = f"paper: {layout.model}, {layout.source}; figures read in {layout.figures_from}."
    apart = "" if rows.track == layout.comparable else f" They do not compare with those of {rows.track}."
    yield source + apart
    yield from layout.notes
    for name in experiments(layout):
        row = rows.row(name)
        if row is None:
            continue
        if row.changes:
            yield f"{name} is not on the track's terms: {', '.join(row.changes)}."
        if row.tries:
            yield f"{name} is the best of {row.tries} tries on the selection rows."
        if row.missing:
            yield f"{name} misses {', '.join(row.missing[:3])}" + (" …" if len(row.missing) > 3 else ".")
