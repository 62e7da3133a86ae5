"""Writing a saved folder: weights, adapters and card, loaded once more before it counts."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from suite.core.errors import ArtifactLost, SuiteError
from suite.core.run_dir import RunDir
from suite.execution.artifacts import load_published
from suite.execution.preflight import fetch
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone, load_backbone, probe_logits
from suite.models.chat import Chat, asked_as
from suite.models.in_effect import assert_in_effect
from suite.models.source import LocatedModel
from suite.results.commands import restore_command
from suite.saving.adapters import write_adapter
from suite.saving.asking import Asking, asking_of
from suite.saving.base_model import BaseModel
from suite.saving.card import Card
from suite.saving.folder import CARD, fresh
from suite.saving.layout import AdapterFolder, FolderLayout, layout_of
from suite.saving.loaded_again import assert_same
from suite.saving.stored import StoredExperiment
from suite.saving.usage import TextConventions, Usage
from suite.saving.weights import write_weights


@dataclass(frozen=True)
class Destination:
    """Where a model goes, and in which form."""

    folder: Path
    merge: bool = False
    """Whether adapters go into the weights."""
    dtype: str | None = None
    """The type of the numbers; None: weights as they are in memory, adapters in float32."""
    repository: str | None = None
    """The repository of the hub that it is made for."""

    @property
    def name(self) -> str:
        """What files and cards call the folder."""
        return self.repository or str(self.folder)


@dataclass(frozen=True)
class _Written:
    """What was written, without the model itself."""

    layout: FolderLayout
    base: BaseModel
    usages: tuple[Usage, ...]
    logits: tuple[Tensor, ...]
    """Of each part that answers, on a few fixed tokens."""


def write_folder(stored: StoredExperiment, home: RunDir, located: LocatedModel, to: Destination) -> FolderLayout:
    """Write the folder; it is there whole at the end, or not at all.

    Raises SuiteError where an artifact is missing, or plain libraries do not give the model that was evaluated.
    """
    if located.folder is None:
        fetch(located.source)
    with fresh(to.folder) as folder:
        written = _write(stored, home, located, to, folder)
        gc.collect()  # two models at once may not fit
        dtype: torch.dtype = getattr(torch, to.dtype or written.base.dtype)
        for answering, logits in zip(written.layout.answering, written.logits, strict=True):
            assert_same(answering, folder, written.base, logits, dtype)
        (folder / CARD).write_text(_card(stored, to, written).text, encoding="utf-8")
    return written.layout


def _write(stored: StoredExperiment, home: RunDir, located: LocatedModel, to: Destination, folder: Path) -> _Written:
    """Write weights and adapters with the base model, which is not kept."""
    chat = _chat(stored)
    backbone = asked_as(load_backbone(located, "cpu", home.factors_of(located.identity)), chat, located.source.title)
    base = BaseModel.of(located, two_sided=backbone.shape == "encoder-decoder")
    alone = base.is_found_by_name(elsewhere=to.repository is not None)
    try:
        stacks = _artifacts(stored, home, backbone)
        layout = layout_of(stacks, backbone, merge=to.merge, with_base=not alone)
        if layout.weights and base.quantization:
            what = f"the weights of {base.title} cannot be written: they are rounded to few bits"
            fix = "save the adapter alone" + ("" if alone else ", on a base that others find on the hub")
            raise SuiteError(what, where="--merge" if to.merge else "", fix=fix)
    except SuiteError as error:
        (problem,) = error.problems
        what = f"'{stored.record.name}': {problem.what}"
        raise SuiteError(what, where=problem.where, fix=problem.fix) from error
    logits = []
    for answering in layout.answering:
        with applied(backbone, answering.artifacts) as current:
            assert_in_effect(current)
            logits.append(probe_logits(current.model, current.soft, **current.prefix_inputs(1)))
    dtype: torch.dtype = getattr(torch, to.dtype or base.dtype)
    for weights in layout.weights:
        write_weights(backbone, weights.artifacts, folder / weights.path, dtype)
    for adapter in layout.adapters:
        name, revision = _base_of(adapter, layout, base, to)
        write_adapter(adapter.files, folder / adapter.path, name, revision, None if to.dtype is None else dtype)
    askings = _askings(stored, chat)
    texts = TextConventions.of(backbone, list(askings.values()))
    beams = int(stored.record.spec["track"]["decoding"]["beams"])
    usages = tuple(
        Usage(each, askings[each.names[0]], base, texts, to.name, to.repository is not None, beams)
        for each in layout.answering
    )
    return _Written(layout, base, usages, tuple(logits))


def _artifacts(stored: StoredExperiment, home: RunDir, backbone: Backbone) -> dict[str, list[Artifact]]:
    """The artifacts of each role or skill. Raises SuiteError for one that is missing or damaged."""
    loaded: dict[str, Artifact] = {}
    try:
        for step in dict.fromkeys(step for stack in stored.stacks.steps.values() for step in stack):
            artifact = stored.artifacts.get(step)
            loaded[step] = load_published(home.artifact(step), backbone.identity, artifact.hash if artifact else "")
    except ArtifactLost as error:
        record = stored.record
        fix = f"`{restore_command(record.name, record.spec, record.seed)}` trains it again"
        raise SuiteError(str(error), fix=fix) from error
    return {name: [loaded[step] for step in stack] for name, stack in stored.stacks.steps.items()}


def _base_of(adapter: AdapterFolder, layout: FolderLayout, base: BaseModel, to: Destination) -> tuple[str, str | None]:
    """What an adapter's configuration says of its base model: a name, and a revision."""
    weights = next(each.weights for each in layout.answering if each.adapter is adapter)
    if weights is None:
        return base.name, base.revision
    return (to.name if to.repository or not weights.path else f"{to.name}/{weights.path}"), None


def _chat(stored: StoredExperiment) -> Chat | None:
    """How the model was asked, if that was as a chat."""
    given = stored.record.spec["track"].get("chat")
    return None if given is None else Chat.model_validate(given)


def _askings(stored: StoredExperiment, chat: Chat | None) -> dict[str, Asking]:
    """How each role's or skill's task asks."""
    shots = dict(reversed(stored.results.evaluations()))
    described = stored.record.spec["roles"]
    kinds = {role: str(each.get("output_type") or "generate_until") for role, each in described.items()}
    return {
        name: asking_of(role, stored.tasks.get(role), shots.get(role, 0), kinds.get(role, "generate_until"), chat)
        for name, role in stored.stacks.roles.items()
    }


def _card(stored: StoredExperiment, to: Destination, written: _Written) -> Card:
    left_out = _left_out(stored, written.layout)
    evaluated = written.base.dtype if written.layout.weights else "float32"  # adapters are kept in float32
    dtype = to.dtype or evaluated
    return Card(
        facts=stored.facts, layout=written.layout, base=written.base, usages=written.usages,
        seed_note=stored.seed_note, held_out_note=_held_out_note(stored, left_out),
        removable=bool(left_out and written.layout.adapters),
        dtype=dtype, merged=to.merge, rounded=dtype != evaluated or (to.merge and dtype != "float32"),
    )  # fmt: skip


def _left_out(stored: StoredExperiment, layout: FolderLayout) -> tuple[Artifact, ...] | None:
    """What the held-out tasks were answered without; None where another model answered some of them."""
    hashes = set(stored.held_out.values())
    if len(layout.answering) > 1 or len(hashes) > 1:
        return None
    here = {artifact.hash: artifact for artifact in layout.answering[0].artifacts}
    whole = (frozenset(artifact.hash for artifact in stored.artifacts.values()), here.keys())
    of_all = next(iter(hashes), frozenset())
    if of_all is None or not (of_all in whole or of_all <= here.keys()):
        return None
    return () if of_all in whole else tuple(artifact for name, artifact in here.items() if name not in of_all)


def _held_out_note(stored: StoredExperiment, left_out: tuple[Artifact, ...] | None) -> str:
    """What answered the held-out tasks, beside what is saved."""
    if not stored.held_out:
        return ""
    if left_out is None:
        return (
            "The held-out tasks were answered by models of their own, or by one that was chosen for each document. "
            f"`suite save {stored.record.name} FOLDER --role ROLE` saves the one of a task."
        )
    kinds = " and ".join(artifact.kind for artifact in left_out)
    return f"The held-out tasks were answered {f'without the {kinds}' if kinds else 'by the same model'}."
