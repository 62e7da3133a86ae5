"""Which folders an experiment's artifacts become: weights, adapters beside them or alone, and who answers with what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.core.errors import SuiteError
from suite.models.artifacts import Artifact, PeftFiles
from suite.models.backbone import Backbone

BASE = "base"
"""The folder of the base model's own weights, where no plain library loads them by name."""


@dataclass(frozen=True, eq=False)
class WeightsFolder:
    """A folder for `from_pretrained`: the base model with artifacts in its weights."""

    path: str
    """Below the folder that is saved; empty: that folder itself."""
    artifacts: tuple[Artifact, ...]
    """What the weights hold; none for the base as it is."""


@dataclass(frozen=True, eq=False)
class AdapterFolder:
    """A folder for `PeftModel.from_pretrained`."""

    path: str
    artifact: Artifact
    files: PeftFiles


@dataclass(frozen=True, eq=False)
class AnsweringModel:
    """What answers some tasks."""

    names: tuple[str, ...]
    """The roles, or the skills of experts."""
    weights: WeightsFolder | None
    """None: the base model."""
    adapter: AdapterFolder | None

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All that is in effect, in the order in which it is applied."""
        of_weights = self.weights.artifacts if self.weights else ()
        return (*of_weights, *([self.adapter.artifact] if self.adapter else []))


@dataclass(frozen=True, eq=False)
class FolderLayout:
    """All folders."""

    answering: tuple[AnsweringModel, ...]

    @property
    def weights(self) -> tuple[WeightsFolder, ...]:
        """Each folder of weights, once."""
        return tuple({each.weights.path: each.weights for each in self.answering if each.weights}.values())

    @property
    def adapters(self) -> tuple[AdapterFolder, ...]:
        """Each folder of an adapter, once."""
        return tuple({each.adapter.path: each.adapter for each in self.answering if each.adapter}.values())


@dataclass(frozen=True, eq=False)
class _Split:
    """A stack's artifacts: those for the weights, and the one that stays apart."""

    weights: tuple[Artifact, ...]
    apart: tuple[Artifact, PeftFiles] | None

    @property
    def key(self) -> tuple[str, ...]:
        """Equal weights have equal keys."""
        return tuple(each.hash for each in self.weights)

    @property
    def apart_key(self) -> str:
        """Equal adapters have equal keys; empty without one."""
        return self.apart[0].hash if self.apart else ""


def layout_of(
    stacks: Mapping[str, Sequence[Artifact]], backbone: Backbone, *, merge: bool = False, with_base: bool = False
) -> FolderLayout:
    """The folders for the stacks of some roles or skills, by name.

    What PEFT loads stays an adapter unless `merge`; all else goes into weights. Stacks of the same weights share them.
    `with_base` puts the base model's weights beside adapters that need them. Raises SuiteError, in one line, where
    there is nothing to save, or no plain library could load it.
    """
    splits = {name: _split(stack, backbone, merge=merge) for name, stack in stacks.items()}
    if not any(split.weights or split.apart for split in splits.values()):
        raise SuiteError("there is nothing to save: the base model answers as it is")
    keys = list(dict.fromkeys(split.key for split in splits.values()))
    shared = len(keys) == 1
    first = {key: next(name for name, split in splits.items() if split.key == key) for key in keys}
    weights = {key: WeightsFolder("" if shared else _slug(first[key]), _of_key(splits, key)) for key in keys if key}
    base = WeightsFolder(BASE, ()) if with_base else None
    return FolderLayout(_answering(splits, weights, base))


def _answering(
    splits: Mapping[str, _Split], weights: Mapping[tuple[str, ...], WeightsFolder], base: WeightsFolder | None
) -> tuple[AnsweringModel, ...]:
    """Who answers with what: names with the same stack together."""
    together: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for name, split in splits.items():
        together.setdefault((split.key, split.apart_key), []).append(name)
    found = []
    for (key, _), names in together.items():
        split, own = splits[names[0]], weights.get(key)
        adapter = None
        if split.apart is not None:
            siblings = sum(1 for other, apart in together if other == key and apart)
            path = _adapter_path(own, split.apart[0].kind, names[0], alone=siblings == 1, single=len(together) == 1)
            adapter = AdapterFolder(path, *split.apart)
        found.append(AnsweringModel(tuple(names), own or (base if adapter else None), adapter))
    return tuple(found)


def _adapter_path(weights: WeightsFolder | None, kind: str, name: str, *, alone: bool, single: bool) -> str:
    """Where an adapter goes: the folder itself if it is all there is, else beside the weights it belongs to."""
    if weights is None:
        return "" if single else _slug(name)
    own = _slug(kind) if alone else f"{_slug(kind)}-{_slug(name)}"
    return f"{weights.path}/{own}" if weights.path else own


def _split(stack: Sequence[Artifact], backbone: Backbone, *, merge: bool) -> _Split:
    weights: list[Artifact] = []
    apart: list[tuple[Artifact, PeftFiles]] = []
    pieces = [piece for artifact in stack for piece in artifact.pieces if not piece.neutral]
    for piece in sorted(pieces, key=lambda each: each.order):
        files = None if merge and not piece.only_before_text else piece.for_peft(backbone)
        if files is not None:
            apart.append((piece, files))
        elif piece.only_before_text:
            raise SuiteError(f"no plain library loads an artifact of the kind '{piece.kind}'")
        else:
            weights.append(piece)
    if merge and apart:
        what = f"a {apart[0][0].kind} stands before the text and cannot be merged into the weights"
        raise SuiteError(what, where="--merge", fix="leave it out")
    if len(apart) > 1:
        kinds = " and ".join(piece.kind for piece, _ in apart)
        fix = "" if all(piece.only_before_text for piece, _ in apart) else "merge what can be merged with --merge"
        raise SuiteError(f"PEFT loads one adapter at a time; this experiment has {kinds}", fix=fix)
    return _Split(tuple(weights), apart[0] if apart else None)


def _of_key(splits: Mapping[str, _Split], key: tuple[str, ...]) -> tuple[Artifact, ...]:
    return next(split.weights for split in splits.values() if split.key == key)


def _slug(name: str) -> str:
    """A name as a folder's."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip(".-") or "model"
