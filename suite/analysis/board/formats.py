"""The format ratio: how many held-out answers take the format of a target's answers, read from the stored answers."""

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
from suite.stats import Estimate, Part, Parts, Same, Scale
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class Taken:
    """A held-out evaluation whose answers were looked at."""

    role: str
    shots: int
    step: str
    hits: Numbers
    """For each document 1 where the answer takes the format, else 0."""
    names: tuple[Hashable, ...]
    """The documents: equal where they are, whatever the shot count."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """A member's answers to several held-out tasks."""

    steps: tuple[str, ...]
    hits: Numbers
    names: tuple[Hashable, ...]

    @classmethod
    def of(cls, tasks: Sequence[Taken]) -> Pooled:
        """All together."""
        names = tuple(name for task in tasks for name in task.names)
        return cls(tuple(task.step for task in tasks), np.concatenate([task.hits for task in tasks]), names)

    @property
    def same(self) -> Same | None:
        """Which answers are to equal documents."""
        return Same.of(self.names)


def formats_of_row(row: ExperimentRecord) -> tuple[Format, ...]:
    """The formats of its targets; none of a model that was trained for nothing."""
    return () if row.method == BASELINE else formats_of(row.targets, row.spec["roles"])


def taken(
    store: ResultsReader, members: Sequence[ExperimentResults], formats: Sequence[Format]
) -> tuple[tuple[Taken, ...], ...] | None:
    """For each member the held-out evaluations of tasks that have other formats; None: undefined.

    It is undefined without a format, without such a task, and while one of them is not answered.
    """
    if not formats:
        return None
    asked: list[list[tuple[str, int, str, tuple[Format, ...]]]] = []
    for member in members:
        roles = member.record.spec["roles"]
        others = {role: those for role in member.held_out_roles if (those := foreign(formats, roles[role]))}
        links = [link for link in member.links if link.role in others and link.part == "evaluate"]
        if not links or any(member.steps[link.step_id].status != "done" for link in links):
            return None
        asked.append([(str(link.role), int(link.shots or 0), link.step_id, others[str(link.role)]) for link in links])
    steps = [step for each in asked for _, _, step, _ in each]
    said, repeated = store.outputs(steps), store.repeated(steps)

    def read(role: str, shots: int, step: str, those: tuple[Format, ...]) -> Taken:
        texts = said.get(step, ())
        documents = [name for _, name in repeated[step]] if step in repeated else range(len(texts))
        return Taken(role, shots, step, _hits(texts, those), tuple((role, each) for each in documents))

    found = tuple(tuple(read(*each) for each in member) for member in asked)
    return found if all(any(len(task.hits) for task in each) for each in found) else None


def _hits(said: Sequence[str], formats: Sequence[Format]) -> Numbers:
    return np.array([takes(text, formats) for text in said], dtype=np.float64)


def format_hits(
    store: ResultsReader, members: Sequence[ExperimentResults], formats: Sequence[Format]
) -> list[Pooled] | None:
    """For each member its steps, and for each of their answers 1 where it takes a format; None: undefined."""
    found = taken(store, members, formats)
    return None if found is None else [Pooled.of(each) for each in found]


def format_ratio(found: Sequence[Sequence[Taken]] | None) -> Estimate | None:
    """The share (0 to 100) over all answers together."""
    return None if found is None else _share([Pooled.of(each) for each in found])


def by_task(found: Sequence[Sequence[Taken]] | None, base: Sequence[Sequence[Taken]] | None) -> tuple[TaskFormat, ...]:
    """The share for each task and shot count, beside the pretrained model's on the same documents."""
    if found is None:
        return ()
    keys = dict.fromkeys((task.role, task.shots) for each in found for task in each)
    told = []
    for role, shots in keys:
        own, control = _of(found, role, shots), _of(base or (), role, shots)
        told.append(TaskFormat(role, shots, _share(own), _share(control), len(own[0].hits)))
    return tuple(told)


def _of(found: Sequence[Sequence[Taken]], role: str, shots: int) -> list[Pooled]:
    return [Pooled.of([task]) for each in found for task in each if (task.role, task.shots) == (role, shots)]


def _share(found: Sequence[Pooled]) -> Estimate | None:
    """None without an answer."""
    if not found or not all(len(each.hits) for each in found):
        return None
    seeds = found if len({each.steps for each in found}) > 1 else found[:1]
    if len({each.names for each in seeds}) > 1:
        shares = [100 * float(each.hits.mean()) for each in seeds]
        return stats.over_seeds(shares, min(len(each.hits) for each in seeds), stats.PERCENT)
    part = part_of_shares(np.array([each.hits for each in seeds]), seeds[0].same, stats.PERCENT)
    return stats.estimates([Parts.of(part)])[0]


def part_of_shares(hits: Numbers, same: Same | None, scale: Scale) -> Part:
    """Shares times 100 as a score: hits are seeds × answers."""
    samples = [stats.sample_of_values(each, same) for each in FULL * hits]
    values, influence = np.array([each.value for each in samples]), np.array([each.influence for each in samples])
    documents = samples[0].documents
    part = Part.of_influence(
        values, influence, documents, FULL, equivalent=stats.equivalent(same, documents), scale=scale
    )
    return part if documents > 1 else replace(part, least=FULL**2)
