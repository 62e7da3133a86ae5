"""Finds a stored experiment by its name or by the beginning of its id."""

from __future__ import annotations

from suite.api.shipped import remark
from suite.core.errors import SuiteError, did_you_mean
from suite.results.store import ExperimentRecord, ResultsReader

SHORTEST_ID = 8
MAX_LISTED = 8


def experiment_named(
    store: ResultsReader, name: str, track: str | None, seed: int | None, *, first_seed: bool = False
) -> ExperimentRecord:
    """The only experiment with this name, or with an id that begins so, on the track and with the seed if given.

    With `first_seed`, the first of several that differ only in the seed. Raises SuiteError, in one line, if there is
    none or more than one.
    """
    records = store.experiments()
    named = [record for record in records if record.name == name]
    named = named or [record for record in records if len(name) >= SHORTEST_ID and record.id.startswith(name)]
    if not named:
        where = f" on the track '{track}'" if track else ""
        hint = [did_you_mean(name, {record.name for record in records}), *remark(store, track, (name,))]
        raise SuiteError(f"there is no experiment '{name}' in the store{where}", fix="; ".join(hint))
    matches = [record for record in named if track in (None, record.track) and seed in (None, record.seed)]
    if first_seed and len({(record.track, record.spec["variant"]) for record in matches}) == 1:
        return min(matches, key=lambda record: record.seed)
    if len(matches) != 1:
        raise SuiteError(_which(name, track, seed, len(matches)), fix=_one_of(matches or named))
    return matches[0]


def seeds_of(store: ResultsReader, record: ExperimentRecord) -> tuple[int, ...]:
    """The seeds of an experiment that differ in nothing else."""
    others = store.experiments(record.track)
    alike = [each for each in others if (each.name, each.spec["variant"]) == (record.name, record.spec["variant"])]
    return tuple(sorted(each.seed for each in alike))


def _which(name: str, track: str | None, seed: int | None, count: int) -> str:
    if count:
        return f"{count} experiments are named '{name}'"
    told = [f"track '{track}'"] if track else []
    return f"'{name}' has no {' with '.join([*told, *([] if seed is None else [f'seed {seed}'])])}"


def _one_of(records: list[ExperimentRecord]) -> str:
    listed = ", ".join(f"{record.id[:8]} ({record.track}, seed {record.seed})" for record in records[:MAX_LISTED])
    return f"name its track and seed (--track, --seed), or its id: {listed}" + (
        " …" if len(records) > MAX_LISTED else ""
    )
