"""A train step on an experiment's page: its curves and its cost, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from leaderboard.charts.chart import Chart
from leaderboard.charts.lines import Point, Series, lines
from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.pages.training_probes import TrainingProbes, training_probes
from leaderboard.view import numbers
from suite.analysis.board import Row
from suite.core.curves import read_curve_name
from suite.core.diagnostics import EarlyStop, TrainingTime
from suite.results.store import StepLink

Kind = TypeVar("Kind", EarlyStop, TrainingTime)

MOST_POINTS = 600
"""The most points of a curve; longer ones are thinned out."""


PHASES: Final[Mapping[str, str]] = {
    "sampling": "Sampling answers", "update": "Updates", "selection": "Selection", "probes": "Probes",
}  # fmt: skip
"""Phases of training whose time is measured -> their labels."""


@dataclass(frozen=True)
class Curve:
    """A value along training, for every seed."""

    name: str
    chart: Chart | None
    labels: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """(step, the value for each seed)."""


@dataclass(frozen=True)
class Training:
    """One train step over the seeds."""

    title: str
    curves: tuple[Curve, ...]
    probes: TrainingProbes | None
    """Measurements of tasks and of parts of the model during training; None without any."""
    costs: tuple[tuple[str, tuple[str, ...]], ...]
    """(seed, (parameters, seconds, memory, tokens, bytes, artifact))."""
    phases: tuple[str, ...]
    """The phases whose time is known."""
    times: tuple[tuple[str, tuple[str, ...]], ...]
    """(seed, the time of each phase)."""
    early_stops: tuple[str, ...]
    """Why training ended before its last step, for each seed in which it did."""


def training_of(row: Row, row_records: RowRecords, index: int) -> Training:
    """The train step with this index among the row's train steps."""
    seeds_and_links = [(seed, seed.trained[index]) for seed in row_records.seeds if index < len(seed.trained)]
    blocks = [seed.steps[link.step_id].config.get("method") for seed, link in seeds_and_links]
    method = next((block.get("name") for block in blocks if isinstance(block, Mapping)), None)
    names = sorted({point.name for seed, link in seeds_and_links for point in seed.curves[link.step_id]})
    plain = [name for name in names if read_curve_name(name) is None]
    held_out = tuple(dict.fromkeys(cell.role for cell in row.held_out))
    if method is None and any("candidates" in seed.steps[link.step_id].config for seed, link in seeds_and_links):
        method = "choice"
    spent = {
        f"seed {seed.record.seed}": time
        for seed, link in seeds_and_links
        if (time := _finding(seed, link, TrainingTime))
    }
    phases = [name for name in PHASES if any(getattr(time, name) for time in spent.values())]
    title = f"Step {index + 1}: {method}" if isinstance(method, str) else f"Step {index + 1}"
    return Training(
        title=title,
        curves=tuple(_curve(name, seeds_and_links) for name in plain),
        probes=training_probes(seeds_and_links, row.targets, held_out, index + 1),
        costs=tuple(_cost(seed, link) for seed, link in seeds_and_links),
        phases=tuple(PHASES[name] for name in phases),
        times=tuple(
            (label, tuple(numbers.MISSING if (value := getattr(time, name)) is None else numbers.seconds(value)
                          for name in phases))
            for label, time in spent.items()
        ),
        early_stops=tuple(
            f"Seed {seed.record.seed} {stop}."
            for seed, link in seeds_and_links if (stop := _finding(seed, link, EarlyStop))
        ),
    )  # fmt: skip


def _finding(seed: SeedRecords, link: StepLink, kind: type[Kind]) -> Kind | None:
    return next((finding for finding in seed.findings.get(link.step_id, ()) if isinstance(finding, kind)), None)


def _curve(name: str, seeds_and_links: Sequence[tuple[SeedRecords, StepLink]]) -> Curve:
    series: dict[str, list[tuple[int, float | None]]] = {}
    for seed, link in seeds_and_links:
        points = [(point.step, point.value) for point in seed.curves[link.step_id] if point.name == name]
        points = points[:: 1 + len(points) // MOST_POINTS]
        series[f"seed {seed.record.seed}"] = points
    lookup = {label: dict(points) for label, points in series.items()}
    steps = sorted({step for points in series.values() for step, _ in points})
    rows = tuple((step, tuple(numbers.plain(lookup[label].get(step)) for label in series)) for step in steps)
    followed = {label: [Point(*point) for point in points] for label, points in series.items()}
    chart = lines(f"{name} along training", "training step", "", [Series(name, followed)])
    return Curve(name, chart, tuple(series), rows)


def _cost(seed: SeedRecords, link: StepLink) -> tuple[str, tuple[str, ...]]:
    cost = seed.steps[link.step_id].costs
    artifact = seed.artifacts.get(link.step_id)
    values = (
        numbers.MISSING if cost.trained_parameters is None else numbers.grouped(cost.trained_parameters),
        numbers.MISSING if cost.seconds is None else numbers.seconds(cost.seconds),
        numbers.MISSING if cost.peak_memory is None else numbers.size(cost.peak_memory),
        numbers.MISSING if cost.tokens is None else numbers.count(cost.tokens),
        numbers.MISSING if cost.artifact_bytes is None else numbers.size(cost.artifact_bytes),
        f"{artifact.kind} {artifact.hash[:12]}" if artifact else numbers.MISSING,
    )
    return f"seed {seed.record.seed}", values
