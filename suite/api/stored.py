"""A stored experiment as its model is loaded: the record, the base model, and kinds of artifacts from outside."""

from __future__ import annotations

from pathlib import Path

from suite.api.experiments import experiment_named
from suite.core.errors import SuiteError
from suite.models.source import LocatedModel, ModelSource, locate
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.specs import Experiment
from suite.specs.workspace import Workspace


def define_kind(kind: str, experiment: object, results: ExperimentResults, step: str) -> None:
    """Load the module of a method from outside that defines this kind of artifact.

    Raises SuiteError if its source has changed.
    """
    from suite.models.artifacts import kinds

    if kind in kinds():
        return
    record, config = results.record, results.steps[step].config
    # a choosing step has no method of its own: the experiment's method made the artifact that it kept
    name, source = (config.get("method") or record.spec["method"])["name"], config.get("source")
    file = Path(str(record.spec.get("file", "")))
    registry = experiment.methods if isinstance(experiment, Experiment) else Workspace.here(file).methods
    if source is not None and registry.source(name) != source:
        what = f"'{record.name}' was trained by another version of the method '{name}', which defines its artifact"
        raise SuiteError(what, fix="run the spec again, or bring that version back")
    registry.get(name)


def stored_record(
    store: ResultsReader, experiment: str | Experiment | ExperimentRecord, track: str | None, seed: int | None
) -> ExperimentRecord:
    """The stored experiment for this argument."""
    if isinstance(experiment, str):
        return experiment_named(store, experiment, track, seed)
    matches = [record for record in store.experiments(track) if record.id == experiment.id]
    if not matches:
        raise SuiteError(f"'{experiment.name}' is not in the store", fix="suite.run its plan first")
    return matches[0]


def located_base(experiment: object, record: ExperimentRecord, models: Path | None) -> LocatedModel:
    """The base model."""
    if isinstance(experiment, Experiment):
        return locate(experiment.track.model, models)
    try:
        return base_of(record, models)
    except SuiteError as error:
        fix = "name the folder it is in with models=, or give the experiment as load_spec has it"
        raise SuiteError(error.problems[0].what, where=error.problems[0].where, fix=fix) from error


def base_of(record: ExperimentRecord, models: Path | None) -> LocatedModel:
    """The base model of a stored experiment. Raises SuiteError where it is not there.

    A store has not the file beside which a relative path is meant: the spec's folder is tried, then those of tracks.
    """
    source = ModelSource.model_validate(record.spec["track"]["model"])
    if record.imported:  # the path that a record from elsewhere states is not looked into
        return locate(source, models)
    file = Path(str(record.spec.get("file", "")))
    errors: list[SuiteError] = []
    for folder in (file.parent, *(root / "tracks" for root in Workspace.around(file).roots)):
        try:
            return locate(source.beside(folder, folder), models)
        except SuiteError as error:
            errors.append(error)
    raise errors[0]
