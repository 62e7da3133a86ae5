"""Two stores read as one: local runs, and published records beside them."""

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
    ScoreRecord,
    StepLink,
    StepRecord,
    Store,
)

PUBLISHED = "published:"
"""Goes before the step ids of published experiments, so that each experiment's steps are read from its own store."""
Value = TypeVar("Value")


class UnionReader(Store):
    """The reading half of a store, over two; an experiment that both have is the local one."""

    def __init__(self, local: Store, published: Store) -> None:
        super().__init__(local.engine)
        self.local, self.published = local, published
        self._own = frozenset(experiment.id for experiment in local.experiments())

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
        if experiment in self._own:
            return self.local.links(experiment)
        links = self.published.links(experiment)
        return tuple(replace(link, step_id=PUBLISHED + link.step_id) for link in links)

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> its steps in order, for many at once."""
        return {name: links for name in experiments if (links := self.links(name))}

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Steps by the id that their link has."""
        found = self._both(ids, lambda store, own: store.steps(own))
        return {name: replace(record, id=name) for name, record in found.items()}

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        return self._both(steps, lambda store, own: store.scores(own))

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return self._both(steps, lambda store, own: store.artifacts(own))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        store, own = self._home(step)
        return store.answers(own)

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order."""
        return self._both(steps, lambda store, own: store.answer_columns(own))

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> what the model said, in the documents' order."""
        return self._both(steps, lambda store, own: store.outputs(own))

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> the documents that have scores of their own, and those scores."""
        return self._both(steps, lambda store, own: store.values(own))

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, what was read from the output), in the documents' order."""
        return self._both(steps, lambda store, own: store.texts(own))

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, what was read from the output, how many documents have both)."""
        return self._both(steps, lambda store, own: store.tallies(own))

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self._both(steps, lambda store, own: store.documents(own))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """What was seen along a step's training, by name and step."""
        store, own = self._home(step)
        return store.curve(own)

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> what was seen along its training, by name and step."""
        return self._both(steps, lambda store, own: store.curves(own))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> what else it found out about itself."""
        return self._both(steps, lambda store, own: store.findings(own))

    def marks(self, experiments: Sequence[str]) -> dict[str, str]:
        """Experiment -> a mark that changes with what is stored of it."""
        others = self.published.marks([name for name in experiments if name not in self._own])
        own = self.local.marks([name for name in experiments if name in self._own])
        return {**own, **{name: PUBLISHED + mark for name, mark in others.items()}}

    def _home(self, step: str) -> tuple[Store, str]:
        published = step.startswith(PUBLISHED)
        return (self.published, step.removeprefix(PUBLISHED)) if published else (self.local, step)

    def _both(
        self, ids: Sequence[str], read: Callable[[Store, Sequence[str]], Mapping[str, Value]]
    ) -> dict[str, Value]:
        local = [name for name in ids if not name.startswith(PUBLISHED)]
        others = [name.removeprefix(PUBLISHED) for name in ids if name.startswith(PUBLISHED)]
        found = dict(read(self.local, local))
        found.update({PUBLISHED + name: value for name, value in read(self.published, others).items()})
        return found
