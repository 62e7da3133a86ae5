"""An experiment's page: how to run it again, its scores seed by seed, how it learned, and where it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from leaderboard.charts.heatmap import HeatMap
from leaderboard.data.experiment_records import RowRecords
from leaderboard.pages.adaptation_shots import AdaptationShots, adaptation_shots
from leaderboard.pages.classes import ClassTable, class_tables
from leaderboard.pages.diagnostics import heat_maps
from leaderboard.pages.examples import AnswerExample
from leaderboard.pages.formats import FormatTable, format_table, why_none
from leaderboard.pages.lenient import LenientLine, lenient_lines
from leaderboard.pages.provenance import StepProvenance, traces_of, versions_of
from leaderboard.pages.step_costs import StepCosts, step_costs
from leaderboard.pages.sweep import SweepTry, sweep_tries
from leaderboard.pages.training import Training, training_of
from leaderboard.pages.variance import variance_components
from leaderboard.view import cells, numbers
from leaderboard.view.badges import marks
from leaderboard.view.cells import CellView, Note
from leaderboard.view.urls import TrackUrls
from suite import stats
from suite.analysis.board import BASELINE, Board, Cell, Row
from suite.results.commands import run_command, save_command
from suite.results.store import ScoreRecord

INTERNAL = ("variant", "file", "sets", "origin")


@dataclass(frozen=True)
class SeedScore:
    """A seed's score."""

    value: str
    sort: str
    stderr: str
    n: int
    unparsable: int
    truncated: int


@dataclass(frozen=True)
class MetricScores:
    """A metric over the seeds, and seed by seed (None: not measured)."""

    name: str
    primary: bool
    over_all: CellView
    seeds: tuple[SeedScore | None, ...]
    documents: str
    unparsable: str
    truncated: str


@dataclass(frozen=True)
class TaskScores:
    """A task at a shot count."""

    role: str
    shots: int
    label: str
    is_target: bool
    metrics: tuple[MetricScores, ...]
    href: str
    """The task's page."""
    answers: str
    """Link to its answers; empty if there are none."""


@dataclass(frozen=True)
class ArtifactPlace:
    """The artifact of a train step, and where it lies."""

    seed: int
    title: str
    kind: str
    size: str
    folder: str
    """Below the folder of runs."""


@dataclass(frozen=True)
class ExperimentPage:
    """The page."""

    marks: tuple[Note, ...]
    imported: tuple[int, ...]
    """Seeds with imported results."""
    file: str
    command: str
    save_command: str
    """The command that writes its model for plain libraries; empty where no artifact is on this machine."""
    artifacts: tuple[ArtifactPlace, ...]
    origin: str
    """The source of the method; empty for suite's own methods."""
    spec: str
    summary: tuple[tuple[str, CellView], ...]
    variance_components: tuple[tuple[str, tuple[CellView, CellView, CellView]], ...]
    """Variance components of the held-out average, by shots: documents, seeds, exemplar draws."""
    seeds: tuple[int, ...]
    tasks: tuple[TaskScores, ...]
    lenient: tuple[LenientLine, ...]
    """Score and lenient score of the tasks that have both."""
    formats: FormatTable | None
    """The format ratio task by task; None without one."""
    classes: tuple[ClassTable, ...]
    """Answers by class, for each task with labels."""
    classes_csv: str
    """The path of its confusion matrices as CSV."""
    examples: tuple[AnswerExample, ...]
    """Answers side by side where the row took the target's format."""
    tries: tuple[SweepTry, ...]
    """The tries of a sweep; empty without a sweep."""
    trainings: tuple[Training, ...]
    step_costs: StepCosts | None
    """Time, tokens and memory by step; None if no time was measured."""
    adaptation_shots: AdaptationShots | None
    heat_maps: tuple[HeatMap, ...]
    """Findings of its steps."""
    traces: tuple[tuple[int, tuple[StepProvenance, ...]], ...]
    versions: tuple[tuple[str, str], ...]

    @property
    def charted(self) -> bool:
        """Whether the page has a chart."""
        drawn = [curve.chart for training in self.trainings for curve in training.curves]
        probed = any(training.probes and training.probes.charted for training in self.trainings)
        return any(drawn) or probed or bool(self.adaptation_shots and self.adaptation_shots.chart)


def experiment_view(
    urls: TrackUrls, row: Row, row_records: RowRecords, examples: Sequence[AnswerExample] = ()
) -> ExperimentPage:
    """The page of a row."""
    board = urls.board
    first = row_records.seeds[0].record
    artifacts = tuple(_artifacts(row_records))
    versions = versions_of(row_records)
    steps = range(max(len(seed.trained) for seed in row_records.seeds))
    trainings = tuple(training_of(row, row_records, index) for index in steps)
    return ExperimentPage(
        marks=marks(row, urls.shipped),
        imported=tuple(seed.record.seed for seed in row_records.seeds if seed.imported),
        file=str(first.spec.get("file", "")),
        command=run_command(row.name, first.spec, row.seeds),
        save_command=save_command(row.name, first.spec) if artifacts else "",
        artifacts=artifacts,
        origin=_origin(first.spec),
        spec=_yaml({key: value for key, value in first.spec.items() if key not in INTERNAL}),
        summary=_summary(board, row),
        variance_components=variance_components(board, row),
        seeds=row.seeds,
        tasks=tuple(_task(urls, row, row_records, key) for key in row_records.evaluations),
        lenient=lenient_lines(urls, row),
        formats=format_table(urls, row),
        classes=class_tables(urls, row),
        classes_csv=urls.classes(row),
        examples=tuple(examples),
        tries=sweep_tries(row_records),
        trainings=trainings,
        step_costs=step_costs(row_records, [training.title for training in trainings]),
        adaptation_shots=adaptation_shots(board, row),
        heat_maps=heat_maps(row_records),
        traces=tuple((seed.record.seed, traces_of(seed, versions)) for seed in row_records.seeds),
        versions=tuple((name, text) for text, name in versions.items()),
    )


def _artifacts(row_records: RowRecords) -> Iterator[ArtifactPlace]:
    """The artifacts that were made here: those of imported steps are elsewhere."""
    for seed in row_records.seeds:
        for link in seed.trained:
            step, artifact = seed.steps[link.step_id], seed.artifacts.get(link.step_id)
            if artifact is not None and not step.imported:
                folder = f"artifacts/{artifact.path}" if artifact.path else "deleted"
                yield ArtifactPlace(seed.record.seed, step.title, artifact.kind, numbers.size(artifact.bytes), folder)


def _origin(spec: Mapping[str, Any]) -> str:
    origin = spec.get("origin")
    return ", ".join(f"{name} {text}" for name, text in sorted(origin.items())) if isinstance(origin, Mapping) else ""


def _yaml(value: Mapping[str, Any]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same text, ten times faster
    return str(yaml.dump(dict(value), Dumper=dumper, sort_keys=False, allow_unicode=True, width=100))


def _summary(board: Board, row: Row) -> tuple[tuple[str, CellView], ...]:
    seeds = len(row.seeds)
    shown = [(f"{cell.role} ({cell.metric})", cells.task(cell, row, "")) for cell in row.target_scores]
    if row.method != BASELINE:
        for cell in row.target_scores:
            gain, p = row.gained.get(cell.role), row.corrected_gains.get(cell.role)
            why = "the pretrained model was not asked the same"
            change = cells.change(gain, p, why, span=(-100.0, 100.0), seeds=seeds)
            shown.append((f"Gained on {cell.role}", change))
    for n in board.shots:
        why = "not every held-out task was measured"
        shown.append((f"Held-out average, {numbers.shots(n)}", cells.estimate(row.norm_avg.get(n), why, seeds=seeds)))
    if row.method != BASELINE:
        for n in board.shots:
            label = f"Change, {numbers.shots(n)}"
            why = "cannot be compared with the pretrained model"
            value = row.change.get(n)
            reach = max(value.reach, 1.0) if value else 1.0
            change = cells.change(row.against.get(n), row.corrected.get(n), why, span=(-reach, reach), seeds=seeds)
            shown.append((label, change))
    shown.append(("Format ratio", cells.estimate(row.format_ratio, why_none(row), seeds=seeds)))
    shown += zip(("Trained parameters", "Training time", "Peak memory", "Artifact"), cells.costs(row), strict=True)
    return tuple(shown)


def _task(urls: TrackUrls, row: Row, row_records: RowRecords, key: tuple[str, int]) -> TaskScores:
    role, shots = key
    cell = next((cell for cell in (*row.target_scores, *row.held_out) if (cell.role, cell.shots) == key), None)
    links = [seed.evaluation(role, shots) for seed in row_records.seeds]
    scores_by_seed = [
        seed.scores.get(link.step_id, ()) if link else () for seed, link in zip(row_records.seeds, links, strict=True)
    ]
    names = dict.fromkeys(score.metric for scores in scores_by_seed for score in scores)
    metrics = [_metric(row, cell, name, [_named(scores, name) for scores in scores_by_seed]) for name in names]
    if not metrics:
        why = _why(row_records, key)
        blank = (None,) * len(scores_by_seed)
        metrics = [MetricScores(cell.metric if cell else "", True, cells.missing(why), blank, "–", "–", "–")]
    done = any(
        link and seed.steps[link.step_id].status == "done" for seed, link in zip(row_records.seeds, links, strict=True)
    )
    label = f"{role}, {numbers.shots(shots)}"
    answers = urls.answers(row, role, shots) if done else ""
    return TaskScores(role, shots, label, role in row.targets, tuple(metrics), urls.task(role), answers)


def _named(scores: Sequence[ScoreRecord], name: str) -> ScoreRecord | None:
    return next((score for score in scores if score.metric == name), None)


def _why(row_records: RowRecords, key: tuple[str, int]) -> str:
    """The reason why a task has no score, from its steps."""
    statuses: list[str] = []
    for seed in row_records.seeds:
        link = seed.evaluation(*key)
        step = seed.steps.get(link.step_id) if link else None
        if step is not None:
            statuses.append(f"seed {seed.record.seed}: {step.status}" + (f" ({step.reason})" if step.reason else ""))
    return "not measured; " + "; ".join(statuses)


def _metric(row: Row, cell: Cell | None, name: str, scores: Sequence[ScoreRecord | None]) -> MetricScores:
    measured = [score for score in scores if score is not None]
    primary = any(score.primary for score in measured)
    if primary and cell is not None:
        over_all = cells.task(cell, row, "")
    else:
        values = [score.value for score in measured if score.value is not None]
        documents = float(cell.distinct if cell and cell.distinct else measured[0].n)
        stderrs = [score.stderr for score in measured]
        whole = len(values) == len(scores)
        estimate = stats.of_stderrs(values, stderrs, documents, stats.scale_of(name)) if whole else None
        over_all = cells.estimate(
            estimate, "not measured for every seed", seeds=len(row.seeds), documents=measured[0].n
        )
    total = sum(score.n for score in measured)
    return MetricScores(
        name=name,
        primary=primary,
        over_all=over_all,
        seeds=tuple(None if score is None else _seed_score(score) for score in scores),
        documents=" / ".join(dict.fromkeys(str(score.n) for score in measured)),
        unparsable=f"{sum(score.unparsable for score in measured)} of {total}",
        truncated=f"{sum(score.truncated for score in measured)} of {total}",
    )


def _seed_score(score: ScoreRecord) -> SeedScore:
    value = numbers.MISSING if score.value is None else numbers.score(score.value)
    stderr = "" if score.stderr is None else f"{score.stderr:.2f}"
    return SeedScore(value, numbers.raw(score.value), stderr, score.n, score.unparsable, score.truncated)
