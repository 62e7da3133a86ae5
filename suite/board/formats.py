"""The format ratio: how many held-out answers take the format of a target's answers, read from the stored answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite import stats
from suite.board.shape import BASELINE, TaskFormat
from suite.formats import Format, foreign, formats_of, takes
from suite.stats import Estimate
from suite.stats.sample import Numbers
from suite.store import ExperimentRecord, Store
from suite.store.seen import Seen


@dataclass(frozen=True, eq=False)
class Taken:
    """A held-out evaluation whose answers were looked at."""

    role: str
    shots: int
    step: str
    hits: Numbers
    """For each document 1 where the answer takes the format, else 0."""


def formats_of_row(row: ExperimentRecord) -> tuple[Format, ...]:
    """The formats of its targets; none of a model that was trained for nothing."""
    return () if row.method == BASELINE else formats_of(row.targets, row.spec["roles"])


def taken(store: Store, members: Sequence[Seen], formats: Sequence[Format]) -> tuple[tuple[Taken, ...], ...] | None:
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
    said = store.outputs([step for each in asked for _, _, step, _ in each])
    found = tuple(
        tuple(Taken(role, shots, step, _hits(said.get(step, ()), those)) for role, shots, step, those in each)
        for each in asked
    )
    return found if all(any(len(task.hits) for task in each) for each in found) else None


def _hits(said: Sequence[str], formats: Sequence[Format]) -> Numbers:
    return np.array([takes(text, formats) for text in said], dtype=np.float64)


def format_hits(
    store: Store, members: Sequence[Seen], formats: Sequence[Format]
) -> list[tuple[tuple[str, ...], Numbers]] | None:
    """For each member its steps, and for each of their answers 1 where it takes a format; None: undefined."""
    found = taken(store, members, formats)
    if found is None:
        return None
    return [(tuple(task.step for task in each), np.concatenate([task.hits for task in each])) for each in found]


def format_ratio(found: Sequence[Sequence[Taken]] | None) -> Estimate | None:
    """The share (0 to 100) over all answers together."""
    if found is None:
        return None
    return _share([(tuple(task.step for task in each), np.concatenate([task.hits for task in each])) for each in found])


def by_task(found: Sequence[Sequence[Taken]] | None, base: Sequence[Sequence[Taken]] | None) -> tuple[TaskFormat, ...]:
    """The share for each task and shot count, beside the pretrained model's on the same documents."""
    if found is None:
        return ()
    keys = dict.fromkeys((task.role, task.shots) for each in found for task in each)
    told = []
    for role, shots in keys:
        own, control = _of(found, role, shots), _of(base or (), role, shots)
        told.append(TaskFormat(role, shots, _share(own), _share(control), len(own[0][1])))
    return tuple(told)


def _of(found: Sequence[Sequence[Taken]], role: str, shots: int) -> list[tuple[tuple[str, ...], Numbers]]:
    those = (task for each in found for task in each if (task.role, task.shots) == (role, shots))
    return [((task.step,), task.hits) for task in those]


def _share(hits: Sequence[tuple[tuple[str, ...], Numbers]]) -> Estimate | None:
    """Over seeds where several steps answered, else over documents; None without an answer."""
    if not hits or not all(len(each) for _, each in hits):
        return None
    shares = [float(each.mean()) for _, each in hits]
    if len({steps for steps, _ in hits}) > 1:
        return stats.over_seeds([100 * share for share in shares])
    count = len(hits[0][1])
    stderr = stats.share_stderr(shares[0], count)
    return stats.over_documents(100 * shares[0], None if stderr is None else 100 * stderr, count)
