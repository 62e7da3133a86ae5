"""Builds one row of a board from the records of its seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from suite import stats
from suite.analysis.board.classification import Classification, classify
from suite.analysis.board.contrasts import Missing, Term, contrast_of
from suite.analysis.board.costs import costs_of, devices_of
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.formats import FormatHits, by_task, format_ratio, formats_of_row, hits_by_task
from suite.analysis.board.intervals import norm_avg, task_estimates
from suite.analysis.board.lenient import lenient_scores
from suite.analysis.board.row_samples import (
    MeanParts,
    RowSamples,
    comparable,
    draw_of,
    held_out_terms,
    parts_of,
    questions,
    samples_of,
    target_terms,
)
from suite.analysis.board.samples import Evaluated, evaluated
from suite.analysis.board.schema import BASELINE, Cell, LenientScore, Row, Variation
from suite.analysis.board.unwritable import unwritable_answers
from suite.core.formats import Format
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast, Estimate


@dataclass(frozen=True, eq=False)
class PretrainedResults:
    """The pretrained model's experiment and its answers."""

    results: ExperimentResults
    evaluations: Mapping[str, Evaluated]
    hits_by_task: Callable[[tuple[Format, ...]], tuple[tuple[FormatHits, ...], ...] | None] = lambda _: None
    """Formats -> which of its answers take them; cached."""

    @classmethod
    def of(cls, store: ResultsReader, results: ExperimentResults) -> PretrainedResults:
        """The pretrained model's experiment with all its answers."""
        read = lru_cache(maxsize=64)(lambda formats: hits_by_task(store, [results], formats))
        return cls(results, evaluated(store, [results], results.evaluations()), read)


def _held_out_keys(member: ExperimentResults) -> list[tuple[str, int]]:
    """(role, shots) of all held-out evaluations."""
    return [key for key in member.evaluations() if key[0] in member.held_out_roles]


def base_of(member: ExperimentResults, bases: Sequence[PretrainedResults]) -> PretrainedResults | None:
    """The pretrained model's experiment with exactly the same questions; None without one.

    Only the stack of artifacts may differ.
    """
    keys = _held_out_keys(member)
    asked_of_member = questions(member, keys)
    return next((base for base in bases if questions(base.results, keys) == asked_of_member), None)


def make_row(
    store: ResultsReader, members: Sequence[ExperimentResults], bases: Sequence[PretrainedResults]
) -> RowSamples:
    """Build a row over its seeds."""
    base = base_of(members[0], bases)
    first = members[0].record
    keys = list(dict.fromkeys(key for member in members for key in member.evaluations()))
    evaluations = {**(base.evaluations if base else {}), **evaluated(store, members, keys)}
    scores = task_estimates(store, members, keys, evaluations)
    classes = _classes(store, members, keys, evaluations)
    lenient = lenient_scores(store, members, keys, base.results if base and first.method != BASELINE else None)
    unwritable = unwritable_answers(store, (link for member in members for link in member.links))
    cells = {
        key: _cell(members, *key, scores.get(key), classes.get(key), lenient.get(key), evaluations,
                   len(unwritable[key].documents) if key in unwritable else 0)
        for key in keys
    }  # fmt: skip
    targets = tuple(cell for (role, _), cell in cells.items() if role in first.targets)
    held_out = tuple(cell for (role, _), cell in cells.items() if role not in first.targets)
    shots = sorted({cell.shots for cell in held_out})
    missing = [f"{cell.role} {cell.shots}-shot" for cell in (*targets, *held_out) if cell.score is None]
    against = {count: _change(store, members, base, count, evaluations) for count in shots}
    average_parts = {count: parts_of(store, held_out_terms(members, count), evaluations) for count in shots}
    formats = formats_of_row(first)
    hits, base_hits = hits_by_task(store, members, formats), base.hits_by_task(formats) if base else None
    row = Row(
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
        norm_avg={count: norm_avg(members, count, (average_parts[count] or ((), ()))[1]) for count in shots},
        change={
            count: contrast.estimate if contrast and first.method != BASELINE else None
            for count, contrast in against.items()
        },
        format_ratio=format_ratio(hits),
        base_format_ratio=format_ratio(base_hits),
        costs=costs_of(members),
        missing=(*missing, *_differently_asked(members, keys), *_unfinished(members)),
        tries=len(first.spec.get("sweep", ())),
        formats=formats,
        format_by_task=by_task(hits, base_hits),
        against=against,
        gained={cell.role: _gained(store, members, bases, cell, evaluations) for cell in targets},
        variation={count: _variation(parts) for count, parts in average_parts.items()},
        devices=devices_of(members),
    )
    held_out_keys = [(role, shots[-1]) for role in members[0].held_out(shots[-1])] if shots else []
    target_keys = [(cell.role, cell.shots) for cell in targets]
    target_parts = parts_of(store, target_terms(members, target_keys), evaluations)
    return RowSamples(
        row,
        draw_of(first.spec),
        samples_of(members[0], held_out_keys, average_parts[shots[-1]] if shots else None),
        samples_of(members[0], target_keys, target_parts),
    )


def _classes(
    store: ResultsReader,
    members: Sequence[ExperimentResults],
    keys: Sequence[tuple[str, int]],
    evaluations: Mapping[str, Evaluated],
) -> dict[tuple[str, int], Classification | None]:
    """The answers by class for each task that has labels and was answered by every seed."""
    labels = {
        role: tuple(map(str, description.get("labels") or ()))
        for role, description in members[0].record.spec["roles"].items()
    }
    labelled: dict[tuple[str, int], list[str]] = {}
    for key in keys:
        steps = [step for member in members if (step := member.step(*key)) and step.status == "done"]
        if labels.get(key[0]) and len(steps) == len(members):
            labelled[key] = list(dict.fromkeys(step.id for step in steps))
    tallies = store.tallies([step for steps in labelled.values() for step in steps]) if labelled else {}
    return {
        key: classify(labels[key[0]], [tallies.get(step, ()) for step in steps],
                      next((evaluations[step].equivalent for step in steps if step in evaluations), None))
        for key, steps in labelled.items()
    }  # fmt: skip


def _cell(
    members: Sequence[ExperimentResults], role: str, shots: int, score: Estimate | None, classes: Classification | None,
    lenient: LenientScore | None, answers: Mapping[str, Evaluated], unwritable: int,
) -> Cell:  # fmt: skip
    steps = [step.id for member in members if (step := member.step(role, shots))]
    distinct = next((answers[step].distinct for step in steps if step in answers), 0)
    primary = [score_record for member in members if (score_record := member.primary(role, shots))]
    description = members[0].record.spec["roles"].get(role, {})
    return Cell(
        role=role,
        shots=shots,
        metric=primary[0].metric if primary else str(description.get("primary") or ""),
        chance=description.get("chance"),
        score=score,
        documents=primary[0].n if primary else 0,
        distinct=distinct,
        unparsable=sum(score_record.unparsable for score_record in primary),
        classes=classes,
        lenient=lenient,
        unwritable=unwritable,
    )


def _change(
    store: ResultsReader,
    members: Sequence[ExperimentResults],
    base: PretrainedResults | None,
    shots: int,
    evaluations: Mapping[str, Evaluated],
) -> Contrast | None:
    """The change of the held-out average from the pretrained model; None if it is not known."""
    if base is None:
        return None
    subtracted = [Term(-term.weight, (base.results,), term.role, shots) for term in held_out_terms(members, shots)]
    try:
        return contrast_of(store, [*held_out_terms(members, shots), *subtracted], evaluations)
    except (Missing, Incomparable):
        return None


def _gained(
    store: ResultsReader,
    members: Sequence[ExperimentResults],
    bases: Sequence[PretrainedResults],
    cell: Cell,
    evaluations: Mapping[str, Evaluated],
) -> Contrast | None:
    """What a target won or lost against the pretrained model that was asked the same."""
    key = (cell.role, cell.shots)
    asked = questions(members[0], [key])
    base = next((base for base in bases if questions(base.results, [key]) == asked), None)
    if base is None or members[0].record.method == BASELINE:
        return None
    terms = [Term(1.0, tuple(members), *key), Term(-1.0, (base.results,), *key)]
    try:
        return contrast_of(store, terms, {**base.evaluations, **evaluations})
    except (Missing, Incomparable):
        return None


def _variation(parts: MeanParts | None) -> Variation | None:
    if comparable(parts) is None or parts is None:
        return None
    spread = stats.spread_of([task.part for task in parts[1]])
    return Variation(spread.documents, spread.seeds, None)


def _differently_asked(members: Sequence[ExperimentResults], keys: Sequence[tuple[str, int]]) -> list[str]:
    """A message for each evaluation in which seeds had different questions: their mean would have no meaning."""
    problems: list[str] = []
    for role, shots in keys:
        (first, reference), *rest = [(member.record.seed, *questions(member, [(role, shots)])) for member in members]
        differ = {name: seed for seed, question in rest for name in _changed(reference, question)}
        if differ:
            seed = next(iter(differ.values()))
            what = f"seed {seed} differs from seed {first} in {', '.join(sorted(differ))}; run all seeds again"
            problems.append(f"{role} {shots}-shot asked alike of all seeds ({what})")
    return problems


def _changed(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> list[str]:
    """The parts in which two questions differ; empty if one of them is missing."""
    if one is None or other is None:
        return []
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _unfinished(members: Sequence[ExperimentResults]) -> list[str]:
    """Messages about train steps that are not done and evaluations that failed, each with its reason."""
    unfinished: list[str] = []
    for member in members:
        for step in dict.fromkeys(member.steps[link.step_id].id for link in member.links):
            record = member.steps[step]
            if record.status == "failed" or (record.kind == "train" and record.status != "done"):
                unfinished.append(f"{record.title}: {record.status}" + (f" ({record.reason})" if record.reason else ""))
    return list(dict.fromkeys(unfinished))
