"""Writes each finished experiment to a file."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.hashing import canonical, fingerprint
from suite.core.outputs import write_output
from suite.results.record_bundles import SUFFIX, RecordName, pack
from suite.results.records.schema import MAX_BYTES, SCHEMA
from suite.results.store import ExperimentRecord, ResultsReader, StepLink, StepRecord

PLAIN_BYTES = 200_000
"""Longer records are compressed."""


def record_hash(record: Mapping[str, Any]) -> str:
    """The SHA-256 of a record's canonical text without its `sha256` field."""
    return fingerprint(_without(record, "sha256"), length=64)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def export_records(
    store: ResultsReader,
    folder: Path,
    names: Sequence[str] = (),
    track: str | None = None,
    *,
    texts: bool = True,
    bundle: bool = False,
    report: Callable[[str], None] = _tell,
) -> list[Path]:
    """Write each finished experiment (with these names, on this track) to a file `<track>/<name>--….json`.

    With `bundle`, all experiments of a track are written to one file `<track>.jsonl.xz`.

    Unfinished experiments are skipped; `report` gets one line about each. The same experiment gives the same bytes.
    Without `texts`, the data set's texts (questions and right answers) are left out; their hashes and the model's
    outputs stay. Returns the files. Raises SuiteError if a name or the track is unknown, or if no experiment is
    finished.
    """
    chosen = _chosen(store, names, track)
    problems: list[Problem] = []
    files: list[Path] = []
    bundled: dict[str, dict[RecordName, str]] = {}
    for experiment in chosen:
        links = store.links(experiment.id)
        steps = store.steps([link.step_id for link in links])
        unfinished = [step for step in steps.values() if step.status != "done"]
        if unfinished or not links:
            problems.append(_unfinished(experiment, unfinished, len(steps)))
            continue
        whole = _hashed(experiment, _record(store, experiment, links, steps, texts))
        if bundle:
            bundled.setdefault(experiment.track, {})[RecordName.of(experiment)] = canonical(whole)
        else:
            files.append(_write(folder, experiment, whole))
    files += [_write_bundle(folder, track, records) for track, records in bundled.items()]
    if problems and not files:
        raise SuiteError.of(problems)
    for problem in problems:
        report(str(problem))
    return files


def _chosen(store: ResultsReader, names: Sequence[str], track: str | None) -> list[ExperimentRecord]:
    experiments = store.experiments()
    tracks = {experiment.track for experiment in experiments}
    if track is not None and track not in tracks:
        raise SuiteError(f"nothing was run on the track '{track}'", fix=did_you_mean(track, tracks))
    candidates = [experiment for experiment in experiments if track in (None, experiment.track)]
    known_names = {experiment.name for experiment in candidates}
    unknown = [name for name in names if name not in known_names]
    if unknown:
        raise SuiteError.of(
            Problem("", f"no experiment is called '{name}'", did_you_mean(name, known_names)) for name in unknown
        )
    if not candidates:
        raise SuiteError("there is no experiment to export", fix="`suite run` makes one")
    return [experiment for experiment in candidates if not names or experiment.name in names]


def _unfinished(experiment: ExperimentRecord, steps: Sequence[StepRecord], count: int) -> Problem:
    where = f"{experiment.name} (track {experiment.track}, seed {experiment.seed})"
    failed = next((f"; '{step.title}' failed: {step.reason}" for step in steps if step.status == "failed"), "")
    return Problem(
        where, f"not exported: {len(steps)} of its {count} steps are not done{failed}", "`suite run` it first"
    )


def _record(
    store: ResultsReader,
    experiment: ExperimentRecord,
    links: Sequence[StepLink],
    steps: Mapping[str, StepRecord],
    texts: bool,
) -> dict[str, Any]:
    """An experiment's record as plain data, without its hash."""
    ids = list(dict.fromkeys(link.step_id for link in links))
    scores, artifacts, findings = store.scores(ids), store.artifacts(ids), store.findings(ids)
    settings = {name: value for name, value in vars(experiment).items() if name not in ("imported", "created")}
    unpublished = {} if texts else {"question": "", "target": ""}
    return {
        "schema_version": SCHEMA,
        "experiment": {**settings, "targets": list(experiment.targets), "spec": _portable(experiment.spec)},
        "links": [vars(link) for link in links],
        "steps": [
            {
                **{name: getattr(steps[step], name) for name in ("id", "kind", "title", "config", "attempts")},
                **{name: getattr(steps[step], name) for name in ("started", "finished")},
                "provenance": _without(vars(steps[step].provenance), "host"),
                "costs": vars(steps[step].costs),
                "scores": [vars(score) for score in scores.get(step, ())],
                "answers": [{**vars(answer), **unpublished} for answer in store.answers(step)],
                "curve": [vars(point) for point in store.curve(step)],
                "findings": [{"name": name, "content": content} for name, content in findings.get(step, {}).items()],
                "artifact": _without(vars(artifacts[step]), "path") if step in artifacts else None,
            }
            for step in ids
        ],
    }


def _portable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved spec. If its file is an absolute path or outside the workspace, only the file's name is kept."""
    file = str(spec.get("file", ""))
    elsewhere = PurePosixPath(file).is_absolute() or PureWindowsPath(file).drive or ".." in re.split(r"[/\\]", file)
    return {**spec, "file": re.split(r"[/\\]", file)[-1]} if elsewhere else dict(spec)


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _hashed(experiment: ExperimentRecord, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its hash. Raises SuiteError for one that is too long to be read."""
    whole = {**record, "sha256": record_hash(record)}
    if len(_plain(whole)) > MAX_BYTES:
        raise SuiteError(f"has more than {MAX_BYTES // 1_000_000} MB of answers", where=experiment.name)
    return whole


def _plain(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write_bundle(folder: Path, track: str, records: Mapping[RecordName, str]) -> Path:
    """Write the records of a track as a whole, or not at all."""
    names = sorted(records)
    file = folder / f"{_safe(track)}{SUFFIX}"
    write_output(file, pack(names, [records[name] for name in names]), "name another folder")
    return file


def _write(folder: Path, experiment: ExperimentRecord, whole: Mapping[str, Any]) -> Path:
    """Write a record as a whole, or not at all."""
    data = _plain(whole)
    name = f"{experiment.name}--seed{experiment.seed}--{str(experiment.spec['variant'])[:8]}"
    track_folder = folder / _safe(experiment.track)
    plain, packed = track_folder / f"{_safe(name)}.json", track_folder / f"{_safe(name)}.json.gz"
    file, other = (packed, plain) if len(data) > PLAIN_BYTES else (plain, packed)
    write_output(file, _packed(canonical(whole).encode()) if file == packed else data, "name another folder")
    with suppress(OSError):
        other.unlink(missing_ok=True)
    return file


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).lstrip(".") or "-"


def _packed(data: bytes) -> bytes:
    """Compressed data, without the time and name that gzip would add."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()
