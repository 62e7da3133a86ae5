"""Ranked rows made from what is stored; nothing missing becomes a number."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite import stats
from suite.stats import Estimate
from suite.store import ExperimentRecord, ScoreRecord, StepLink, StepRecord, Store

BASELINE = "pretrained"


@dataclass(frozen=True)
class Cell:
    """A task's score at a shot count."""

    role: str
    shots: int
    metric: str
    chance: float | None
    score: Estimate | None
    """None: not measured (yet)."""
    documents: int
    unparsable: int
    """Answers that could not be read, over all seeds; scored as wrong."""

    @property
    def at_chance(self) -> bool:
        """Whether the interval holds the score of guessing."""
        score = self.score
        if score is None or self.chance is None or score.low is None:
            return False
        return score.low <= self.chance


@dataclass(frozen=True)
class Costs:
    """What a row's training took: means over seeds, prerequisites included."""

    trained_parameters: int | None
    seconds: float | None
    peak_memory: int | None
    tokens: int | None
    artifact_bytes: int | None


@dataclass(frozen=True)
class Row:
    """One experiment over its seeds."""

    name: str
    variant: str
    """Experiments of one name whose settings differ are rows of their own."""
    method: str
    family: str
    source: str
    about: str
    targets: tuple[str, ...]
    changes: tuple[str, ...]
    """Settings of the track that this row changed: it is not on the track's terms."""
    seeds: tuple[int, ...]
    experiments: tuple[str, ...]
    """Ids, in the order of the seeds."""
    imported: bool
    target_scores: tuple[Cell, ...]
    held_out: tuple[Cell, ...]
    norm_avg: Mapping[int, Estimate | None]
    """Shots -> mean over the held-out tasks of their primary score; None if one is missing."""
    change: Mapping[int, Estimate | None]
    """Shots -> Norm. Avg. less the pretrained model's, on the held-out tasks both have."""
    format_ratio: Estimate | None
    """Share (0 to 100) of held-out answers that begin with a label of the target, where the task has other answers."""
    base_format_ratio: Estimate | None
    """The same for the pretrained model: the control."""
    costs: Costs
    missing: tuple[str, ...]
    """What was not measured; a row that misses something has no rank."""

    @property
    def slug(self) -> str:
        """A file name for this row, unique on its board."""
        return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', self.name)}-{self.variant[:8]}"


@dataclass(frozen=True)
class Board:
    """A track's table."""

    track: str
    title: str
    about: str
    shots: tuple[int, ...]
    """Shot counts of the held-out tasks."""
    roles: tuple[str, ...]
    """Held-out roles, in the track's order."""
    targets: tuple[str, ...]
    rows: tuple[Row, ...] = field(default=())
    """The pretrained model first, then by target, then by Norm. Avg. at the most shots, complete rows before others."""


def boards(store: Store) -> tuple[Board, ...]:
    """A board for every track in the store, by name."""
    tracks = sorted({experiment.track for experiment in store.experiments()})
    return tuple(board(store, track) for track in tracks)


def board(store: Store, track: str) -> Board:
    """One track's board."""
    experiments = store.experiments(track)
    seen = {experiment.id: _Seen.of(store, experiment) for experiment in experiments}
    groups: dict[tuple[str, str], list[_Seen]] = {}
    for experiment in experiments:
        groups.setdefault((experiment.name, str(experiment.spec["variant"])), []).append(seen[experiment.id])
    base = next((each for each in seen.values() if each.record.method == BASELINE and not each.record.spec["changes"]), None)
    base = base or next((each for each in seen.values() if each.record.method == BASELINE), None)
    rows = [_row(store, members, base) for members in groups.values()]
    terms = experiments[0].spec["track"] if experiments else {}
    shots = tuple(sorted({cell.shots for row in rows for cell in row.held_out}))
    return Board(
        track=track,
        title=str(terms.get("title") or track),
        about=str(terms.get("about") or ""),
        shots=shots,
        roles=tuple(dict.fromkeys(role for each in seen.values() for role in each.held_out_roles)),
        targets=tuple(sorted({target for row in rows for target in row.targets})),
        rows=tuple(sorted(rows, key=lambda row: _order(row, shots))),
    )


@dataclass(frozen=True)
class _Seen:
    """An experiment with all that is stored of it, answers excepted."""

    record: ExperimentRecord
    links: tuple[StepLink, ...]
    steps: Mapping[str, StepRecord]
    scores: Mapping[str, tuple[ScoreRecord, ...]]

    @classmethod
    def of(cls, store: Store, record: ExperimentRecord) -> _Seen:
        links = store.links(record.id)
        ids = [link.step_id for link in links]
        return cls(record, links, store.steps(ids), store.scores(ids))

    @property
    def held_out_roles(self) -> tuple[str, ...]:
        return tuple(role for role in self.record.spec["track"]["held_out"]["roles"] if role not in self.record.targets)

    def primary(self, role: str, shots: int) -> ScoreRecord | None:
        for link in self.links:
            if (link.part, link.role, link.shots) == ("evaluate", role, shots):
                return next((score for score in self.scores.get(link.step_id, ()) if score.primary), None)
        return None

    def evaluations(self) -> Iterable[tuple[str, int]]:
        """(role, shots) of every evaluation, targets first."""
        return [(str(link.role), int(link.shots or 0)) for link in self.links if link.part == "evaluate"]


def _row(store: Store, members: Sequence[_Seen], base: _Seen | None) -> Row:
    first = members[0].record
    keys = list(dict.fromkeys(key for member in members for key in member.evaluations()))
    cells = {key: _cell(members, *key) for key in keys}
    targets = tuple(cell for (role, _), cell in cells.items() if role in first.targets)
    held_out = tuple(cell for (role, _), cell in cells.items() if role not in first.targets)
    shots = sorted({cell.shots for cell in held_out})
    lacking = [f"{cell.role} at {cell.shots} shots" for cell in (*targets, *held_out) if cell.score is None]
    return Row(
        name=first.name,
        variant=str(first.spec["variant"]),
        method=first.method,
        family=first.family,
        source=first.source,
        about=str(first.spec.get("about", "")),
        targets=first.targets,
        changes=tuple(first.spec["changes"]),
        seeds=tuple(member.record.seed for member in members),
        experiments=tuple(member.record.id for member in members),
        imported=all(member.record.imported for member in members),
        target_scores=targets,
        held_out=held_out,
        norm_avg={count: _norm_avg(members, count) for count in shots},
        change={count: _change(members, base, count) for count in shots},
        format_ratio=_format_ratio(store, members, first),
        base_format_ratio=_format_ratio(store, [base], first) if base else None,
        costs=_costs(members),
        missing=tuple([*lacking, *_unfinished(members)]),
    )


def _cell(members: Sequence[_Seen], role: str, shots: int) -> Cell:
    found = [score for member in members if (score := member.primary(role, shots))]
    values = [score.value for score in found if score.value is not None]
    whole = len(values) == len(members)
    about = members[0].record.spec["roles"].get(role, {})
    return Cell(
        role=role,
        shots=shots,
        metric=found[0].metric if found else str(about.get("primary") or ""),
        chance=about.get("chance"),
        score=_estimate(values, [score.stderr for score in found]) if whole else None,
        documents=found[0].n if found else 0,
        unparsable=sum(score.unparsable for score in found),
    )


def _estimate(values: Sequence[float], stderrs: Sequence[float | None]) -> Estimate | None:
    """Over seeds where there are several that differ in anything, else over documents."""
    if not values:
        return None
    if len(values) > 1:
        return stats.over_seeds(values)
    return stats.over_documents(values[0], stderrs[0])


def _means(member: _Seen, shots: int) -> tuple[float, float | None] | None:
    """An experiment's Norm. Avg. at a shot count and its standard error; None if a task is missing."""
    roles = [role for role, count in member.evaluations() if count == shots and role in member.held_out_roles]
    scores = [member.primary(role, shots) for role in roles]
    values = [score.value for score in scores if score is not None and score.value is not None]
    if not roles or len(values) < len(roles):
        return None
    return statistics.fmean(values), stats.mean_of_tasks([score.stderr for score in scores if score])


def _norm_avg(members: Sequence[_Seen], shots: int) -> Estimate | None:
    found = [mean for member in members if (mean := _means(member, shots))]
    if len(found) < len(members):
        return None
    return _estimate([value for value, _ in found], [stderr for _, stderr in found])


def _change(members: Sequence[_Seen], base: _Seen | None, shots: int) -> Estimate | None:
    """Against the pretrained model on the same tasks. Its answers are the same for every seed, so it is a constant."""
    if base is None:
        return None
    differences: list[float] = []
    stderrs: list[float | None] = []
    for member in members:
        roles = [role for role, count in member.evaluations() if count == shots and role in member.held_out_roles]
        pairs = [(member.primary(role, shots), base.primary(role, shots)) for role in roles]
        values = [(a.value, b.value) for a, b in pairs if a and b and a.value is not None and b.value is not None]
        if not roles or len(values) < len(roles):
            return None
        differences.append(statistics.fmean(a - b for a, b in values))
        stderrs.append(stats.mean_of_tasks([a.stderr for a, _ in pairs if a]))
    return _estimate(differences, stderrs)


def _format_ratio(store: Store, members: Sequence[_Seen], asked: ExperimentRecord) -> Estimate | None:
    """Share of held-out answers that begin with one of the target's labels, on tasks that have other answers."""
    labels = {_word(label) for role in asked.targets for label in asked.spec["roles"][role]["labels"]}
    if not labels or len(asked.targets) > 1:
        return None
    shares: list[float] = []
    count = 0
    for member in members:
        spec = member.record.spec["roles"]
        own = {role: {_word(label) for label in spec[role]["labels"]} for role in member.held_out_roles}
        steps = [link.step_id for link in member.links if link.role in own and not own[str(link.role)] & labels]
        outputs = [answer.output for step in steps for answer in store.answers(step)]
        if not outputs or any(member.steps[step].status != "done" for step in steps):
            return None
        shares.append(100 * statistics.fmean(_word(output) in labels for output in outputs))
        count = len(outputs)
    if len(shares) > 1:
        return stats.over_seeds(shares)
    return stats.over_documents(shares[0], 100 * stats.share_stderr(shares[0] / 100, count))


def _word(text: str) -> str:
    """The first word, without case and punctuation."""
    found = re.search(r"\w+", text)
    return found.group().casefold() if found else ""


def _costs(members: Sequence[_Seen]) -> Costs:
    """Training's costs: the sum over an experiment's train steps (its prerequisites too), the mean over seeds."""
    sums: list[dict[str, Any]] = []
    for member in members:
        train = [member.steps[link.step_id].costs for link in member.links if link.part == "train"]
        if any(cost.seconds is None for cost in train):
            continue
        sums.append(
            {
                "trained_parameters": max((cost.trained_parameters or 0 for cost in train), default=0),
                "seconds": sum(cost.seconds or 0.0 for cost in train),
                "peak_memory": max((cost.peak_memory or 0 for cost in train), default=0),
                "tokens": sum(cost.tokens or 0 for cost in train),
                "artifact_bytes": sum(cost.artifact_bytes or 0 for cost in train),
            }
        )
    if not sums:
        return Costs(None, None, None, None, None)
    mean = {name: statistics.fmean(each[name] for each in sums) for name in sums[0]}
    return Costs(**{name: value if name == "seconds" else round(value) for name, value in mean.items()})


def _unfinished(members: Sequence[_Seen]) -> list[str]:
    """Train steps that are not done, with their reason."""
    found: list[str] = []
    for member in members:
        for link in member.links:
            step = member.steps[link.step_id]
            if link.part == "train" and step.status != "done":
                found.append(f"{step.title}: {step.status}" + (f" ({step.reason})" if step.reason else ""))
    return list(dict.fromkeys(found))


def _order(row: Row, shots: Sequence[int]) -> tuple[Any, ...]:
    best = row.norm_avg.get(shots[-1]) if shots else None
    return (row.method != BASELINE, row.targets, bool(row.missing), -(best.value if best else 0.0), row.name, row.variant)
