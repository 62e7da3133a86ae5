"""Two readers as one: local runs, and published records beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from suite.results.store import (
    AnswerColumns,
    AnswerRecord,
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    ResultsReader,
    ScoreRecord,
    StepLink,
    StepRecord,
)

PUBLISHED = "published:"
"""Goes before the step ids of published experiments, so that each experiment's steps are read from its own reader."""
Value = TypeVar("Value")


class UnionReader:
    """What two readers have; an experiment that both have is the local one.

    A question that it lacked would be a type error (`ResultsReader`), not one that only one of them is asked.
    """

    def __init__(self, local: ResultsReader, published: ResultsReader) -> None:
        self.local, self.published = local, published
        self._own = frozenset(experiment.id for experiment in local.experiments())

    @property
    def where(self) -> str:
        """What messages call the place: that of the local results."""
        return self.local.where

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status, for those that are known."""
        return self._both(steps, lambda reader, own: reader.statuses(own))

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        others = [record for record in self.published.experiments(track) if record.id not in self._own]
        both = [*self.local.experiments(track), *others]
        return tuple(sorted(both, key=lambda record: (record.track, record.name, record.seed, record.id)))

    def tracks(self) -> tuple[str, ...]:
        """The tracks that anything was run on, by name."""
        return tuple(sorted({*self.local.tracks(), *self.published.tracks()}))

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """An experiment's steps in order."""
        return self.links_of([experiment]).get(experiment, ())

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> its steps in order, for many at once."""
        links_by_experiment = self.local.links_of([name for name in experiments if name in self._own])
        published = self.published.links_of([name for name in experiments if name not in self._own])
        for name, links in published.items():
            links_by_experiment[name] = tuple(replace(link, step_id=PUBLISHED + link.step_id) for link in links)
        return dict(sorted(links_by_experiment.items()))

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Steps by the id that their link has."""
        records = self._both(ids, lambda reader, own: reader.steps(own))
        return {name: replace(record, id=name) for name, record in records.items()}

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        return self._both(steps, lambda reader, own: reader.scores(own))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        reader, own = self._home(step)
        return reader.answers(own)

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; without steps that have none."""
        return self._both(steps, lambda reader, own: reader.answer_columns(own))

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> what the model said, in the documents' order."""
        return self._both(steps, lambda reader, own: reader.outputs(own))

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> the documents that have scores of their own, and those scores."""
        return self._both(steps, lambda reader, own: reader.values(own))

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, what was read from the output), in the documents' order."""
        return self._both(steps, lambda reader, own: reader.texts(own))

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, what was read from the output, how many documents have both)."""
        return self._both(steps, lambda reader, own: reader.tallies(own))

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self._both(steps, lambda reader, own: reader.documents(own))

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """The same, of those steps alone that have equal documents."""
        return self._both(steps, lambda reader, own: reader.repeated(own))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """What was seen along a step's training, by name and step."""
        reader, own = self._home(step)
        return reader.curve(own)

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        return self._both(steps, lambda reader, own: reader.curves(own))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> what else it found out about itself."""
        return self._both(steps, lambda reader, own: reader.findings(own))

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return self._both(steps, lambda reader, own: reader.artifacts(own))

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> part of what is stored of it -> a version, which tells where it is stored, too."""
        versions = self.local.versions({name: own for name, own in links.items() if name in self._own})
        published = {
            name: tuple(replace(link, step_id=link.step_id.removeprefix(PUBLISHED)) for link in own)
            for name, own in links.items()
            if name not in self._own
        }
        for name, parts in self.published.versions(published).items():
            versions[name] = {part: PUBLISHED + version for part, version in parts.items()}
        return versions

    def step_ids(self) -> tuple[str, ...]:
        """Every step, in order, by the id that its link has; of those that both have, each one's own."""
        return tuple(sorted([*self.local.step_ids(), *(PUBLISHED + step for step in self.published.step_ids())]))

    def count_steps(self) -> int:
        """How many steps there are."""
        return self.local.count_steps() + self.published.count_steps()

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, float]:
        """Sort of step -> tokens per second here; published steps were finished on another machine."""
        return self.local.rates(model, sort)

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step of that title: the local one, if there is one."""
        return self.published.finished_keys(titles) | self.local.finished_keys(titles)

    def _home(self, step: str) -> tuple[ResultsReader, str]:
        published = step.startswith(PUBLISHED)
        return (self.published, step.removeprefix(PUBLISHED)) if published else (self.local, step)

    def _both(
        self, ids: Sequence[str], read: Callable[[ResultsReader, Sequence[str]], Mapping[str, Value]]
    ) -> dict[str, Value]:
        local = [name for name in ids if not name.startswith(PUBLISHED)]
        published = [name.removeprefix(PUBLISHED) for name in ids if name.startswith(PUBLISHED)]
        values = dict(read(self.local, local))
        values.update({PUBLISHED + name: value for name, value in read(self.published, published).items()})
        return values
