"""Find a base model without loading it: bundled, on the hub, in a folder, or a GGUF file."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator

from suite.core.block import Block
from suite.core.errors import SuiteError, did_you_mean
from suite.models.filehash import cached_file_hash
from suite.models.hub_cache import adapter_snapshot_of, snapshot_of
from suite.models.peft_folder import adapter_files
from suite.models.quantized import Quantization, check_installed
from suite.models.weight_files import config_of, parameters, weight_files

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "*.model",
)  # fmt: skip
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
QUANTISED: Final = frozenset(
    {"bitsandbytes", "bitsandbytes_4bit", "bitsandbytes_8bit", "gptq", "awq", "aqlm", "hqq", "eetq"}
)
"""Quantisations of weights that need packages of their own."""
CONFIG_FILES = ("config.json", "generation_config.json")


class ModelSource(Block):
    """The base model of a track: exactly one of `bundled`, `hub`, `path` and `gguf`."""

    bundled: str | None = None
    """A model that ships with the package (`micro2-llama-2m`, `micro-t5`); nothing is downloaded."""
    hub: str | None = None
    """A model on the Hugging Face hub (`org/name`). A copy in the models folder or the local cache is preferred."""
    revision: str | None = None
    """The commit, tag or branch of `hub`. Name a commit for reproducible results."""
    path: str | None = None
    """A local folder with config.json, a tokenizer and *.safetensors; relative to the file that names it."""
    gguf: str | None = None
    """A local GGUF file, relative to the file that names it; its weights are dequantised when loaded."""
    adapter: str | None = None
    """A PEFT adapter of weights (LoRA and kin) that is merged into the model when it is loaded: a local folder,
    relative to the file that names it, or `org/name` on the hub."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Data type of the weights in memory, or of what is computed with quantised ones."""
    quantization: Quantization | None = None
    """Keep the weights of linear maps in 4 bits (NF4, as QLoRA) or 8, by bitsandbytes: adapters and prompts only."""
    sentinels: bool = False
    """For encoder-decoders pretrained by span corruption (T5, mT5): append ` <extra_id_0>` to the input, and read the
    answer after `<extra_id_0>` and before `<extra_id_1>`."""
    _folder: Path | None = PrivateAttr(default=None)
    _adapter_folder: Path | None = PrivateAttr(default=None)

    def beside(self, folder: Path | None, adapter_folder: Path | None = None) -> ModelSource:
        """The same model with its relative path resolved in a folder; None: in the working directory.

        That of an adapter is resolved in a folder of its own. Neither folder is part of the model's name: the same
        files elsewhere are the same model.
        """
        if self.path is None and self.gguf is None and self.adapter is None:
            return self
        found = self.model_copy()
        found._folder, found._adapter_folder = folder, adapter_folder
        return found

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without an adapter and quantisation if it has none: these fields came later, and change no name."""
        later = ("adapter", "quantization")
        return {key: value for key, value in handler(self).items() if key not in later or value is not None}

    @model_validator(mode="after")
    def _one_source(self) -> ModelSource:
        named = [name for name in ("bundled", "hub", "path", "gguf") if getattr(self, name) is not None]
        if len(named) != 1:
            names = ", ".join(named) or "none"
            raise ValueError(f"a model needs exactly one of bundled, hub, path, gguf; given: {names}")
        if self.revision is not None and self.hub is None:
            raise ValueError("revision belongs to a hub model")
        if self.quantization is not None and (self.gguf is not None or self.adapter is not None):
            other = "gguf" if self.gguf is not None else "adapter"
            fix = "name the model that it was made of" if other == "gguf" else "merge it first (`suite save --merge`)"
            raise ValueError(f"quantization and {other} do not go together: {fix}")
        return self

    @property
    def title(self) -> str:
        """The model's name for readers."""
        name = self.bundled or self.hub or self.path or self.gguf or ""
        name = name if self.bundled or self.hub else Path(name).name
        name = name if self.adapter is None else f"{name} + {Path(self.adapter).name}"
        return name if self.quantization is None else f"{name} ({self.quantization})"


@dataclass(frozen=True)
class LocatedModel:
    """A model that was found, identified by its content."""

    source: ModelSource
    folder: Path | None
    """The folder to load from; None if the hub has to be asked."""
    file: Path | None
    """The GGUF file, if the model is one."""
    identity: str
    """SHA-256 of the bytes of weights, config and tokenizer; `hub:<id>@<revision>` if there are no local files."""
    parameters: int
    """Number of parameters in the files; 0 while the model has not been downloaded."""
    note: str | None = None
    """A note about where it was found."""
    adapter: Path | None = None
    """The folder of the adapter that is merged into it."""


def locate(source: ModelSource, models_dir: Path | None, *, described: bool = False) -> LocatedModel:
    """Find the model. Raises SuiteError, in one line, if it does not exist or its files cannot be loaded.

    With `described`, config.json and a tokenizer are enough: the model cannot be loaded then.
    """
    base = _base(source, models_dir, described)
    if source.quantization is not None:
        check_installed()
        return replace(base, identity=hashlib.sha256(f"{base.identity} in {source.quantization}".encode()).hexdigest())
    return base if source.adapter is None else _with_adapter(base, source.adapter, models_dir)


def _with_adapter(base: LocatedModel, text: str, models_dir: Path | None) -> LocatedModel:
    """The base with its adapter, whose content is part of its identity; without a folder if either is on the hub."""
    note: str | None = None
    folder: Path | None
    try:
        folder, note = _existing(text, base.source._adapter_folder, models_dir, "adapter folder")
    except SuiteError:
        if not _HUB_ID.fullmatch(text):
            raise
        folder = _beside(text, models_dir) or adapter_snapshot_of(text)
    if folder is None:
        return replace(base, folder=None, file=None, identity=f"{base.identity} + hub:{text}")
    identity = _identity(adapter_files(folder), base.identity)
    return replace(base, identity=identity, adapter=folder, note=base.note or note)


def _base(source: ModelSource, models_dir: Path | None, described: bool) -> LocatedModel:
    if source.bundled is not None:
        return _in_folder(source, _bundled(source.bundled))
    if source.gguf is not None:
        path, note = _existing(source.gguf, source._folder, models_dir, "GGUF file")
        return replace(_gguf(source, path), note=note)
    if source.path is not None:
        path, note = _existing(source.path, source._folder, models_dir, "model folder")
        return replace(_in_folder(source, path, described), note=note)
    assert source.hub is not None
    folder = _beside(source.hub, models_dir) or snapshot_of(source.hub, source.revision, described=described)
    if folder is not None:
        return _in_folder(source, folder, described)
    return LocatedModel(source, None, None, f"hub:{source.hub}@{source.revision or 'main'}", 0)


def bundled_models() -> dict[str, Path]:
    """Name -> folder of each model that comes with suite."""
    root = Path(str(importlib.resources.files("suite")))
    configs = sorted(root.glob("micro*/models/*/config.json"))
    return {config.parent.name: config.parent for config in configs}


def _bundled(name: str) -> Path:
    bundled = bundled_models()
    if name not in bundled:
        raise SuiteError(f"there is no bundled model '{name}'", fix=did_you_mean(name, list(bundled)))
    return bundled[name]


def _existing(text: str, folder: Path | None, models_dir: Path | None, what: str) -> tuple[Path, str | None]:
    """The file or folder, and a note if it was found in the working directory, not relative to the file that names
    it."""
    path = Path(text).expanduser()
    candidates = [path if folder is None else folder / path]  # an absolute path stays unchanged
    if not path.is_absolute():
        candidates += [models_dir / path] if models_dir is not None else []
        candidates += [path] if folder is not None else []
    existing = next((candidate for candidate in candidates if candidate.exists()), None)
    if existing is None:
        tried = " nor ".join(dict.fromkeys(str(_shortened(candidate)) for candidate in candidates))
        raise SuiteError(f"there is no {what} {tried}", fix="" if folder is None else "write it relative to this file")
    if folder is None or existing is not path or existing.resolve() == candidates[0].resolve():
        return existing.resolve(), None
    note = f"the model '{text}' was found in the working directory, not beside the file that names it"
    return existing.resolve(), f"{note}: paths in a file are relative to it, so write '{relative(existing, folder)}'"


def relative(path: Path, folder: Path) -> str:
    """A path relative to a folder, as a file in that folder would name it."""
    try:
        return Path(os.path.relpath(path.resolve(), folder)).as_posix()
    except ValueError:  # another drive
        return str(path.resolve())


def _shortened(path: Path) -> Path:
    """A path relative to the working directory if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _beside(hub_id: str, models_dir: Path | None) -> Path | None:
    """The copy of a hub model in the models folder."""
    if models_dir is None:
        return None
    for name in (hub_id.replace("/", "--"), hub_id.rpartition("/")[2]):
        if (models_dir / name).is_dir():
            return (models_dir / name).resolve()
    return None


def _in_folder(source: ModelSource, folder: Path, described: bool = False) -> LocatedModel:
    if not (folder / "config.json").is_file():
        raise SuiteError(f"{folder} is not a model folder: it has no config.json")
    try:
        weights = weight_files(folder)
    except SuiteError:
        if not described or not any(folder.glob("tokenizer*")):
            raise
        weights = ()
    _refuse_quantised(source, folder)
    if source.sentinels and not config_of(folder).get("is_encoder_decoder", False):
        fix = "leave out `sentinels: true`"
        raise SuiteError(f"{source.title} is decoder-only: it has no span-corruption sentinels", fix=fix)
    named = [path for pattern in (*CONFIG_FILES, *TOKENIZER_FILES) for path in sorted(folder.glob(pattern))]
    count = parameters(weights) if weights else _by_config(folder)
    return LocatedModel(source, folder, None, _identity([*named, *weights]), count)


def _by_config(folder: Path) -> int:
    from suite.models.described import parameters_by_config  # imports torch

    return parameters_by_config(folder)


def _refuse_quantised(source: ModelSource, folder: Path) -> None:
    """Raises SuiteError for weights in a few bits, which no method here can train."""
    settings = config_of(folder).get("quantization_config")
    kind = settings.get("quant_method") if isinstance(settings, Mapping) else None
    if kind in QUANTISED:
        what = f"the weights of {source.title} are quantised ({kind}), which cannot be loaded for training"
        raise SuiteError(what, fix="name the model that it was made of, or a GGUF file, which is dequantised")


def check_gguf_reader() -> None:
    """Raises SuiteError if the package that reads GGUF files is not installed."""
    if find_spec("gguf") is None:
        raise SuiteError("reading a GGUF file needs the package gguf", fix="pip install gguf")


def _gguf(source: ModelSource, file: Path) -> LocatedModel:
    check_gguf_reader()
    from gguf import GGUFReader

    if not file.is_file():
        raise SuiteError(f"{file} is not a GGUF file")
    try:
        tensors = GGUFReader(file).tensors
    except Exception as error:  # the reader does not document its exceptions for damaged files
        raise SuiteError(f"{file} is not a readable GGUF file: {error}", fix="download it again") from error
    if source.sentinels:
        raise SuiteError("sentinels are not supported for GGUF models", fix="leave out `sentinels: true`")
    return LocatedModel(source, file.parent, file, _identity([file]), sum(int(tensor.n_elements) for tensor in tensors))


def _identity(files: Sequence[Path], base: str = "") -> str:
    """One hash of several files: of names and contents, not of folders (nor of a GGUF file's name)."""
    digest = hashlib.sha256(base.encode())
    for file in files:
        name = "gguf" if file.suffix == ".gguf" else file.name
        digest.update(f"{name}\0{cached_file_hash(file)}\n".encode())
    return digest.hexdigest()
