"""Where each step of a row ran, with which versions, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leaderboard.data.experiment_records import RowRecords, SeedRecords
from leaderboard.data.union_reader import PUBLISHED
from leaderboard.view import numbers
from suite.results.store import StepRecord


@dataclass(frozen=True)
class StepProvenance:
    """Where a step ran and how it ended."""

    part: str
    step: StepRecord
    id: str
    versions: str
    """The letter of its list of versions on the page, which begins with the device's model, precision and threads."""
    started: str
    finished: str
    commit: str


def versions_of(row_records: RowRecords) -> dict[str, str]:
    """A device's model, precision, threads and package versions, as text -> its letter."""
    texts = [_version_text(step) for seed in row_records.seeds for step in seed.steps.values()]
    letters = sorted({text for text in texts if text})
    return {text: chr(ord("A") + index) if index < 26 else f"A{index}" for index, text in enumerate(letters)}


def _version_text(step: StepRecord) -> str:
    made = step.provenance
    threads = None if made.threads is None else f"{made.threads} thread{'s' if made.threads != 1 else ''}"
    machine = ", ".join(filter(None, (made.device_name, made.precision, threads)))
    packages = ", ".join(f"{name} {version}" for name, version in sorted((made.versions or {}).items()))
    return "; ".join(filter(None, (machine, packages)))


def traces_of(seed: SeedRecords, versions: Mapping[str, str]) -> tuple[StepProvenance, ...]:
    """The provenance of a seed's steps, in order."""
    steps: list[StepProvenance] = []
    for link in seed.links:
        step = seed.steps[link.step_id]
        part = f"{link.role}, {numbers.shots(link.shots or 0)}" if link.role is not None else link.part
        commit = step.provenance.git_commit or numbers.MISSING
        short = commit if len(commit) <= 12 else commit[:12] + ("+" if commit.endswith("+") else "")
        letter = versions.get(_version_text(step), numbers.MISSING)
        steps.append(
            StepProvenance(
                part,
                step,
                step.id.removeprefix(PUBLISHED),
                letter,
                _moment(step.started),
                _moment(step.finished),
                short,
            )
        )
    return tuple(steps)


def _moment(text: str | None) -> str:
    return text.removesuffix("+00:00").replace("T", " ") if text else numbers.MISSING
