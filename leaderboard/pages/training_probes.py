"""Measurements during training, of tasks and of parts of the model, as data. Step 0 is before training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import NamedTuple

from leaderboard.charts.chart import Chart
from leaderboard.charts.heatmap import LEVELS, HeatCell, HeatMap
from leaderboard.charts.lines import Point, Series, lines
from leaderboard.data.experiment_records import SeedRecords
from leaderboard.view import numbers
from suite.core.curves import MEASURES, PARTS, Measure, OfPart, OfTask, read_curve_name
from suite.results.store import StepLink

Points = tuple[tuple[int, float | None], ...]
"""(training step, value), in order."""


class TrajectoryPoint(NamedTuple):
    """A seed's score on the target and its mean held-out score, at a training step."""

    target: float
    held_out: float
    step: int


@dataclass(frozen=True)
class ProbeSeries:
    """Measurements of a task or of a part of the model, in every seed."""

    name: str
    seeds: Mapping[str, Points]

    def mean(self, step: int) -> float | None:
        """The mean over the seeds that have a value at a step; None without any."""
        values = [
            value
            for points in self.seeds.values()
            for point_step, value in points
            if point_step == step and value is not None
        ]
        return fmean(values) if values else None


@dataclass(frozen=True)
class ProbeGroup:
    """The measurements of one chart."""

    title: str
    unit: str
    followed: tuple[ProbeSeries, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """All steps at which anything was measured."""
        return tuple(
            sorted({step for series in self.followed for points in series.seeds.values() for step, _ in points})
        )

    @cached_property
    def chart(self) -> Chart | None:
        """The chart, with one line for each series; None without a value."""
        series = [
            Series(series.name, {seed: [Point(*point) for point in points] for seed, points in series.seeds.items()})
            for series in self.followed
        ]
        return lines(self.title, "training step", self.unit, series)

    @property
    def rows(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """The chart as a table: (step, the mean over seeds of each series)."""
        return tuple((step, tuple(numbers.plain(series.mean(step)) for series in self.followed)) for step in self.steps)


@dataclass(frozen=True)
class Trajectory:
    """A target's score against the mean of held-out scores, along training."""

    title: str
    target: str
    shots: int
    """The shot count of the held-out tasks."""
    roles: tuple[str, ...]
    """The held-out tasks that were measured."""
    seeds: Mapping[str, tuple[TrajectoryPoint, ...]]

    @cached_property
    def chart(self) -> Chart | None:
        """The chart: one line for each seed, its points joined in the order of training steps."""
        series = Series("", {seed: [Point(*point) for point in trajectory] for seed, trajectory in self.seeds.items()})
        return lines(self.title, f"score of {self.target}", "mean of held-out scores", [series])

    @property
    def rows(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The chart as a table: (seed, step, both scores)."""
        return tuple(
            (seed, (str(point.step), numbers.plain(point.target), numbers.plain(point.held_out)))
            for seed, trajectory in self.seeds.items()
            for point in trajectory
        )


@dataclass(frozen=True)
class TrainingProbes:
    """All probes of a train step."""

    groups: tuple[ProbeGroup, ...]
    """Format ratios by shot count, scores by shot count, cosines by kind of parameters."""
    layers: HeatMap | None
    """Cosines by layer and step."""
    paths: tuple[Trajectory, ...]

    @property
    def charted(self) -> bool:
        """Whether there is a chart."""
        return any(group.chart for group in self.groups) or any(path.chart for path in self.paths)


COSINE = "Cosine of gradients on true and on shuffled labels"
_TITLES: Mapping[Measure, tuple[str, str]] = {
    "format": ("Format ratio along training", "% in the target’s format"),
    "score": ("Scores along training", "score"),
}


def training_probes(
    seeds_and_links: Sequence[tuple[SeedRecords, StepLink]], targets: Sequence[str], held_out: Sequence[str], step: int
) -> TrainingProbes | None:
    """The probes of a train step's seeds; None if nothing was measured. `step` is its number on the page."""
    tasks: dict[OfTask, dict[str, Points]] = {}
    parts: dict[OfPart, dict[str, Points]] = {}
    for seed, link in seeds_and_links:
        label = f"seed {seed.record.seed}"
        by_name: dict[str, list[tuple[int, float | None]]] = {}
        for point in seed.curves[link.step_id]:
            by_name.setdefault(point.name, []).append((point.step, point.value))
        for curve, points in by_name.items():
            of = read_curve_name(curve)
            if isinstance(of, OfTask):
                tasks.setdefault(of, {})[label] = tuple(points)
            elif of is not None:
                parts.setdefault(of, {})[label] = tuple(points)
    if not tasks and not parts:
        return None
    groups = (*_of_tasks(tasks, (*targets, *held_out)), *_of_kinds(parts))
    return TrainingProbes(groups, _layers(parts, step), tuple(_trajectories(tasks, targets, held_out)))


def _of_tasks(tasks: Mapping[OfTask, Mapping[str, Points]], order: Sequence[str]) -> Iterable[ProbeGroup]:
    for measure in MEASURES:
        title, unit = _TITLES[measure]
        for shots in sorted({of.shots for of in tasks if of.measure == measure}):
            seeds_of_role = {
                of.role: seeds for of, seeds in tasks.items() if (of.measure, of.shots) == (measure, shots)
            }
            roles = [
                *(role for role in dict.fromkeys(order) if role in seeds_of_role),
                *sorted(seeds_of_role.keys() - set(order)),
            ]
            followed = tuple(ProbeSeries(role, seeds_of_role[role]) for role in roles)
            alone = f": {roles[0]}" if len(roles) == 1 else ""  # a chart with one line has no legend
            yield ProbeGroup(f"{title}, {numbers.shots(shots)}{alone}", unit, followed)


def _of_kinds(parts: Mapping[OfPart, Mapping[str, Points]]) -> Iterable[ProbeGroup]:
    followed = tuple(ProbeSeries(part, parts[OfPart(part)]) for part in PARTS if OfPart(part) in parts)
    if followed:
        yield ProbeGroup(f"{COSINE}, by kind of parameters", "cosine", followed)


def _layers(parts: Mapping[OfPart, Mapping[str, Points]], step: int) -> HeatMap | None:
    """Layers by steps, the mean over seeds; -1 is blank and 1 is darkest."""
    single = [of for of in parts if of.layer is not None]
    if not single:
        return None
    single.sort(key=lambda of: (PARTS.index(of.part), of.layer or 0))
    steps = sorted({step for of in single for points in parts[of].values() for step, _ in points})
    rows = []
    for of in single:
        series = ProbeSeries("", parts[of])
        rows.append((f"{of.part}.{of.layer}", tuple(_shaded(series, point_step) for point_step in steps)))
    description = "For the parameters of each layer, at each training step: the mean over seeds. Darker is nearer to 1."
    title, columns = f"{COSINE}, by layer", tuple(str(point_step) for point_step in steps)
    return HeatMap(f"cosine-{step}", title, description, "Layer", columns, tuple(rows))


def _shaded(series: ProbeSeries, step: int) -> HeatCell:
    value = series.mean(step)
    if value is None:
        return HeatCell(numbers.MISSING, title="not measured")
    level = round(LEVELS * min(1.0, max(0.0, (value + 1) / 2)))
    values = ((seed, dict(points).get(step)) for seed, points in series.seeds.items())
    title = ", ".join(f"{seed}: {numbers.plain(seed_value)}" for seed, seed_value in values)
    text = f"{abs(value):.2f}"
    return HeatCell(f"−{text}" if value < 0 and float(text) else text, level, title)


def _trajectories(
    tasks: Mapping[OfTask, Mapping[str, Points]], targets: Sequence[str], held_out: Sequence[str]
) -> Iterable[Trajectory]:
    """Yield a trajectory for each target and shot count of held-out tasks.

    A step counts if all compared tasks have a value.
    """
    scores = {of: seeds for of, seeds in tasks.items() if of.measure == "score"}
    for role in targets:
        target_curve = min((of for of in scores if of.role == role), key=lambda of: of.shots, default=None)
        if target_curve is None:
            continue
        held_out_curves = [of for of in scores if of.role in held_out and of.role not in targets]
        for shots in sorted({of.shots for of in held_out_curves}):
            compared = [of for of in held_out_curves if of.shots == shots]
            seeds = {}
            for label, points in scores[target_curve].items():
                held_out_scores = [dict(scores[of].get(label, ())) for of in compared]
                trajectory = [
                    _trajectory_point(value, [scores_of_task.get(step) for scores_of_task in held_out_scores], step)
                    for step, value in points
                ]
                seeds[label] = tuple(point for point in trajectory if point is not None)
            if any(seeds.values()):
                roles = tuple(name for name in held_out if name in {of.role for of in compared})
                title = f"{role} against held-out tasks along training, {numbers.shots(shots)}"
                yield Trajectory(title, role, shots, roles, seeds)


def _trajectory_point(target: float | None, held_out: Sequence[float | None], step: int) -> TrajectoryPoint | None:
    measured = [value for value in held_out if value is not None]
    return (
        TrajectoryPoint(target, fmean(measured), step)
        if target is not None and len(measured) == len(held_out)
        else None
    )
