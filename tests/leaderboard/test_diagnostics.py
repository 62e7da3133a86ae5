"""Shaded tables of what steps found out about themselves."""

from __future__ import annotations

from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.pages.diagnostics import heat_maps
from suite.core.diagnostics import Finding, Mixture, RoutingReport, Spectra, Spectrum
from suite.results.store import ExperimentRecord, StepLink, StepRecord


def seed(number: int, *steps: tuple[str, str, Finding]) -> SeedRecords:
    """A seed whose steps (part, role) left one finding each."""
    record = ExperimentRecord("e", "t2", "micro-t2", number, "transformer2", "mixture", ("math",), "a paper", {})
    links = tuple(StepLink(f"{number}-{at}", part, role, 0, at) for at, (part, role, _) in enumerate(steps))
    kept = {link.step_id: StepRecord(link.step_id, link.part, "a step", {"tasks": {link.role: {}}}) for link in links}
    findings = {link.step_id: (each,) for link, (*_, each) in zip(links, steps, strict=True)}
    return SeedRecords(record, links, kept, {}, {}, {}, findings)


def mixture(*alpha: float) -> Mixture:
    return Mixture(experts=("math", "code"), alpha=tuple((each,) for each in alpha))


def test_mixtures_are_a_table_of_tasks_by_experts_with_means_over_seeds() -> None:
    seeds = (seed(0, ("train", "math_hard", mixture(1.0, 0.0))), seed(1, ("train", "math_hard", mixture(0.5, 0.2))))
    (heat,) = heat_maps(RowRecords(seeds, ()))
    assert heat.columns == ("math", "code")
    ((role, cells),) = heat.rows
    assert role == "math_hard"
    assert [(cell.text, cell.level) for cell in cells] == [("0.75", 8), ("0.10", 1)]
    assert cells[0].title == "seed 0: 1.00, seed 1: 0.50"


def test_weights_by_matrix_are_a_table_for_each_task() -> None:
    both = Mixture(experts=("math", "code"), matrices=("model.layers.0.q.weight", "b"), alpha=((1.0, 0.2), (0.0, 0.4)))
    (heat,) = heat_maps(RowRecords((seed(0, ("train", "math_hard", both)),), ()))
    assert [(label, [cell.text for cell in cells]) for label, cells in heat.rows] == [
        ("0.q", ["1.00", "0.00"]), ("b", ["0.20", "0.40"]),
    ]  # fmt: skip


def test_dispatch_is_a_confusion_matrix_with_both_passes() -> None:
    first = RoutingReport(skills=("", "math"), of_documents=(1, 1, 0, 1), seconds=(1.0, 3.0))
    second = RoutingReport(skills=("math",), of_documents=(0, 0, 0, 0), seconds=(3.0, 5.0))
    seeds = (seed(0, ("evaluate", "math_hard", first)), seed(1, ("evaluate", "math_hard", second)))
    (heat,) = heat_maps(RowRecords(seeds, ()))
    assert heat.columns == ("none", "math", "First pass", "Second pass")
    assert [cell.text for cell in heat.rows[0][1]] == ["12.5", "87.5", "2 s", "4 s"]


def test_spectra_are_tenths_around_one() -> None:
    one = Spectrum(matrix="a", values=(9.0, 1.0), factors=(1.2, 0.8), least=0.7, most=1.3)
    (heat,) = heat_maps(RowRecords((seed(0, ("train", "math", Spectra(matrices=(one,)))),), ()))
    assert [(cell.text, cell.level) for cell in heat.rows[0][1]] == [("1.200", 10), ("0.800", 0)]


def test_a_row_without_findings_has_no_table() -> None:
    assert heat_maps(RowRecords((seed(0),), ())) == ()
