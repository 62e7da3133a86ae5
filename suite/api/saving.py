"""Saving a stored experiment's model as folders that plain transformers and PEFT load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from suite.api.experiments import experiment_named
from suite.api.paths import File, folder_of, home_of
from suite.api.stored import define_kind, located_base, stored_record
from suite.core.errors import SuiteError
from suite.results.store import ExperimentRecord, ResultsReader, Store
from suite.results.store.experiment_results import ExperimentResults
from suite.specs import Experiment

if TYPE_CHECKING:
    from suite.saving.layout import FolderLayout

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class SavedPart:
    """A model in a saved folder."""

    names: tuple[str, ...]
    """The tasks or skills that it answers."""
    kinds: tuple[str, ...]
    """The kinds of the artifacts in it."""
    weights: str | None
    """The folder for `from_pretrained`, below the saved one; None: the base model's own."""
    adapter: str | None
    """The folder for `PeftModel.from_pretrained`; None: there is no adapter."""


@dataclass(frozen=True)
class SavedModel:
    """What was written."""

    folder: Path
    experiment: ExperimentRecord
    seed_note: str
    """Which seed was taken, and why."""
    parts: tuple[SavedPart, ...]
    bytes: int
    url: str | None
    """Its address on the hub, where it was uploaded."""


def save(
    experiment: str | Experiment | ExperimentRecord,
    folder: File,
    *,
    home: File | None = None,
    db: str | None = None,
    track: str | None = None,
    seed: int | None = None,
    role: str | None = None,
    merge: bool = False,
    dtype: Dtype | None = None,
    push: str | None = None,
    models: File | None = None,
) -> SavedModel:
    """Write the model of a finished experiment to a new folder, as plain transformers and PEFT load it, with a card.

    Of several seeds the one with the highest score on the selection rows is taken, unless `seed` names one. The model
    is that of the targets; `role` names another task that was answered in another way. Adapters, soft prompts and
    prefixes become PEFT's folders, all else weights. `merge` puts an adapter into the weights, `dtype` is the type of
    the numbers, `push` uploads the whole folder to the hub. The folder is loaded once more before it counts. Raises
    SuiteError, with nothing written, where the experiment is not finished or no plain library could load it.
    """
    from suite.saving.folder import refuse_taken
    from suite.saving.hub import check_upload, upload

    target, run_dir = Path(folder), home_of(home, db)
    refuse_taken(target)
    if push is not None:
        check_upload(push)
    from suite.saving.stored import StoredExperiment
    from suite.saving.writing import Destination, write_folder

    with Store.open(run_dir.url, create=False) as store:
        stored = StoredExperiment.read(store, *_row(store, experiment, track, seed), role)
    for step, artifact in stored.artifacts.items():
        define_kind(artifact.kind, experiment, stored.results, step)
    located = located_base(experiment, stored.record, folder_of(models, "SUITE_MODELS"))
    if located.identity != stored.stacks.identity:
        what = f"the base model {located.source.title} is not the one that '{stored.record.name}' was made for"
        raise SuiteError(what, fix="name the folder it is in with --models")
    layout = write_folder(stored, run_dir, located, Destination(target, merge, dtype, push))
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    url = None if push is None else upload(target, push)
    return SavedModel(target, stored.record, stored.seed_note, _parts(layout), size, url)


def _row(
    store: ResultsReader, experiment: str | Experiment | ExperimentRecord, track: str | None, seed: int | None
) -> tuple[tuple[ExperimentResults, ...], str | None]:
    """The experiments of the row that is meant, one a seed, and the id of the one that is named, if one is."""
    records = store.experiments(track)
    if isinstance(experiment, str) and seed is None:
        named = [record for record in records if record.name == experiment]
        if len(named) > 1 and len({(record.track, record.spec["variant"]) for record in named}) == 1:
            return ExperimentResults.of_many(store, named), None
    if isinstance(experiment, str):
        record = experiment_named(store, experiment, track, seed)
    else:
        record = stored_record(store, experiment, track, seed)
    row = (record.name, record.track, record.spec["variant"])
    same = [each for each in store.experiments(record.track) if (each.name, each.track, each.spec["variant"]) == row]
    return ExperimentResults.of_many(store, same), record.id


def _parts(layout: FolderLayout) -> tuple[SavedPart, ...]:
    return tuple(
        SavedPart(
            each.names, tuple(artifact.kind for artifact in each.artifacts),
            None if each.weights is None else each.weights.path, None if each.adapter is None else each.adapter.path,
        )
        for each in layout.answering
    )  # fmt: skip
