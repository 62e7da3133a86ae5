"""Remove experiments from the store and the home folder after confirmation."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from suite.cli.commands.stored import reading
from suite.cli.commands.tables import aligned
from suite.core.disk import bytes_in
from suite.core.errors import SuiteError, did_you_mean
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.execution.cleanup import clear
from suite.results.store import ExperimentRecord, Removal, ResultsReader, Store

SHORTEST_ID = 8
MAX_LISTED = 60


def remove_experiments(
    home: RunDir, names: Sequence[str], track: str | None, seeds: Sequence[int] | None, *, failed: bool, yes: bool
) -> None:
    """Print what would be removed, ask, and remove it. Raises SuiteError if there is nothing to remove or nobody to
    ask."""
    if not names and not failed:
        raise SuiteError(
            "there is nothing to remove", fix="name experiments (`suite show` lists them), or pass --failed"
        )
    with reading(home) as store:
        chosen = _chosen(store, names, track, seeds, failed=failed)
        removal = store.removal([record.id for record in chosen])
        folders = [folder for step in removal.folders for folder in (home.artifact(step), home.work(step))]
        existing = [folder for folder in folders if folder.is_dir()]
        print("\n".join(_summary(store, removal, existing)))
        if not yes and not _agreed():
            print("nothing was removed")
            return
        store.remove(removal)
    for folder in existing:
        shutil.rmtree(folder, ignore_errors=True)
    clear(home, removal.steps)
    print(f"removed; `suite render --home {home.folder}` makes the pages anew")


def experiments_named(store: ResultsReader, names: Sequence[str], track: str | None) -> list[ExperimentRecord]:
    """The experiments of these names, or beginnings of ids, on a track; all without names.

    Raises SuiteError for a name that the store does not have.
    """
    every = store.experiments(track)
    for name in names:
        if not any(_is(record, name) for record in every):
            where = f" on the track '{track}'" if track else ""
            fix = did_you_mean(name, {record.name for record in every})
            raise SuiteError(f"there is no experiment '{name}' in the store{where}", fix=fix)
    return [record for record in every if not names or any(_is(record, name) for name in names)]


def _chosen(
    store: ResultsReader, names: Sequence[str], track: str | None, seeds: Sequence[int] | None, *, failed: bool
) -> list[ExperimentRecord]:
    """The selected experiments: by name or beginning of the id, on a track, with these seeds."""
    chosen = [record for record in experiments_named(store, names, track) if seeds is None or record.seed in seeds]
    if failed:
        states = _states(store, chosen)
        chosen = [record for record in chosen if states[record.id] == "failed"]
    if not chosen:
        what = "has failed" if failed else "has these seeds"
        raise SuiteError(f"no such experiment {what}", fix="`suite show` lists the experiments")
    return chosen


def _is(record: ExperimentRecord, name: str) -> bool:
    return record.name == name or (len(name) >= SHORTEST_ID and record.id.startswith(name))


def _states(store: ResultsReader, records: Sequence[ExperimentRecord]) -> dict[str, str]:
    """Experiment -> failed, running, done, or unfinished."""
    links = store.links_of([record.id for record in records])
    statuses = store.statuses([link.step_id for of_experiment in links.values() for link in of_experiment])
    states: dict[str, str] = {}
    for record in records:
        of_steps = {statuses[link.step_id] for link in links.get(record.id, ())}
        state = next((status for status in ("failed", "running") if status in of_steps), None)
        states[record.id] = state or ("done" if of_steps <= {"done"} else "unfinished")
    return states


def _summary(store: Store, removal: Removal, folders: Sequence[Path]) -> Iterator[str]:
    states = _states(store, removal.experiments)
    lines = [["experiment", "track", "seed", "method", "state", "id"]]
    for record in removal.experiments[:MAX_LISTED]:
        state = states[record.id] + (", imported" if record.imported else "")
        lines.append([record.name, record.track, str(record.seed), record.method, state, record.id[:SHORTEST_ID]])
    yield from aligned(lines)
    if len(removal.experiments) > MAX_LISTED:
        yield f"… and {len(removal.experiments) - MAX_LISTED} more"
    count, room = len(removal.experiments), sum(map(bytes_in, folders))
    yield (
        f"{count} experiment{'s' * (count != 1)} would go, with {len(removal.steps)} steps that no other needs, "
        f"{removal.scores} scores, {removal.answers} answers and {size(room)} of files"
    )
    if removal.shared_steps:
        yield f"{removal.shared_steps} steps stay, as other experiments need them"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        what = "cannot confirm: stdin is not a terminal, so nothing was removed"
        raise SuiteError(what, fix="pass --yes to remove without a question")
    return typer.confirm("Remove this for good?")
