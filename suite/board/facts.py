"""What the store knows of a track's experiments, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.board.rows import SeedScore
from suite.hashing import fingerprint
from suite.store import ExperimentRecord, Reader, ScoreRecord, StepLink, StepRecord

PRETRAINED = "pretrained"
"""The method that trains nothing: what its experiments score is what the others are compared with."""


@dataclass(frozen=True)
class Facts:
    """Experiments, their steps, and the scores of those."""

    reader: Reader
    experiments: tuple[ExperimentRecord, ...]
    links: Mapping[str, tuple[StepLink, ...]]
    steps: Mapping[str, StepRecord]
    scores: Mapping[str, tuple[ScoreRecord, ...]]
    controls: Mapping[str, str]
    """Terms of an evaluation -> the pretrained model's step on the same terms."""

    def score(self, experiment: ExperimentRecord, role: str, shots: int) -> SeedScore | str:
        """An experiment's primary score, or why there is none."""
        link = self._link(experiment, role, shots)
        if link is None:
            return "not part of the plan"
        why = self.why_not(link.step_id)
        if why:
            return why
        for each in self.scores.get(link.step_id, ()):
            if each.primary and each.value is not None:
                return SeedScore(
                    experiment.seed, link.step_id, each.metric, each.value, each.stderr, each.n, each.unparsable,
                    each.truncated,
                )  # fmt: skip
        return "could not be measured"

    def train_steps(self, experiment: ExperimentRecord) -> tuple[StepRecord, ...]:
        """What an experiment trains, in order."""
        links = self.links[experiment.id]
        return tuple(self.steps[link.step_id] for link in links if link.part == "train")

    def evaluate_steps(self, experiment: ExperimentRecord) -> tuple[StepRecord, ...]:
        """What an experiment answers, each step once."""
        ids = dict.fromkeys(link.step_id for link in self.links[experiment.id] if link.part == "evaluate")
        return tuple(self.steps[step] for step in ids)

    def why_not(self, step: str) -> str:
        """Why a step has no results; empty if it has."""
        record = self.steps[step]
        told = f": {record.reason}" if record.reason else ""
        return {"done": "", "pending": "not run yet", "running": "still running"}.get(record.status, record.status + told)

    def control(self, step: str) -> str | None:
        """The pretrained model's step that answers the same questions under the same terms, if it is done."""
        found = self.controls.get(_terms(self.steps[step]))
        return found if found is not None and self.steps[found].status == "done" else None

    def _link(self, experiment: ExperimentRecord, role: str, shots: int) -> StepLink | None:
        wanted = ("evaluate", role, shots)
        return next((each for each in self.links[experiment.id] if (each.part, each.role, each.shots) == wanted), None)


def gather(reader: Reader, track: str) -> Facts:
    """All that is known of a track."""
    experiments = reader.experiments(track)
    links = {experiment.id: reader.links(experiment.id) for experiment in experiments}
    ids = list(dict.fromkeys(link.step_id for each in links.values() for link in each))
    steps = reader.steps(ids)
    return Facts(reader, experiments, links, steps, reader.scores(ids), _controls(experiments, links, steps))


def _controls(
    experiments: Sequence[ExperimentRecord], links: Mapping[str, tuple[StepLink, ...]], steps: Mapping[str, StepRecord]
) -> dict[str, str]:
    pretrained = [experiment for experiment in experiments if experiment.method == PRETRAINED]
    found = [link.step_id for each in pretrained for link in links[each.id] if link.part == "evaluate"]
    found.sort(key=lambda step: (steps[step].status != "done", step))
    return {_terms(steps[step]): step for step in reversed(found)}


def _terms(step: StepRecord) -> str:
    """All of an evaluation but the stack that answers."""
    return fingerprint({key: value for key, value in step.config.items() if key != "stack"})


def settings(experiment: ExperimentRecord) -> dict[str, Any]:
    """What decides an experiment's results, its seed aside: experiments that agree in it make one row."""
    words = ("seed", "source", "about", "file", "variant", "name")
    kept = {key: value for key, value in experiment.spec.items() if key not in words}
    track = {key: value for key, value in dict(kept.get("track", {})).items() if key not in ("title", "about")}
    return {**kept, "track": track}
