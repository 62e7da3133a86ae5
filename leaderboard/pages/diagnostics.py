"""Findings of steps as shaded tables: expert mixtures, routing by task, and scaled spectra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TypeVar

from leaderboard.charts.heatmap import LEVELS, HeatCell, HeatMap
from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.view import numbers
from suite.core.diagnostics import Finding, Mixture, RoutingReport, Spectra

Kind = TypeVar("Kind", Mixture, RoutingReport, Spectra)


def heat_maps(row_records: RowRecords) -> tuple[HeatMap, ...]:
    """The tables for all findings of a row's steps."""
    return (*_mixtures(row_records), *_dispatch(row_records), *_spectra(row_records))


def _mixtures(row_records: RowRecords) -> Iterator[HeatMap]:
    """One map for all roles; if the weights differ by matrix, one map for each role."""
    mixtures = _of_trained(row_records, Mixture)
    plain = {role: seeds for role, seeds in mixtures.items() if not any(mixture.matrices for mixture in seeds.values())}
    if plain:
        experts = _experts(plain)
        rows = tuple((role, tuple(_mean(seeds, expert, 0) for expert in experts)) for role, seeds in plain.items())
        description = "Weight of each expert in the mixture for a task: the mean over seeds."
        yield HeatMap("alpha", "Mixtures: α by task and expert", description, "Task", experts, rows)
    for index, (role, seeds) in enumerate((role, seeds) for role, seeds in mixtures.items() if role not in plain):
        experts, matrices = _experts({role: seeds}), next(iter(seeds.values())).matrices
        rows = tuple(
            (_short(name), tuple(_mean(seeds, expert, index) for expert in experts))
            for index, name in enumerate(matrices)
        )
        description = "Weight of each expert in each matrix: the mean over seeds."
        yield HeatMap(
            f"alpha-{index}", f"Mixture for {role}: α by matrix and expert", description, "Matrix", experts, rows
        )


def _experts(mixtures: Mapping[str, Mapping[int, Mixture]]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(name for seeds in mixtures.values() for mixture in seeds.values() for name in mixture.experts)
    )


def _mean(seeds: Mapping[int, Mixture], expert: str, matrix: int) -> HeatCell:
    """An expert's weight, averaged over the seeds that have it."""
    values = {
        seed: mixture.alpha[mixture.experts.index(expert)][matrix]
        for seed, mixture in seeds.items()
        if expert in mixture.experts and matrix < len(mixture.alpha[mixture.experts.index(expert)])
    }
    if not values:
        return HeatCell(numbers.MISSING)
    value = fmean(values.values())
    title = ", ".join(f"seed {seed}: {weight:.2f}" for seed, weight in values.items())
    return HeatCell(f"{value:.2f}", _level(value, 0.0, 1.0), title)


def _dispatch(row_records: RowRecords) -> Iterator[HeatMap]:
    """Tasks by the skill that routing chose: a confusion matrix, with the time of both passes."""
    reports: dict[tuple[str, int], dict[int, RoutingReport]] = {}
    for seed in row_records.seeds:
        for link in seed.links:
            for report in _of_kind(seed.findings.get(link.step_id, ()), RoutingReport):
                reports.setdefault((str(link.role), link.shots or 0), {})[seed.record.seed] = report
    if not reports:
        return
    skills = tuple(
        sorted({skill for seeds in reports.values() for report in seeds.values() for skill in report.skills})
    )
    several = len({shots for _, shots in reports}) > 1
    rows = []
    for (role, shots), seeds in reports.items():
        shares = [_share(seeds, skill) for skill in skills]
        passes = [fmean(report.seconds[index] for report in seeds.values()) for index in (0, 1)]
        timed = [HeatCell(numbers.seconds(seconds), title="mean over seeds") for seconds in passes]
        rows.append((f"{role}, {numbers.shots(shots)}" if several else role, (*shares, *timed)))
    description = (
        "Share of a task’s documents (%) by the skill that the first pass recognized. The skill’s expert answers; "
        "without an expert, the base model answers. Means over seeds, with the time of both passes."
    )
    columns = (*(skill or "none" for skill in skills), "First pass", "Second pass")
    yield HeatMap("dispatch", "Dispatch: tasks by recognized skill", description, "Task", columns, tuple(rows))


def _share(seeds: Mapping[int, RoutingReport], skill: str) -> HeatCell:
    shares = {
        seed: sum(report.skills[index] == skill for index in report.of_documents) / max(len(report.of_documents), 1)
        for seed, report in seeds.items()
    }
    value = fmean(shares.values())
    title = ", ".join(f"seed {seed}: {100 * share:.1f} %" for seed, share in shares.items())
    return HeatCell(f"{100 * value:.1f}", _level(value, 0.0, 1.0), title)


def _spectra(row_records: RowRecords) -> Iterator[HeatMap]:
    """Matrices by tenths of their singular values, for the first seed: different seeds' matrices have no mean."""
    for index, (role, seeds) in enumerate(_of_trained(row_records, Spectra).items()):
        seed, spectra = next(iter(seeds.items()))
        factors = [factor for spectrum in spectra.matrices for factor in spectrum.factors]
        reach = max((abs(factor - 1) for factor in factors), default=0.0)
        rows = tuple(
            (
                _short(spectrum.matrix),
                tuple(
                    HeatCell(f"{factor:.3f}", _level(factor, 1 - reach, 1 + reach), f"singular values of {value:.3g}")
                    for factor, value in zip(spectrum.factors, spectrum.values, strict=False)
                ),
            )
            for spectrum in spectra.matrices
        )
        description = (
            f"Mean factor on each tenth of a matrix’s singular values, the largest first; seed {seed}. "
            "1 leaves them as they are; darker is larger."
        )
        width = max((len(cells) for _, cells in rows), default=0)
        columns = tuple(f"{number}." for number in range(1, width + 1))
        yield HeatMap(f"spectra-{index}", f"Spectra: vectors for {role}", description, "Matrix", columns, rows)


def _of_trained(row_records: RowRecords, kind: type[Kind]) -> dict[str, dict[int, Kind]]:
    """Role -> seed -> the finding of the step that trained for it."""
    by_role: dict[str, dict[int, Kind]] = {}
    for seed in row_records.seeds:
        for link in seed.trained:
            for finding in _of_kind(seed.findings.get(link.step_id, ()), kind):
                by_role.setdefault(_trained_for(seed, link.step_id), {})[seed.record.seed] = finding
    return by_role


def _trained_for(seed: SeedRecords, step: str) -> str:
    tasks = seed.steps[step].config.get("tasks")
    return "+".join(map(str, tasks)) if isinstance(tasks, Mapping) and tasks else "every task"


def _of_kind(findings: Sequence[Finding], kind: type[Kind]) -> list[Kind]:
    return [finding for finding in findings if isinstance(finding, kind)]


def _level(value: float, low: float, high: float) -> int:
    return round(LEVELS * min(max((value - low) / (high - low), 0.0), 1.0)) if high > low else 0


def _short(matrix: str) -> str:
    """A matrix's name without the parts that all names share."""
    return matrix.removesuffix(".weight").removeprefix("model.layers.")
