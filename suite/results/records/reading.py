"""Reads records into a store. Each record is read as a whole, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from suite.core.code_key import code_key
from suite.core.console import visible
from suite.core.errors import Problem, SuiteError
from suite.core.hashing import file_hash, fingerprint
from suite.core.user_cache import cached, keep
from suite.results.record_bundles import RecordName
from suite.results.record_files import record_files
from suite.results.records.checks import checked_record, parsed_record, unchecked
from suite.results.records.schema import RecordFile, StepPart
from suite.results.records.texts import record_texts
from suite.results.store import (
    ArtifactRecord,
    Costs,
    ExperimentRecord,
    Provenance,
    StepLink,
    StepOutcome,
    StepRecord,
    Store,
)
from suite.results.store.contents import SUPPORTED, contents_in_memory

CACHED = "records"
"""The kind of cached values: records as stores."""
Check = Callable[[RecordFile], str | None]
"""A further check that a caller adds: an error message, or None."""


def import_records(store: Store, files_or_folders: Sequence[Path], also: Check = lambda _: None) -> list[str]:
    """Import records into a store. Returns one line for each. Importing twice changes nothing; local results stay.

    A record that fails a check is refused as a whole. Raises SuiteError with one line for each refused record, after
    all others were imported.
    """
    lines: list[str] = []
    for record, changed in _imported(store, files_or_folders, also):
        lines.append(f"{_name(record)}: {'imported' if changed else 'already here'}")
    return lines


def verify_records(files_or_folders: Sequence[Path], also: Check = lambda _: None) -> list[str]:
    """Check records like an import, without a store; one line for each. Raises SuiteError like `import_records`."""
    lines: list[str] = []
    with Store.open("sqlite://") as store:
        for record, _ in _imported(store, files_or_folders, also):
            metrics = unchecked(record)
            caveat = f"; {visible(', '.join(metrics))} cannot be computed again from what is stored" if metrics else ""
            lines.append(f"{_name(record)}: is what it says{caveat}")
    return lines


def _name(record: RecordFile) -> str:
    experiment = record.experiment
    return f"{experiment.name} (track {experiment.track}, seed {experiment.seed})"


def _imported(
    store: Store, files_or_folders: Sequence[Path], also: Check = lambda _: None
) -> Iterator[tuple[RecordFile, bool]]:
    """Yield each record, and whether the import changed the store."""
    problems: list[Problem] = []
    for where, name, text in _texts(record_files(files_or_folders), problems):
        try:
            record = checked_record(where, text, name)
            if wrong := also(record):
                raise SuiteError(f"is refused: {wrong}", where=where, fix="export it again where it was made")
            changed = store.import_experiment(*_imported_parts(record))
        except SuiteError as error:
            problems += error.problems
        except OverflowError:
            problems.append(Problem(where, "has a number that no database holds"))
        else:
            yield record, changed
    if problems:
        raise SuiteError.of(problems)


def _texts(files: Sequence[Path], problems: list[Problem]) -> Iterator[tuple[str, RecordName | None, str]]:
    """The texts of all files; the problems of files that cannot be read are added to `problems`."""
    for file in files:
        try:
            yield from record_texts(file)
        except SuiteError as error:
            problems += error.problems


@contextmanager
def read_records_into_memory(*files_or_folders: Path, trusted: bool = False) -> Iterator[Store]:
    """A read-only store in memory that holds these records; `trusted`: they came with this program.

    Records that were checked and imported before come from the user's cache, under a key of their contents and of this
    program's code. Raises SuiteError like `import_records`.
    """
    files = record_files(files_or_folders)
    key = fingerprint([code_key(), trusted, *map(file_hash, files)], 32)
    contents = cached(CACHED, key) if SUPPORTED else None
    if contents is not None:
        with Store.of_contents(contents) as store:
            yield store
        return
    with Store.open("sqlite://") as store:
        if trusted:
            store.fill(map(_imported_parts, _trusted(files)))
        else:
            deque(_imported(store, files), maxlen=0)
        if SUPPORTED:
            keep(CACHED, key, contents_in_memory(store.engine))
        yield store


def _trusted(files: Sequence[Path]) -> Iterator[RecordFile]:
    """Records that came with this program: its tests have checked them. Raises SuiteError for a file that is none."""
    problems: list[Problem] = []
    yield from (parsed_record(where, text) for where, _, text in _texts(files, problems))
    if problems:
        raise SuiteError.of(problems)


def _imported_parts(
    record: RecordFile,
) -> tuple[ExperimentRecord, list[StepLink], list[tuple[StepRecord, StepOutcome]]]:
    experiment = ExperimentRecord(**dict(record.experiment), imported=True)
    return experiment, _links(record), [_step(step) for step in record.steps]


def _links(record: RecordFile) -> list[StepLink]:
    return [StepLink(**vars(link)) for link in sorted(record.links, key=lambda link: link.position)]


def _step(step: StepPart) -> tuple[StepRecord, StepOutcome]:
    provenance, costs = Provenance(None, **dict(step.provenance)), Costs(**vars(step.costs))
    plain = {name: getattr(step, name) for name in ("id", "kind", "title", "config", "attempts", "started", "finished")}
    outcome = StepOutcome(
        scores=tuple(step.scores),
        answers=tuple(step.answers),
        curve=tuple(step.curve),
        findings=tuple(step.findings),
        artifact=ArtifactRecord(**dict(step.artifact), path="") if step.artifact else None,
        costs=costs,
        provenance=provenance,
    )
    return StepRecord(**plain, provenance=provenance, costs=costs, imported=True), outcome
