"""Finished experiments as files: written from a store, checked, and read into another one."""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import statistics
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass as checked

from suite.block import Block
from suite.errors import Problem, SuiteError, did_you_mean
from suite.hashing import canonical, fingerprint
from suite.store import (
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
    Store,
)

SCHEMA = 1
"""Raised when a record gains or loses a field."""
PLAIN_BYTES = 200_000
"""A longer record is compressed."""
MAX_BYTES = 64_000_000
"""A record that is longer, once unpacked, is not read."""
TOLERANCE = 1e-6

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=200)]
_Score, _Answer, _Point, _Link, _Costs = (
    checked(kind, config=Block.model_config)
    for kind in (ScoreRecord, AnswerRecord, CurvePointRecord, StepLink, Costs)
)  # fmt: skip


class _Experiment(Block):
    id: str
    name: Name
    track: Name
    seed: int
    method: str
    family: str
    targets: tuple[str, ...]
    source: str
    spec: dict[str, Any]


class _Provenance(Block):
    """Without the host: whose machine it was is nobody's business."""

    device: str | None
    versions: dict[str, str] | None
    git_commit: str | None


class _Artifact(Block):
    """Without the path: the file is not in the record."""

    kind: str
    hash: str
    base: str
    parameters: int
    bytes: int


class _Step(Block):
    id: str
    kind: Literal["train", "evaluate"]
    title: str
    config: dict[str, Any]
    attempts: int
    started: str | None
    finished: str | None
    provenance: _Provenance
    costs: _Costs  # type: ignore[valid-type]
    scores: tuple[_Score, ...]  # type: ignore[valid-type]
    answers: tuple[_Answer, ...]  # type: ignore[valid-type]
    curve: tuple[_Point, ...]  # type: ignore[valid-type]
    artifact: _Artifact | None


class _Record(Block):
    schema_version: int
    sha256: str
    experiment: _Experiment
    links: tuple[_Link, ...]  # type: ignore[valid-type]
    steps: tuple[_Step, ...]


# -- writing -----------------------------------------------------------------------------------------------------


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def export_records(
    store: Store,
    folder: Path,
    names: Sequence[str] = (),
    track: str | None = None,
    *,
    report: Callable[[str], None] = _tell,
) -> list[Path]:
    """Write each finished experiment (of these names, of this track) to a file of its own, `<track>/<name>--….json`.

    An unfinished experiment is not written: `report` is given a line about it. Raises SuiteError when a name or the
    track is unknown, and when nothing at all is finished. The same experiment gives the same bytes.
    """
    chosen = _chosen(store, names, track)
    lacking: list[Problem] = []
    files: list[Path] = []
    for experiment in chosen:
        links = store.links(experiment.id)
        steps = store.steps([link.step_id for link in links])
        unfinished = [step for step in steps.values() if step.status != "done"]
        if unfinished or not links:
            lacking.append(_unfinished(experiment, unfinished, len(steps)))
            continue
        files.append(_write(folder, experiment, _record(store, experiment, links, steps)))
    if lacking and not files:
        raise SuiteError.of(lacking)
    for problem in lacking:
        report(str(problem))
    return files


def _chosen(store: Store, names: Sequence[str], track: str | None) -> list[ExperimentRecord]:
    known = store.experiments()
    tracks = {experiment.track for experiment in known}
    if track is not None and track not in tracks:
        raise SuiteError(f"nothing was run on the track '{track}'", fix=did_you_mean(track, tracks))
    there = [experiment for experiment in known if track in (None, experiment.track)]
    known_names = {experiment.name for experiment in there}
    unknown = [name for name in names if name not in known_names]
    if unknown:
        raise SuiteError.of(
            Problem("", f"no experiment is called '{name}'", did_you_mean(name, known_names)) for name in unknown
        )
    if not there:
        raise SuiteError("there is no experiment to export", fix="`suite run` makes one")
    return [experiment for experiment in there if not names or experiment.name in names]


def _unfinished(experiment: ExperimentRecord, steps: Sequence[StepRecord], count: int) -> Problem:
    where = f"{experiment.name} (track {experiment.track}, seed {experiment.seed})"
    failed = next((f"; '{step.title}' failed: {step.reason}" for step in steps if step.status == "failed"), "")
    return Problem(where, f"not exported: {len(steps)} of its {count} steps are not done{failed}", "`suite run` it first")


def _record(
    store: Store, experiment: ExperimentRecord, links: Sequence[StepLink], steps: Mapping[str, StepRecord]
) -> dict[str, Any]:
    """All there is to know of an experiment, as plain data, without its hash."""
    ids = list(dict.fromkeys(link.step_id for link in links))
    scores, artifacts = store.scores(ids), store.artifacts(ids)
    about = {name: value for name, value in vars(experiment).items() if name not in ("imported", "created")}
    return {
        "schema_version": SCHEMA,
        "experiment": {**about, "targets": list(experiment.targets), "spec": _portable(experiment.spec)},
        "links": [vars(link) for link in links],
        "steps": [
            {
                **{name: getattr(steps[step], name) for name in ("id", "kind", "title", "config", "attempts")},
                **{name: getattr(steps[step], name) for name in ("started", "finished")},
                "provenance": _without(vars(steps[step].provenance), "host"),
                "costs": vars(steps[step].costs),
                "scores": [vars(score) for score in scores.get(step, ())],
                "answers": [vars(answer) for answer in store.answers(step)],
                "curve": [vars(point) for point in store.curve(step)],
                "artifact": _without(vars(artifacts[step]), "path") if step in artifacts else None,
            }
            for step in ids
        ],
    }


def _portable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved spec; of a file elsewhere on this machine only the name."""
    file = str(spec.get("file", ""))
    elsewhere = PurePosixPath(file).is_absolute() or PureWindowsPath(file).drive or ".." in re.split(r"[/\\]", file)
    return {**spec, "file": re.split(r"[/\\]", file)[-1]} if elsewhere else dict(spec)


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _write(folder: Path, experiment: ExperimentRecord, record: Mapping[str, Any]) -> Path:
    """Write a record whole or not at all."""
    whole = {**record, "sha256": _hash(record)}
    data = (json.dumps(whole, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    name = f"{experiment.name}--seed{experiment.seed}--{str(experiment.spec['variant'])[:8]}"
    place = folder / _safe(experiment.track)
    plain, packed = place / f"{_safe(name)}.json", place / f"{_safe(name)}.json.gz"
    file, other = (packed, plain) if len(data) > PLAIN_BYTES else (plain, packed)
    fresh = file.with_name(f".{file.name}.new")
    try:
        place.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(_packed(canonical(whole).encode()) if file == packed else data)
        fresh.replace(file)
        other.unlink(missing_ok=True)
    except OSError as error:
        raise SuiteError(f"cannot be written ({error.strerror})", where=str(file)) from None
    return file


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).lstrip(".") or "-"


def _packed(data: bytes) -> bytes:
    """Compressed, without the time and name that gzip would add."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def _hash(record: Mapping[str, Any]) -> str:
    return fingerprint(_without(record, "sha256"), length=64)


# -- reading -----------------------------------------------------------------------------------------------------


def import_records(store: Store, files_or_folders: Sequence[Path]) -> list[str]:
    """Read records into a store: a line for each. Importing twice changes nothing, and what is done here stays.

    A record that does not fit is refused whole. Raises SuiteError with a line for each of those, once the others are in.
    """
    lines: list[str] = []
    problems: list[Problem] = []
    for file in _files(files_or_folders):
        try:
            record = _checked(file)
            changed = store.import_experiment(_experiment(record), _links(record), [_step(step) for step in record.steps])
        except SuiteError as error:
            problems += error.problems
        except OverflowError:
            problems.append(Problem(str(file), "has a number that no database holds"))
        else:
            about = record.experiment
            state = "imported" if changed else "already here"
            lines.append(f"{about.name} (track {about.track}, seed {about.seed}): {state}")
    if problems:
        raise SuiteError.of(problems)
    return lines


@contextmanager
def read_records_into_memory(folder: Path) -> Iterator[Store]:
    """A store in memory with all records of a folder, for the site."""
    with Store.open("sqlite://") as store:
        import_records(store, [folder])
        yield store


def _files(places: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(file for kind in ("*.json", "*.json.gz") for file in place.rglob(kind) if file.name[0] != ".")
        elif place.exists():
            found.append(place)
        else:
            raise SuiteError("there is no such file or folder", where=str(place))
    if not found:
        where = ", ".join(str(place) for place in places)
        raise SuiteError("there are no records (*.json, *.json.gz)", where=where, fix="`suite export` writes them")
    return list(dict.fromkeys(found))


def _checked(file: Path) -> _Record:
    """A record that is what it says. Raises SuiteError in one line."""
    text = _text(file)
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or "schema_version" not in found:
            raise SuiteError("is not a record of `suite export`", where=str(file))
        version = found["schema_version"]
        if isinstance(version, int) and version > SCHEMA:
            what = f"was written by a newer version of suite (record schema {version}, this one knows {SCHEMA})"
            raise SuiteError(what, where=str(file), fix="upgrade finetune-suite")
        record = _Record.model_validate_json(text)
        digest = _hash(found)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise SuiteError(f"is not a record: {path}: {first['msg']}", where=str(file)) from None
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"is not JSON ({error})", where=str(file)) from None
    wrong = "its content does not have the hash it states" if digest != record.sha256 else _wrong(record)
    if wrong:
        raise SuiteError(f"is refused: {wrong}", where=str(file), fix="export it again where it was made")
    return record


def _text(file: Path) -> str:
    """A file's text, unpacked up to a limit: a small file may unpack to more than there is memory for."""
    try:
        with file.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            data = (gzip.GzipFile(fileobj=stream) if packed else stream).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SuiteError(f"cannot be read ({getattr(error, 'strerror', None) or error})", where=str(file)) from None
    if len(data) > MAX_BYTES:
        raise SuiteError(f"is longer than {MAX_BYTES // 1_000_000} MB", where=str(file))
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SuiteError("is not UTF-8 text", where=str(file)) from None


def _wrong(record: _Record) -> str | None:
    """What does not fit together in a record, or None."""
    about, kinds = record.experiment, {step.id: step.kind for step in record.steps}
    spec = about.spec
    core = _without(_without(spec, "file"), "variant")
    stated = (spec.get("name"), spec.get("seed"), spec.get("source"), spec.get("targets"))
    if stated != (about.name, about.seed, about.source, list(about.targets)):
        return "its name, seed, source or targets are not those of its spec"
    if not isinstance(spec.get("track"), dict) or spec["track"].get("name") != about.track:
        return "its track is not that of its spec"
    if not isinstance(spec.get("method"), dict) or spec["method"].get("name") != about.method:
        return "its method is not that of its spec"
    if about.id != fingerprint(core) or spec.get("variant") != fingerprint(_without(core, "seed")):
        return "its id is not the fingerprint of its spec"
    if len(kinds) < len(record.steps) or _repeated(link.position for link in record.links):
        return "it lists a step or a link twice"
    for link in record.links:
        if kinds.get(link.step_id) != link.part:
            return f"it links to the step '{link.step_id}', which is not in it as '{link.part}'"
    if {link.step_id for link in record.links} != set(kinds):
        return "it holds a step that it does not link to"
    return next((f"step '{step.id}': {wrong}" for step in record.steps if (wrong := _wrong_step(step))), None)


def _wrong_step(step: _Step) -> str | None:
    if step.id != fingerprint(step.config) or step.config.get("kind") != step.kind:
        return "its id is not the fingerprint of its config"
    if _repeated(score.metric for score in step.scores) or _repeated(answer.doc_id for answer in step.answers):
        return "it has a metric or a document twice"
    if _repeated((point.name, point.step) for point in step.curve):
        return "it has a point of a curve twice"
    try:
        StepRecord("", "", "", {}, started=step.started, finished=step.finished).check_times()
    except ValueError:
        return "its times are not ISO 8601"
    primary = [score for score in step.scores if score.primary]
    if len(primary) != (step.kind == "evaluate"):
        return "an evaluation has one primary score, and training none"
    return _wrong_score(primary[0], step.answers) if primary else None


def _wrong_score(score: ScoreRecord, answers: Sequence[AnswerRecord]) -> str | None:
    values = [answer.value for answer in answers if answer.value is not None]
    if len(answers) != score.n:
        return f"'{score.metric}' is over {score.n} documents, and {len(answers)} were answered"
    if values and len(values) < len(answers):
        return "some answers are scored, and others not"
    if values and (score.value is None or not math.isclose(statistics.fmean(values), score.value, abs_tol=TOLERANCE)):
        return f"the answers' mean is {statistics.fmean(values):.6g}, and '{score.metric}' is {score.value}"
    if score.unparsable != sum(answer.unparsable for answer in answers):
        return "the count of unparsable answers is not theirs"
    return None


def _repeated(values: Iterable[object]) -> bool:
    return any(count > 1 for count in Counter(values).values())


def _experiment(record: _Record) -> ExperimentRecord:
    return ExperimentRecord(**dict(record.experiment), imported=True)


def _links(record: _Record) -> list[StepLink]:
    return [StepLink(**vars(link)) for link in sorted(record.links, key=lambda link: link.position)]


def _step(step: _Step) -> tuple[StepRecord, StepOutcome]:
    provenance, costs = Provenance(None, **dict(step.provenance)), Costs(**vars(step.costs))
    plain = {name: getattr(step, name) for name in ("id", "kind", "title", "config", "attempts", "started", "finished")}
    outcome = StepOutcome(
        scores=tuple(step.scores),
        answers=tuple(step.answers),
        curve=tuple(step.curve),
        artifact=ArtifactRecord(**dict(step.artifact), path="") if step.artifact else None,
        costs=costs,
        provenance=provenance,
    )
    return StepRecord(**plain, provenance=provenance, costs=costs, imported=True), outcome
