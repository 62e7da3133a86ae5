"""`suite doctor --deep`: check that stored results still follow from their sources."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.results.store import AnswerRecord, ResultsReader, ScoreRecord, StepRecord, Store
from suite.tasks.data import DataLocations

if TYPE_CHECKING:
    from suite.tasks.load import LoadedTask

TOLERANCE = 1e-6


def check_deep(home: RunDir, data: Path | None) -> tuple[bool, list[str]]:
    """Whether nothing differs, and a line for each difference and each check that was skipped."""
    if not home.exists:
        return True, ["skip  deep: there is no store yet"]
    checks = (_database, _checksums, lambda store: _scores(store, data), lambda store: _artifacts(store, home))
    lines: list[str] = []
    try:
        with Store.open(home.url, create=False) as store:
            for check in checks:
                try:
                    lines += check(store)
                except SuiteError as error:
                    lines += [f"FAIL  {problem}" for problem in error.problems]
    except SuiteError as error:
        lines += [f"FAIL  {problem}" for problem in error.problems]
    lines = list(dict.fromkeys(lines))
    return not any(line.startswith("FAIL") for line in lines), lines


def _database(store: Store) -> Iterator[str]:
    if store.engine.dialect.name != "sqlite":
        yield "skip  database: a server sees to its own files"
        return
    faults = store.database_faults()
    yield from (f"FAIL  database: {' '.join(fault.split())}" for fault in faults)
    if not faults:
        yield "ok    database: SQLite finds no fault in it"


def _checksums(store: Store) -> Iterator[str]:
    """Read everything, so that every change is noticed."""
    tracks = store.tracks()
    experiments = [record for track in tracks for record in store.experiments(track)]
    linked = store.links_of([record.id for record in experiments])
    ids = sorted({*store.step_ids(), *(link.step_id for of_experiment in linked.values() for link in of_experiment)})
    for read in (store.steps, store.scores, store.curves, store.findings, store.artifacts, store.tallies):
        read(ids)
    store.repeated(ids)
    for step in ids:
        store.answers(step)
    changed = store.alterations()
    yield from (f"FAIL  checksum: {part} of '{name}' changed after they were written" for name, part in changed)
    unsealed = store.unsealed()
    if unsealed:
        yield f"skip  checksum: not known of {unsealed} finished steps, which an older version stored"
    if not changed:
        yield f"ok    checksum: {len(ids) - unsealed} steps are as they were written"


def _scores(store: ResultsReader, data: Path | None) -> Iterator[str]:
    from suite.specs import Workspace

    scoring = _Scoring(Workspace.here().task_folders, DataLocations.of(data))
    users = _users(store)
    steps = [step for step in store.steps(store.step_ids()).values() if step.kind == "evaluate"]
    done, not_rescored = 0, Counter[str]()
    for step in sorted((step for step in steps if step.status == "done"), key=lambda step: (step.title, step.id)):
        experiment, name = users.get(step.id, ("–", step.title.partition(" ")[0]))
        scores, answers = store.scores([step.id]).get(step.id, ()), store.answers(step.id)
        where = f"{experiment}, {step.title}"
        try:
            rescored = scoring.again(name, step, answers)
        except SuiteError as error:
            yield from (f"FAIL  score: {where}: {line}" for line in _unlike_answers(scores, answers))
            yield f"skip  score: {where}: not recomputed: {error.problems[0]}"
            continue
        done += 1
        not_rescored.update(score.metric for score in scores if score.metric not in rescored.scores)
        yield from (f"FAIL  score: {where}: {line}" for line in rescored.differences(scores, answers))
    for metric, count in sorted(not_rescored.items()):
        yield f"skip  score: {metric} of {count} evaluations: not recomputed: the answers do not tell it"
    yield f"ok    score: {done} evaluations were scored again from their answers"


def _users(store: ResultsReader) -> dict[str, tuple[str, str]]:
    """Evaluate step -> an experiment that shows it, and the name of its task."""
    users: dict[str, tuple[str, str]] = {}
    records = store.experiments()
    linked = store.links_of([record.id for record in records])
    for record in records:
        roles: Mapping[str, Any] = record.spec["roles"]
        for link in linked.get(record.id, ()):
            if link.part == "evaluate" and link.role in roles:
                user = (f"{record.name} seed {record.seed}", str(roles[str(link.role)]["task"]))
                users.setdefault(link.step_id, user)
    return users


@dataclass(frozen=True)
class _Again:
    """An evaluation's scores, computed again."""

    scores: Mapping[str, Any]
    answers: Mapping[int, Any]

    def differences(self, scores: Sequence[ScoreRecord], answers: Sequence[AnswerRecord]) -> Iterator[str]:
        """One line for each stored value that differs."""
        for score in scores:
            again = self.scores.get(score.metric)
            if again is None:
                continue
            for name in ("value", "stderr", "n"):
                stored, now = getattr(score, name), getattr(again, name)
                if not _close(stored, now):
                    yield f"{score.metric}{'' if name == 'value' else f' ({name})'}: stored {stored}, recomputed {now}"
        for answer in answers:
            now = self.answers[answer.doc_id]
            for name in ("doc_hash", "target", "question", "parsed"):
                if getattr(answer, name) != _stored(getattr(now, name)):
                    yield f"document {answer.doc_id}: its {name.replace('_', ' ')} is another one now"
            if not _close(answer.value, now.value):
                yield f"document {answer.doc_id}: stored {answer.value}, recomputed {now.value}"


@dataclass
class _Scoring:
    """The tasks in this workspace, loaded once."""

    folders: Sequence[Path]
    locations: DataLocations
    _loaded: dict[tuple[str, str, int | None], LoadedTask | SuiteError] = field(default_factory=dict)

    def again(self, name: str, step: StepRecord, answers: Sequence[AnswerRecord]) -> _Again:
        """Score stored answers again. Raises SuiteError with the reason if this is not possible here."""
        from suite.evaluation.rescoring import metrics_not_rescored, rescored

        task = self._task(name, step)
        result = rescored(task, answers)
        unknown = set(metrics_not_rescored(task))
        scores = {score.metric: score for score in result.scores if score.metric.partition(",")[0] not in unknown}
        return _Again(scores, {answer.doc_id: answer for answer in result.answers})

    def _task(self, name: str, step: StepRecord) -> LoadedTask:
        data = f"{step.config['data']}{' chat' if 'chat' in step.config else ''}"
        key = (name, f"{step.config['task']} {data}", step.config["documents"])
        if key not in self._loaded:
            try:
                self._loaded[key] = self._load(name, step)
            except SuiteError as error:
                self._loaded[key] = error
        task = self._loaded[key]
        if isinstance(task, SuiteError):
            raise task
        return task

    def _load(self, name: str, step: StepRecord) -> LoadedTask:
        from suite.core.chat import ChatFormat, unrendered
        from suite.tasks.definition import read_task
        from suite.tasks.load import load_task
        from suite.tasks.splits import reported_rows

        file = read_task(name, self.folders)
        if file.fingerprint != step.config["task"]:
            raise SuiteError(f"the task '{name}' is another one here", where=str(file.path))
        if reported_rows(file, self.locations).content_hash != step.config["data"]:
            raise SuiteError(f"the data of task '{name}' are others here", where=str(file.path))
        chat = ChatFormat(unrendered) if "chat" in step.config else None
        return load_task(file, self.locations, limit=step.config["documents"], chat=chat)


def _unlike_answers(scores: Sequence[ScoreRecord], answers: Sequence[AnswerRecord]) -> Iterator[str]:
    """If a score cannot be computed again, check that it is the mean of its answers' values."""
    values = [answer.value for answer in answers if answer.value is not None]
    for score in scores:
        if score.primary and score.n != len(answers):
            yield f"{score.metric}: over {score.n} documents, and {len(answers)} answers are stored"
        if score.primary and values and not _close(score.value, math.fsum(values) / len(values)):
            yield f"{score.metric}: stored {score.value}, the mean of its answers {math.fsum(values) / len(values)}"


def _close(stored: float | None, now: float | None) -> bool:
    if stored is None or now is None:
        return stored is now or (now is not None and not math.isfinite(now))
    return math.isclose(stored, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _stored(text: str) -> str:
    """A text as a store keeps it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")


def _artifacts(store: ResultsReader, home: RunDir) -> Iterator[str]:
    from suite.models.artifacts import load_artifact

    steps = store.steps(store.step_ids())
    sound, elsewhere, deleted = 0, 0, 0
    for step, artifact in sorted(store.artifacts(list(steps)).items()):
        if not artifact.path:  # it has no files here
            elsewhere += steps[step].imported
            deleted += not steps[step].imported
            continue
        where = f"FAIL  artifact: {steps[step].title}"
        folder = home.artifact(artifact.path)
        if not folder.is_dir():
            yield f"{where}: is not in {folder}"
            continue
        try:
            actual = load_artifact(folder, artifact.base).hash
        except SuiteError as error:
            yield f"{where}: {error.problems[0]}"
            continue
        if actual == artifact.hash:
            sound += 1
        else:
            yield f"{where}: stored hash {artifact.hash[:12]}, of the file {actual[:12]}"
    if elsewhere:
        yield f"skip  artifact: {elsewhere} were imported without their files"
    if deleted:
        yield f"skip  artifact: {deleted} were deleted since (`suite gc`)"
    yield f"ok    artifact: {sound} files have the hash that is stored"
