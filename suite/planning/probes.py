"""The additions of probes to a train step: to its key and to its estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.planning.steps import Train
from suite.specs import Experiment
from suite.specs.blocks import Probes
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.tasks.splits import exemplar_rows, reported_rows
from suite.training.requirements import Requirements


def probed(experiment: Experiment, needs: Requirements) -> Mapping[str, TaskFile]:
    """The held-out tasks that are probed during a train step with these requirements."""
    probes = experiment.track.probes
    if probes is None or not needs.probes:
        return {}
    return {role: experiment.tasks[role] for role in probes.roles}


def probes_key(
    experiment: Experiment, needs: Requirements, targets: tuple[str, ...], data: DataLocations
) -> dict[str, Any]:
    """The part of a step's key that can change the results of probes; empty without probes."""
    track = experiment.track
    if track.probes is None or not needs.probes:
        return {}
    rows = {role: reported_rows(experiment.tasks[role], data).content_hash for role in (*targets, *track.probes.roles)}
    shown = {
        role: exemplar_rows(task, data).content_hash
        for role, task in probed(experiment, needs).items()
        if any(track.probes.shots)
    }
    names = {role: experiment.tasks[role].fingerprint for role in rows}
    decoding = {**track.decoding.search, "draw": track.held_out.draw}
    questions = {"tasks": names, "data": rows, "exemplars": shown, **decoding}
    return {"probes": {**track.probes.model_dump(mode="json"), **questions}}


def answers(work: Train, steps: int) -> int:
    """Number of documents that are answered in all probes together, for a step with `steps` training steps."""
    probes = work.track.probes
    if probes is None or not work.probes:
        return 0
    return probe_count(probes, steps) * probes.documents * (len(work.targets) + len(work.probed) * len(probes.shots))


def probe_count(probes: Probes, steps: int) -> int:
    """The number of probes: before the first step, after every `every` steps, and after the last."""
    return len({*range(0, steps + 1, probes.every), steps})
