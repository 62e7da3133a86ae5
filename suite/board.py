"""Ranked rows made from what is stored; nothing missing becomes a number."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite import stats
from suite.hashing import fingerprint
from suite.stats import Estimate
from suite.store import ExperimentRecord, StepRecord, Store
from suite.store.seen import Seen

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
    """What a row's training took: means over seeds, prerequisites and all tries of a sweep included.

    Of the tries only the chosen one counts for the numbers that were trained and for what is left to keep.
    """

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
    settings: Mapping[str, Any]
    """The method block, resolved."""
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
    """Shots -> Norm. Avg. less the pretrained model's on the very same documents and prompts; None if it has not
    answered them all."""
    format_ratio: Estimate | None
    """Share (0 to 100) of held-out answers that begin with a label of the target, where the task has other answers."""
    base_format_ratio: Estimate | None
    """The same for the pretrained model: the control."""
    costs: Costs
    missing: tuple[str, ...]
    """What was not measured; a row that misses something has no rank."""
    tries: int = 0
    """How many settings of a sweep this row is the best of, by rows held out of training; 0: there was no sweep."""

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
    seen = {experiment.id: Seen.of(store, experiment) for experiment in experiments}
    groups: dict[tuple[str, str], list[Seen]] = {}
    for experiment in experiments:
        groups.setdefault((experiment.name, str(experiment.spec["variant"])), []).append(seen[experiment.id])
    bases = [each for each in seen.values() if each.record.method == BASELINE]
    rows = [_row(store, members, _base_of(members[0], bases)) for members in groups.values()]
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


def _row(store: Store, members: Sequence[Seen], base: Seen | None) -> Row:
    first = members[0].record
    keys = list(dict.fromkeys(key for member in members for key in member.evaluations()))
    cells = {key: _cell(members, *key) for key in keys}
    targets = tuple(cell for (role, _), cell in cells.items() if role in first.targets)
    held_out = tuple(cell for (role, _), cell in cells.items() if role not in first.targets)
    shots = sorted({cell.shots for cell in held_out})
    lacking = [f"{cell.role} {cell.shots}-shot" for cell in (*targets, *held_out) if cell.score is None]
    return Row(
        name=first.name,
        variant=str(first.spec["variant"]),
        method=first.method,
        settings=dict(first.spec["method"]),
        family=first.family,
        source=first.source,
        about=str(first.spec.get("about", "")),
        targets=first.targets,
        changes=tuple(first.spec["changes"]),
        seeds=tuple(member.record.seed for member in members),
        experiments=tuple(member.record.id for member in members),
        imported=all(step.imported for member in members for step in member.steps.values()),
        target_scores=targets,
        held_out=held_out,
        norm_avg={count: _norm_avg(members, count) for count in shots},
        change={count: _change(store, members, base, count) for count in shots},
        format_ratio=_format_ratio(store, members, first),
        base_format_ratio=_format_ratio(store, [base], first) if base else None,
        costs=_costs(members),
        missing=(*lacking, *_unfinished(members)),
        tries=len(first.spec.get("sweep", ())),
    )


def _base_of(member: Seen, bases: Sequence[Seen]) -> Seen | None:
    """The pretrained model's experiment that was asked the very same: it differs in the stack alone."""

    def asked(each: Seen) -> list[Any]:
        steps = [each.step(role, shots) for role, shots in member.evaluations() if role in member.held_out_roles]
        return [{**step.config, "stack": None, "dispatch": None} if step else None for step in steps]

    return next((base for base in bases if asked(base) == asked(member)), None)


def _cell(members: Sequence[Seen], role: str, shots: int) -> Cell:
    found = [score for member in members if (score := member.primary(role, shots))]
    values = [score.value for score in found if score.value is not None]
    whole = len(values) == len(members)
    about = members[0].record.spec["roles"].get(role, {})
    return Cell(
        role=role,
        shots=shots,
        metric=found[0].metric if found else str(about.get("primary") or ""),
        chance=about.get("chance"),
        score=_estimate(members, [(role, shots)], values, [each.stderr for each in found], found[0].n)
        if whole
        else None,
        documents=found[0].n if found else 0,
        unparsable=sum(score.unparsable for score in found),
    )


def _estimate(
    members: Sequence[Seen],
    keys: Sequence[tuple[str, int]],
    values: Sequence[float],
    stderrs: Sequence[float | None],
    n: int | None = None,
) -> Estimate:
    """Over seeds where there are several that differ in any of these evaluations, else over documents."""
    asked = {tuple(step.id for key in keys if (step := member.step(*key))) for member in members}
    if len(asked) > 1:
        return stats.over_seeds(values)
    return stats.over_documents(values[0], stderrs[0], n)


def _norm_avg(members: Sequence[Seen], shots: int) -> Estimate | None:
    """The mean over held-out tasks; None if one is missing for any seed."""
    values: list[float] = []
    stderrs: list[float | None] = []
    keys = [(role, shots) for role in members[0].held_out(shots)]
    for member in members:
        scores = [member.primary(*key) for key in keys]
        known = [score.value for score in scores if score and score.value is not None]
        if not keys or len(known) < len(keys):
            return None
        values.append(statistics.fmean(known))
        stderrs.append(stats.mean_of_tasks([score.stderr for score in scores if score]))
    return _estimate(members, keys, values, stderrs)


def _change(store: Store, members: Sequence[Seen], base: Seen | None, shots: int) -> Estimate | None:
    """The mean over held-out tasks of what was won or lost against the pretrained model."""
    keys = [(role, shots) for role in members[0].held_out(shots)]
    if base is None or not keys:
        return None
    values: list[float] = []
    stderrs: list[float | None] = []
    for member in members:
        changes = [_difference(store, member, base, *key) for key in keys]
        known = [change for change in changes if change]
        if len(known) < len(keys):
            return None
        values.append(statistics.fmean(value for value, _ in known))
        stderrs.append(stats.mean_of_tasks([stderr for _, stderr in known]))
    return _estimate(members, keys, values, stderrs)


def _difference(store: Store, member: Seen, base: Seen, role: str, shots: int) -> tuple[float, float | None] | None:
    """What a task won, and its standard error: paired by document where documents have scores of their own."""
    first, second = member.primary(role, shots), base.primary(role, shots)
    steps = member.step(role, shots), base.step(role, shots)
    if not (first and second and steps[0] and steps[1]) or first.value is None or second.value is None:
        return None
    won = first.value - second.value
    if steps[0].id == steps[1].id:
        return won, 0.0
    values = store.values([step.id for step in steps if step])
    mine, theirs = (values.get(step.id, {}) for step in steps if step)
    if mine and mine.keys() == theirs.keys():
        return won, stats.standard_error([mine[document] - theirs[document] for document in mine])
    return won, stats.of_difference(first.stderr, second.stderr)


def _format_ratio(store: Store, members: Sequence[Seen], row: ExperimentRecord) -> Estimate | None:
    """Share of held-out answers that begin with one of the target's labels, on tasks that have other answers."""
    labels = {_word(label) for role in row.targets for label in row.spec["roles"][role]["labels"]}
    if not labels or len(row.targets) > 1:
        return None
    shares: list[float] = []
    asked: set[tuple[str, ...]] = set()
    count = 0
    for member in members:
        spec = member.record.spec["roles"]
        own = {role: {_word(label) for label in spec[role]["labels"]} for role in member.held_out_roles}
        steps = tuple(link.step_id for link in member.links if link.role in own and not own[str(link.role)] & labels)
        if not steps or any(member.steps[step].status != "done" for step in steps):
            return None
        said = store.outputs(steps)
        outputs = [output for step in steps for output in said.get(step, ())]
        if not outputs:
            return None
        shares.append(statistics.fmean(_word(output) in labels for output in outputs))
        asked.add(steps)
        count = len(outputs)
    if len(asked) > 1:
        return stats.over_seeds([100 * share for share in shares])
    stderr = stats.share_stderr(shares[0], count)
    return stats.over_documents(100 * shares[0], None if stderr is None else 100 * stderr, count)


def _word(text: str) -> str:
    """The first word, without case and punctuation."""
    found = re.search(r"\w+", text)
    return found.group().casefold() if found else ""


def _costs(members: Sequence[Seen]) -> Costs:
    """Training's costs: the sum over an experiment's train steps (its prerequisites too), the mean over seeds."""
    steps = [[member.steps[link.step_id] for link in member.links if link.part == "train"] for member in members]
    done = [each for each in steps if all(step.status == "done" for step in each)]
    taken = [_taken(each) for each in done]

    def mean(
        name: str, over: Callable[[list[float]], float], of: Sequence[Sequence[StepRecord]] = done
    ) -> float | None:
        given = [[getattr(step.costs, name) for step in each] for each in of]
        if not given or any(value is None for each in given for value in each):
            return None
        return statistics.fmean(over(each) for each in given)

    def whole(value: float | None) -> int | None:
        return None if value is None else round(value)

    trains = any(steps)
    return Costs(
        trained_parameters=whole(mean("trained_parameters", lambda each: max(each, default=0), taken)),
        seconds=mean("seconds", sum),
        peak_memory=whole(mean("peak_memory", max)) if trains else None,
        tokens=whole(mean("tokens", sum)),
        artifact_bytes=whole(mean("artifact_bytes", sum, taken)),
    )


def _taken(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """The train steps less the tries of a sweep: the steps that choose have taken up what is in use of those."""
    tried = [step.config.get("candidates") for step in steps]
    tries = {step for each in tried if isinstance(each, (list, tuple)) for step in map(str, each)}
    # by content: the site reads published steps under other names
    return [step for step in steps if fingerprint(step.config) not in tries] if tries else list(steps)


def _unfinished(members: Sequence[Seen]) -> list[str]:
    """Train steps that are not done, and evaluations that failed, with their reason."""
    found: list[str] = []
    for member in members:
        for step in dict.fromkeys(member.steps[link.step_id].id for link in member.links):
            record = member.steps[step]
            if record.status == "failed" or (record.kind == "train" and record.status != "done"):
                found.append(f"{record.title}: {record.status}" + (f" ({record.reason})" if record.reason else ""))
    return list(dict.fromkeys(found))


def _order(row: Row, shots: Sequence[int]) -> tuple[Any, ...]:
    best = row.norm_avg.get(shots[-1]) if shots else None
    return (
        row.method != BASELINE,
        row.targets,
        bool(row.missing),
        -(best.value if best else 0.0),
        row.name,
        row.variant,
    )
