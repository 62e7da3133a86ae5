"""Turns stored answers into samples that can be subtracted: the scores of each evaluation by document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.core.corpus import stored_pairs
from suite.core.metrics import resampled
from suite.core.words import can_split, tokenizer_of
from suite.results.store import ResultsReader, ScoreRecord, StepRecord
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Clusters, Sample, equivalent, sample_of_counts, sample_of_values
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A finished evaluation with its scores by document."""

    step: StepRecord
    score: ScoreRecord
    documents: NDArray[np.int64]
    """Ids of the documents in `scores`, ascending."""
    scores: Numbers | None
    """A score for each document; for a corpus metric, its counts. None if only the whole corpus has a score."""
    same: Clusters | None = None
    """The clusters of equal documents in `scores`, or in the corpus; None if all differ."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings of the evaluation, which all models that answer it share."""
        return self.step.config

    @property
    def distinct(self) -> int:
        """The number of distinct documents."""
        return self.score.n if self.same is None else self.same.count

    @property
    def equivalent(self) -> float:
        """The effective number of documents with equal weight."""
        return equivalent(self.same, self.score.n)

    def sample(self, indices: NDArray[np.int64] | None, same: Clusters | None) -> Sample:
        """The score with its influence, over all documents or those of `indices`; `same` has their clusters."""
        assert self.scores is not None
        if indices is None and same is self.same:
            return self.whole
        return self._sample(self.scores if indices is None else self.scores[indices], same)

    @cached_property
    def whole(self) -> Sample:
        """The score with its influence, over all documents."""
        assert self.scores is not None
        return self._sample(self.scores, self.same)

    def _sample(self, scores: Numbers, same: Clusters | None) -> Sample:
        resampling = resampled(self.score.metric)
        if scores.ndim == 1 or resampling is None:
            return sample_of_values(scores, same)
        return sample_of_counts(scores, resampling, same)


def evaluated(
    store: ResultsReader, members: Sequence[ExperimentResults], keys: Iterable[tuple[str, int]]
) -> dict[str, Evaluated]:
    """Step id -> its evaluation, for the steps that have a score."""
    steps: dict[str, StepRecord] = {}
    scores: dict[str, ScoreRecord] = {}
    key_list = list(keys)
    for member in members:
        for key in key_list:
            step, score = member.step(*key), member.primary(*key)
            if step and score and score.value is not None:
                steps[step.id], scores[step.id] = step, score
    values, repeated = store.values(list(steps)), store.repeated(list(steps))
    corpora = [name for name, score in scores.items() if resampled(score.metric)]
    texts = store.texts(corpora) if corpora else {}
    nothing = np.zeros(0, dtype=np.int64)
    evaluations: dict[str, Evaluated] = {}
    for name, step in steps.items():
        documents, numbers = values.get(name, (nothing, None))
        if name in texts:
            documents = np.array([document for document, _, _ in texts[name]], dtype=np.int64)
            score = scores[name]
            tokenizer = tokenizer_of(step.config, score.metric.partition(",")[0])
            pairs = tuple((target, parsed) for _, target, parsed in texts[name])
            numbers = _counts(pairs, score.metric, score.value, tokenizer)
        evaluations[name] = Evaluated(step, scores[name], documents, numbers, _same(repeated.get(name, ()), documents))
    return evaluations


def _same(hashes: Sequence[tuple[int, str]], documents: NDArray[np.int64]) -> Clusters | None:
    hash_of = dict(hashes)
    return Clusters.of(
        [hash_of[document] for document in documents.tolist()] if len(documents) and hash_of else list(hash_of.values())
    )


@lru_cache(maxsize=1024)
def _counts(texts: tuple[tuple[str, str], ...], metric: str, value: float | None, tokenizer: str) -> Numbers | None:
    """Counts by document; None if the answers do not give the stored score, for example because texts were left out.

    `texts`: (right answer, parsed answer) of each document. A render asks several times for the same.
    """
    resampling = resampled(metric)
    if resampling is None or value is None or not can_split(tokenizer):
        return None
    for pairs in stored_pairs(list(texts)):
        counts = resampling.counts(pairs, tokenizer)
        if abs(float(resampling.score(counts.sum(axis=0))) - value) < 1e-6:
            counts.flags.writeable = False
            return counts
    return None
