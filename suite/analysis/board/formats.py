"""The format ratio, from stored answers: the share of held-out answers that take the format of a target's answers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite import stats
from suite.analysis.board.documents import FULL
from suite.analysis.board.schema import BASELINE, TaskFormat
from suite.core.formats import Format, foreign, formats_of, takes
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Clusters, Estimate, Part, Parts, Scale
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class FormatHits:
    """The answers of a held-out evaluation that take a format."""

    role: str
    shots: int
    step: str
    hits: Numbers
    """For each document 1 if the answer takes the format, otherwise 0."""
    names: tuple[Hashable, ...]
    """Names of the documents: equal documents have equal names at every shot count."""


@dataclass(frozen=True, eq=False)
class PooledHits:
    """The answers of one member to several held-out tasks."""

    steps: tuple[str, ...]
    hits: Numbers
    names: tuple[Hashable, ...]

    @classmethod
    def of(cls, tasks: Sequence[FormatHits]) -> PooledHits:
        """The answers of several tasks together."""
        names = tuple(name for task in tasks for name in task.names)
        return cls(tuple(task.step for task in tasks), np.concatenate([task.hits for task in tasks]), names)

    @property
    def same(self) -> Clusters | None:
        """The clusters of answers to equal documents."""
        return Clusters.of(self.names)


def formats_of_row(row: ExperimentRecord) -> tuple[Format, ...]:
    """The formats of its targets; empty for the pretrained model."""
    return () if row.method == BASELINE else formats_of(row.targets, row.spec["roles"])


def hits_by_task(
    store: ResultsReader, members: Sequence[ExperimentResults], formats: Sequence[Format]
) -> tuple[tuple[FormatHits, ...], ...] | None:
    """For each member, its held-out evaluations of tasks that have other formats; None if undefined.

    It is undefined without a format, without such a task, or until all of these tasks are answered.
    """
    if not formats:
        return None
    evaluations: list[list[tuple[str, int, str, tuple[Format, ...]]]] = []
    for member in members:
        roles = member.record.spec["roles"]
        other_formats = {
            role: different for role in member.held_out_roles if (different := foreign(formats, roles[role]))
        }
        links = [link for link in member.links if link.role in other_formats and link.part == "evaluate"]
        if not links or any(member.steps[link.step_id].status != "done" for link in links):
            return None
        evaluations.append(
            [(str(link.role), int(link.shots or 0), link.step_id, other_formats[str(link.role)]) for link in links]
        )
    steps = [step for of_member in evaluations for _, _, step, _ in of_member]
    outputs, repeated = store.outputs(steps), store.repeated(steps)

    def read(role: str, shots: int, step: str, different: tuple[Format, ...]) -> FormatHits:
        texts = outputs.get(step, ())
        documents = [name for _, name in repeated[step]] if step in repeated else range(len(texts))
        return FormatHits(role, shots, step, _hits(texts, different), tuple((role, document) for document in documents))

    hits = tuple(tuple(read(*evaluation) for evaluation in member) for member in evaluations)
    return hits if all(any(len(task.hits) for task in of_member) for of_member in hits) else None


def _hits(outputs: Sequence[str], formats: tuple[Format, ...]) -> Numbers:
    return np.array([takes(text, formats) for text in outputs], dtype=np.float64)


def pooled_hits(
    store: ResultsReader, members: Sequence[ExperimentResults], formats: Sequence[Format]
) -> list[PooledHits] | None:
    """For each member, its steps and its answers' hits (1 if the answer takes a format); None if undefined."""
    hits = hits_by_task(store, members, formats)
    return None if hits is None else [PooledHits.of(of_member) for of_member in hits]


def format_ratio(hits: Sequence[Sequence[FormatHits]] | None) -> Estimate | None:
    """The share (0 to 100) over all answers together; None if undefined."""
    return None if hits is None else _share([PooledHits.of(of_member) for of_member in hits])


def by_task(
    hits: Sequence[Sequence[FormatHits]] | None, base: Sequence[Sequence[FormatHits]] | None
) -> tuple[TaskFormat, ...]:
    """The share for each task and shot count, with the pretrained model's on the same documents."""
    if hits is None:
        return ()
    keys = dict.fromkeys((task.role, task.shots) for of_member in hits for task in of_member)
    formats = []
    for role, shots in keys:
        own, control = _of(hits, role, shots), _of(base or (), role, shots)
        formats.append(TaskFormat(role, shots, _share(own), _share(control), len(own[0].hits)))
    return tuple(formats)


def _of(hits: Sequence[Sequence[FormatHits]], role: str, shots: int) -> list[PooledHits]:
    return [
        PooledHits.of([task]) for of_member in hits for task in of_member if (task.role, task.shots) == (role, shots)
    ]


def _share(members: Sequence[PooledHits]) -> Estimate | None:
    """The share (0 to 100) over members; None without an answer."""
    if not members or not all(len(member.hits) for member in members):
        return None
    seeds = members if len({member.steps for member in members}) > 1 else members[:1]
    if len({seed.names for seed in seeds}) > 1:
        shares = [100 * float(seed.hits.mean()) for seed in seeds]
        return stats.over_seeds(shares, min(len(seed.hits) for seed in seeds), stats.PERCENT)
    part = part_of_shares(np.array([seed.hits for seed in seeds]), seeds[0].same, stats.PERCENT)
    return stats.estimates([Parts.of(part)])[0]


def part_of_shares(hits: Numbers, same: Clusters | None, scale: Scale) -> Part:
    """Shares times 100 as a part of a score. `hits` has the shape (seeds, answers)."""
    samples = [stats.sample_of_values(of_seed, same) for of_seed in FULL * hits]
    values, influence = (
        np.array([sample.value for sample in samples]),
        np.array([sample.influence for sample in samples]),
    )
    documents = samples[0].documents
    part = Part.of_influence(
        values, influence, documents, FULL, equivalent=stats.equivalent(same, documents), scale=scale
    )
    return part if documents > 1 else replace(part, least=FULL**2)
