"""A reader that notes which parts of each experiment are read through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leaderboard.data.recorder import Recorder
from suite.core.hashing import fingerprint
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

ANYTHING: Final = ""
"""Used in place of an experiment: the read depends on more than these experiments, so it has no version."""
LISTED: Final = "track:experiments"
"""Used in place of an experiment: the list of experiments."""


class Records(Mapping[str, ExperimentRecord]):
    """Experiments by id. Notes when one is read or when they are listed."""

    def __init__(self, records: Mapping[str, ExperimentRecord], recorder: Recorder) -> None:
        self._records, self._recorder = records, recorder

    def __getitem__(self, name: str) -> ExperimentRecord:
        self._recorder.note("experiment", [name])
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        self._recorder.note("ids", [LISTED])
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


class RecordingReader(Recorder):
    """Reads some experiments through another reader, and notes which parts of which experiment are read."""

    def __init__(self, reader: ResultsReader, experiments: Sequence[ExperimentRecord]) -> None:
        self.reader = reader
        by_id = {record.id: replace(record, created=None) for record in experiments}  # this field has no version
        self.records = Records(by_id, self)
        links = reader.links_of([*by_id])
        self._parts = reader.versions({name: links.get(name, ()) for name in by_id})
        super().__init__(self._parts)
        self.current[LISTED] = {"ids": fingerprint([*by_id])}
        self._ids = frozenset(by_id)
        self._users = {link.step_id: name for name, own in links.items() for link in own}

    def everything(self) -> dict[str, list[str]]:
        """All parts of all experiments, and their list, as reads."""
        return {name: [*self._parts[name]] for name in self._ids} | {LISTED: ["ids"]}

    def experiments_in(self, reads: Iterable[str]) -> frozenset[str]:
        """The experiments among the names of reads."""
        return self._ids & frozenset(reads)

    @property
    def where(self) -> str:
        """The place of the results, as messages call it."""
        return self.reader.where

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status; unknown steps are left out."""
        return self.reader.statuses(self._of_steps("step", steps))

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track). The list of all experiments has no version."""
        self._note_anything()
        return self.reader.experiments(track)

    def tracks(self) -> tuple[str, ...]:
        """The tracks. Their list has no version."""
        self._note_anything()
        return self.reader.tracks()

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """The links to an experiment's steps, in order."""
        self.note("links", [experiment])
        return self.reader.links(experiment)

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> the links to its steps, in order; for many experiments at once."""
        self.note("links", experiments)
        return self.reader.links_of(experiments)

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Step id, as the links have it -> step."""
        return self.reader.steps(self._of_steps("step", ids))

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        return self.reader.scores(self._of_steps("scores", steps))

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        self._of_steps("answers", [step])
        return self.reader.answers(step)

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; steps without answers are left out."""
        return self.reader.answer_columns(self._of_steps("answers", steps))

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> the model's completions, in the documents' order."""
        return self.reader.outputs(self._of_steps("answers", steps))

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> (documents that have a score of their own, their scores), in the documents' order."""
        return self.reader.values(self._of_steps("answers", steps))

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, answer parsed from the output), in the documents' order."""
        return self.reader.texts(self._of_steps("answers", steps))

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, answer parsed from the output, number of documents with both)."""
        return self.reader.tallies(self._of_steps("answers", steps))

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        return self.reader.documents(self._of_steps("answers", steps))

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), only for steps that have equal documents."""
        return self.reader.repeated(self._of_steps("answers", steps))

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """The curves of a step's training, by name and step."""
        self._of_steps("curve", [step])
        return self.reader.curve(step)

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        return self.reader.curves(self._of_steps("curve", steps))

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> finding: other facts that the step recorded about itself."""
        return self.reader.findings(self._of_steps("findings", steps))

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        return self.reader.artifacts(self._of_steps("artifact", steps))

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> part -> its version."""
        self._note_anything()
        return self.reader.versions(links)

    def step_ids(self) -> tuple[str, ...]:
        """The ids of all steps. Their list has no version."""
        self._note_anything()
        return self.reader.step_ids()

    def count_steps(self) -> int:
        """The number of steps."""
        self._note_anything()
        return self.reader.count_steps()

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[tuple[str | None, str], float]:
        """(class of device, kind of step) -> tokens per second."""
        self._note_anything()
        return self.reader.rates(model, sort)

    def artifact_sizes(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, tuple[int, int]]:
        """Shape of a train step -> bytes of its artifact and trained parameters."""
        self._note_anything()
        return self.reader.artifact_sizes(model, sort)

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step with that title."""
        self._note_anything()
        return self.reader.finished_keys(titles)

    def _of_steps(self, part: str, steps: Sequence[str]) -> Sequence[str]:
        """Note the reads of a part of steps under their experiments. A step of no experiment has no version."""
        if self.is_recording:
            self.note(part, {self._users.get(step, ANYTHING) for step in steps})
        return steps

    def _note_anything(self) -> None:
        self.note("links", [ANYTHING])
