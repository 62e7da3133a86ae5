"""The registry of artifact kinds: the modules of this folder, and classes that others `register`. Imports no torch.

A kind is one class in one module. No other code names it: code asks the applied artifact (`suite.models.adapted`).
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from suite.core.errors import SuiteError
from suite.models.artifact_files import RECORD, TENSORS
from suite.models.artifacts.base import PEFT_TASKS, Artifact, Mixer, ParameterArtifact, PeftFiles

__all__ = [
    "AGAIN", "PEFT_TASKS", "Artifact", "Mixer", "ParameterArtifact", "PeftFiles", "kind_named", "kinds",
    "load_artifact", "register",
]  # fmt: skip

AGAIN: Final = "train it again (--again)"
_KINDS: Final[dict[str, type[Artifact]]] = {}
_Kind = TypeVar("_Kind", bound=type[Artifact])


def register(kind: _Kind) -> _Kind:
    """Register a kind of artifact by its name (a class decorator). Raises ValueError if another class has the name.

    The same class of a reloaded module replaces the old one, because its file has changed.
    """
    registered = _KINDS.get(kind.kind)
    if registered is not None and _origin(registered) != _origin(kind):
        raise ValueError(f"'{kind.kind}' is the kind of {registered.__module__}.{registered.__qualname__} already")
    _KINDS[kind.kind] = kind
    return kind


def _origin(kind: type[Artifact]) -> tuple[str, str]:
    """A class by its name and its file's name: a workspace's modules are in a differently named package after each
    change."""
    return kind.__module__.rpartition(".")[2], kind.__qualname__


def kinds() -> Mapping[str, type[Artifact]]:
    """All known kinds by name, sorted."""
    _import_own()
    return dict(sorted(_KINDS.items()))


def kind_named(name: str) -> type[Artifact]:
    """The kind of that name. Raises ValueError, with the known names, for another name."""
    kind = kinds().get(name)
    if kind is None:
        raise ValueError(f"unknown kind of artifact '{name}' (known: {', '.join(kinds())})")
    return kind


@cache
def _import_own() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def load_artifact(folder: Path, base: str) -> Artifact:
    """Read an artifact. Raises SuiteError if it is damaged or belongs to another base model than `base`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"), parse_constant=_refuse)
        # copies are aligned in memory as torch's own tensors are: equal bytes then give equal sums
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
        kind, recorded, made_for, settings = (record[key] for key in ("kind", "hash", "base", "settings"))
        if not all(isinstance(each, str) for each in (kind, recorded, made_for)) or not isinstance(settings, Mapping):
            raise ValueError(f"{RECORD} is no record of one")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"{folder} has no readable artifact: {error}", fix=AGAIN) from error
    except SafetensorError as error:
        raise SuiteError(f"{folder / TENSORS} is damaged: {error}", fix=AGAIN) from error
    if made_for != base:
        raise SuiteError(f"the artifact in {folder} was made for another base model ({made_for[:12]}, not {base[:12]})")
    artifact = _from_saved(kind, tensors, settings, folder)
    if artifact.hash != recorded:
        raise SuiteError(f"the artifact in {folder} is not what was saved: its hash differs", fix=AGAIN)
    return artifact


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _from_saved(kind: str, tensors: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> Artifact:
    try:
        artifact_kind = kind_named(kind)
    except ValueError as error:
        fix = "install or import what defines it"
        raise SuiteError(str(error), where=str(folder / RECORD), fix=fix) from error
    try:
        return artifact_kind.from_saved(tensors, settings)
    except (ValueError, KeyError, TypeError) as error:
        what = f"the files are no artifact of the kind '{kind}': {error}"
        raise SuiteError(what, where=str(folder), fix=AGAIN) from error
