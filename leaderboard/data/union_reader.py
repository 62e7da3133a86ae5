"""Two readers as one: local results and published records."""

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
"""Prefix of the step ids of published experiments, so that each experiment's steps are read from its own reader."""
Value = TypeVar("Value")


class UnionReader:
    """The results of two readers. If both have an experiment, the local one is used.

    A method missing here is a type error (`ResultsReader`), so no query can silently skip one of the two.
    """

    def __init__(
        self, local: ResultsReader, published: ResultsReader, versions: dict[str, dict[str, str]] | None = None
    ) -> None:
        """`versions` are those of published experiments that are known; further ones are added."""
        self.local, self.published = local, published
        self._own = frozenset(experiment.id for experiment in local.experiments())
        self._versions = {} if versions is None else versions
        self._read: dict[str, dict[str, Any]] = {}

    @property
    def where(self) -> str:
        """The place of the results, as messages call it: that of the local results."""
        return self.local.where

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status; unknown steps are left out."""
        return self._both(steps, lambda reader, own: reader.statuses(own))

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        others = [record for record in self.published.experiments(track) if record.id not in self._own]
        both = [*self.local.experiments(track), *others]
        return tuple(sorted(both, key=lambda record: (record.track, record.name, record.seed, record.id)))

    def tracks(self) -> tuple[str, ...]:
        """The tracks that have any experiment, by name."""
        return tuple(sorted({*self.local.tracks(), *self.published.tracks()}))

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """The links to an experiment's steps, in order."""
        return self.links_of([experiment]).get(experiment, ())

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> the links to its steps, in order; for many experiments at once."""
        links_by_experiment = self.local.links_of([name for name in experiments if name in self._own])
        published = self.published.links_of([name for name in experiments if name not in self._own])
        for name, links in published.items():
            links_by_experiment[name] = tuple(replace(link, step_id=PUBLISHED + link.step_id) for link in links)
        return dict(sorted(links_by_experiment.items()))

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Step id, as the links have it -> step."""
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
        """Step id -> its answers in the documents' order; steps without answers are left out."""
        return self._both(steps, lambda reader, own: reader.answer_columns(own))

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> the model's completions, in the documents' order."""
        return self._both(steps, lambda reader, own: reader.outputs(own))

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> (documents that have a score of their own, their scores), in the documents' order."""
        return self._once("values", steps, lambda reader, own: reader.values(own))

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, answer parsed from the output), in the documents' order."""
        return self._once("texts", steps, lambda reader, own: reader.texts(own))

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, answer parsed from the output, number of documents with both)."""
        return self._both(steps, lambda reader, own: reader.tallies(own))

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self._both(steps, lambda reader, own: reader.documents(own))

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), only for steps that have equal documents."""
        return self._once("repeated", steps, lambda reader, own: reader.repeated(own))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """The curves of a step's training, by name and step."""
        reader, own = self._home(step)
        return reader.curve(own)

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        return self._both(steps, lambda reader, own: reader.curves(own))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> finding: other facts that the step recorded about itself."""
        return self._both(steps, lambda reader, own: reader.findings(own))

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return self._both(steps, lambda reader, own: reader.artifacts(own))

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> stored part -> its version. Published experiments and local ones have different versions."""
        versions = self.local.versions({name: own for name, own in links.items() if name in self._own})
        published = {
            name: tuple(replace(link, step_id=link.step_id.removeprefix(PUBLISHED)) for link in own)
            for name, own in links.items()
            if name not in self._own and name not in self._versions
        }
        for name, parts in self.published.versions(published).items():
            self._versions[name] = {part: PUBLISHED + version for part, version in parts.items()}
        return versions | {name: self._versions[name] for name in links if name in self._versions}

    def step_ids(self) -> tuple[str, ...]:
        """The ids of all steps as links have them, in order. A step that both readers have is listed twice."""
        return tuple(sorted([*self.local.step_ids(), *(PUBLISHED + step for step in self.published.step_ids())]))

    def count_steps(self) -> int:
        """The number of steps."""
        return self.local.count_steps() + self.published.count_steps()

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[tuple[str | None, str], float]:
        """(class of device, kind of step) -> tokens per second. Published steps, of other machines, do not count."""
        return self.local.rates(model, sort)

    def artifact_sizes(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, tuple[int, int]]:
        """Shape of a train step -> bytes of its artifact and trained parameters; where both have one, the local one."""
        return self.published.artifact_sizes(model, sort) | self.local.artifact_sizes(model, sort)

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step with that title; a local step comes first."""
        return self.published.finished_keys(titles) | self.local.finished_keys(titles)

    def _home(self, step: str) -> tuple[ResultsReader, str]:
        published = step.startswith(PUBLISHED)
        return (self.published, step.removeprefix(PUBLISHED)) if published else (self.local, step)

    def _once(
        self, query: str, ids: Sequence[str], read: Callable[[ResultsReader, Sequence[str]], Mapping[str, Value]]
    ) -> dict[str, Value]:
        """As `_both`, but what was read of published steps is kept, since boards, claims and pages all read it."""
        cache = self._read.setdefault(query, {})
        local = [name for name in ids if not name.startswith(PUBLISHED)]
        published = [name for name in ids if name.startswith(PUBLISHED)]
        new = [name for name in published if name not in cache]
        fetched = read(self.published, [name.removeprefix(PUBLISHED) for name in new])
        cache.update({name: fetched.get(name.removeprefix(PUBLISHED)) for name in new})
        values = dict(read(self.local, local)) if local else {}
        return values | {name: cache[name] for name in published if cache[name] is not None}

    def _both(
        self, ids: Sequence[str], read: Callable[[ResultsReader, Sequence[str]], Mapping[str, Value]]
    ) -> dict[str, Value]:
        local = [name for name in ids if not name.startswith(PUBLISHED)]
        published = [name.removeprefix(PUBLISHED) for name in ids if name.startswith(PUBLISHED)]
        values = dict(read(self.local, local))
        values.update({PUBLISHED + name: value for name, value in read(self.published, published).items()})
        return values
