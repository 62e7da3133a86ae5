"""The weight files of a model folder that transformers loads, and their headers."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError

WHOLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
ADAPTER: Final = "adapter_config.json"
AGAIN: Final = "download it again, or save it with save_pretrained"


def config_of(folder: Path) -> Mapping[str, Any]:
    """The folder's config.json. Raises SuiteError if it is missing or invalid."""
    return _mapping(folder / "config.json")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that transformers loads: `model.safetensors`, or else the shards of the index. Others are ignored.

    Raises SuiteError if neither exists, if a shard is missing, or if an adapter would be loaded, too.
    """
    if (folder / ADAPTER).is_file():
        fix = "name the base model and this as its adapter: `model: {hub: org/base, adapter: FOLDER}`"
        raise SuiteError(f"{folder} holds a PEFT adapter ({ADAPTER}), not a model alone", fix=fix)
    if (folder / WHOLE).is_file():
        return (folder / WHOLE,)
    if (folder / INDEX).is_file():
        return _shards(folder)
    present = sorted(file.name for file in folder.glob("*.safetensors"))
    what = f"{folder} has neither {WHOLE} nor {INDEX}"
    if present:
        what = f"{what}; transformers does not load {present[0]}"
    elif any(folder.glob("*.bin")):
        what = f"{what}; *.bin files are not loaded, since unpickling them can run code"
    raise SuiteError(what, fix="save the model with save_pretrained")


def _shards(folder: Path) -> tuple[Path, ...]:
    index = _mapping(folder / INDEX)
    where = index.get("weight_map")
    if not isinstance(where, Mapping) or not where or not all(isinstance(name, str) for name in where.values()):
        raise SuiteError(f"{folder / INDEX} names no shards", fix=AGAIN)
    names = sorted(set(where.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SuiteError(f"{folder} lacks {len(missing)} of {len(names)} shards, {missing[0]} among them", fix=AGAIN)
    return tuple(folder / name for name in names)


def head(file: Path) -> dict[str, Any]:
    """Name -> dtype and shape of each tensor of a safetensors file. Raises SuiteError if the file is not readable."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > file.stat().st_size:
                raise ValueError("the header is longer than the file")
            header = json.loads(stream.read(length))
        tensors = {str(name): entry for name, entry in header.items() if name != "__metadata__"}
        sizes = [size for entry in tensors.values() for size in entry["shape"]]
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SuiteError(f"{file} is not a readable safetensors file: {error}", fix=AGAIN) from error
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise SuiteError(f"{file} is not a readable safetensors file: a shape in it is none", fix=AGAIN)
    return tensors


def parameters(files: Sequence[Path]) -> int:
    """Number of tensor elements in safetensors files, from their headers."""
    return sum(math.prod(entry["shape"]) for file in files for entry in head(file).values())


def _mapping(file: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SuiteError(f"{file} cannot be read ({reason})", fix=AGAIN) from None
    if not isinstance(value, Mapping):
        raise SuiteError(f"{file} holds no settings", fix=AGAIN)
    return value
