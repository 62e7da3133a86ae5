"""Check before a run that no reported document is trained on or shown; documents are compared as the model reads
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.core.errors import SuiteError
from suite.tasks.data import Row, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.identity import Identified, Identity, asked, can_read, identified, told
from suite.tasks.sameness import near_keys


@dataclass(frozen=True)
class Overlap:
    """Reported documents whose question is in the training rows."""

    same: Mapping[str, tuple[int, int]]
    """Documents that were trained on with the same answer -> (index in reported rows, index in training rows) of the
    first."""
    other: Mapping[str, tuple[int, int]]
    """Documents that were trained on with other answers only."""


def overlap(task: TaskFile, reported: Rows, trained: TaskFile, rows: Rows) -> Overlap:
    """The documents that a task reports and another (or the same) task trains on, in the order of reported rows."""
    same: dict[str, tuple[int, int]] = {}
    other: dict[str, tuple[int, int]] = {}
    asked = identified(task, reported)
    for known in _as_read(task, trained, rows):
        for question in asked.places.keys() & known.places.keys():
            at = known.places[question]
            for place in asked.places[question]:
                each = asked[place]
                agreeing = next((one for one in at if known[one].agrees(each)), None)
                if agreeing is not None:
                    same.setdefault(each.document, (place, agreeing))
                else:
                    other.setdefault(each.document, (place, at[0]))
    other = {document: places for document, places in other.items() if document not in same}
    return Overlap(_in_order(same), _in_order(other))


def nearly(task: TaskFile, reported: Rows, trained: TaskFile, rows: Rows) -> Mapping[int, int]:
    """Index of a reported row -> index of a training row that asks nearly, but not exactly, the same."""
    asked = identified(task, reported)
    found: dict[int, int] = {}
    for known in _as_read(task, trained, rows):
        first: dict[int, int] = {}
        for place, keys in enumerate(known.near):
            for key in keys:
                first.setdefault(key, place)
        for place, keys in enumerate(asked.near):
            at = min((first[key] for key in keys & first.keys()), default=None)
            if at is not None and asked.questions[place] not in known.places:
                found.setdefault(place, at)
    return dict(sorted(found.items()))


def _in_order(found: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _as_read(task: TaskFile, trained: TaskFile, rows: Rows) -> Iterator[Identified]:
    """Training rows as they are trained on, and, if possible, as the reporting task would read them."""
    yield identified(trained, rows)
    if trained.name != task.name and can_read(task, rows):
        yield identified(task, rows)
    if trained.sources:  # each row is a prompt of another task
        yield Identified(rows.docs, _Prompts())


class _Prompts:
    """Identities of rows whose question is a complete prompt."""

    def question(self, row: Row) -> str:
        return asked(str(row["question"]))

    def near(self, row: Row) -> frozenset[int]:
        return near_keys(str(row["question"]))

    def __call__(self, row: Row) -> Identity:
        return told(str(row["question"]), ())


def check_leaks(
    task: TaskFile, training: Mapping[str, tuple[TaskFile, Rows]], exemplars: Rows | None, reported: Rows
) -> list[str]:
    """Notes about allowed overlap, duplicates, contradictions, and exemplar rows that are left out.

    `training` maps each role that is trained on to its task and rows. Raises SuiteError if more reported rows are
    trained on than the task allows in `metadata.known_overlap`.
    """
    notes: list[str] = []
    known: Mapping[str, Any] = task.metadata.get("known_overlap") or {"count": 0}
    for role, (trained, rows) in training.items():
        found = overlap(task, reported, trained, rows)
        if len(found.same) > known["count"]:
            first = _pair(reported, rows, next(iter(found.same.values())))
            raise SuiteError(
                f"'{task.name}' reports {_many(len(found.same))} of {reported.source} that '{role}' trains on "
                f"({rows.source}), first {first}",
                where=str(task.path),
                fix="cut the splits apart (`metadata.splits`), or list them: "
                "`metadata: {known_overlap: {count: …, reason: …}}`",
            )
        if found.same:
            notes.append(f"{task.name}: reports {_many(len(found.same))} that {role} trains on: {known['reason']}")
        if found.other:
            first = _pair(reported, rows, next(iter(found.other.values())))
            what = f"reports {_many(len(found.other))} that {role} trains on with another answer"
            notes.append(f"{task.name}: {what}, first {first}")
        near = nearly(task, reported, trained, rows)
        if near:
            one, other = next(iter(near.items()))
            what = f"reports {_many(len(near))} that {role} trains on in other case, width, spacing or punctuation"
            notes.append(f"{task.name}: {what}, first {reported.place(one)} ~ {rows.place(other)}")
    left_out = identified(task, exemplars).places.keys() & identified(task, reported).places.keys() if exemplars else ()
    if left_out:
        notes.append(f"{task.name}: leaves {_many(len(left_out))} out of the exemplars, as they are reported")
    return notes


def doubles(task: TaskFile, rows: Rows, use: str) -> list[str]:
    """Notes about rows that are equal or contradict one another; `use` says what the rows are used for."""
    found = identified(task, rows)
    if len(found.places) == len(rows.docs):
        return []
    notes: list[str] = []
    several = [places for places in found.places.values() if len(places) > 1]
    equal = sum(len(places) - len({found[place].document for place in places}) for places in several)
    if equal:
        distinct = len(rows.docs) - equal
        notes.append(f"{task.name}: {use} {len(rows.docs)} rows, {distinct} of them distinct ({rows.source})")
    at_odds = [pair for places in several if (pair := _at_odds(found, places))]
    if at_odds:
        one, two = (rows.place(place) for place in at_odds[0])
        what = "question has" if len(at_odds) == 1 else "questions have"
        notes.append(f"{task.name}: {len(at_odds)} {what} answers that differ ({use}), first {one} and {two}")
    return notes


def _at_odds(found: Identified, places: Sequence[int]) -> tuple[int, int] | None:
    """Two rows of the same question whose answers have nothing in common; None if there are none."""
    first, *others = places
    one = found[first]
    return next(((first, place) for place in others if not one.agrees(found[place])), None)


def _pair(reported: Rows, trained: Rows, places: tuple[int, int]) -> str:
    return f"{reported.place(places[0])}, which is {trained.place(places[1])}"


def _many(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
