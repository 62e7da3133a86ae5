"""How plain libraries name the base model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from suite.models.quantized import Quantization, quantized_loading
from suite.models.source import LocatedModel, ModelSource


@dataclass(frozen=True)
class BaseModel:
    """A base model as `from_pretrained` takes it."""

    title: str
    """What a reader calls it."""
    name: str
    """What files and cards say: the id on the hub, or the folder."""
    location: str
    """Where it is on this machine."""
    dtype: str
    """The type of its weights in memory, as it was evaluated."""
    two_sided: bool
    """Whether it is an encoder-decoder."""
    hub: str | None
    """The id on the hub of the model, or of the one below its adapter; None: a local model."""
    adapted: bool
    """Whether an adapter was merged into it when it was loaded."""
    revision: str | None = None
    gguf: str | None = None
    """The name of its file, where it is a GGUF file."""
    licence: str | None = None
    """As its own card says; None: not known."""
    quantization: Quantization | None = None
    """Bits of its weights, as it was evaluated; None: all."""

    @classmethod
    def of(cls, located: LocatedModel, *, two_sided: bool) -> BaseModel:
        """The base model of a track."""
        source, folder = located.source, located.folder
        local = str(folder) if folder is not None else str(source.hub)
        return cls(
            source.title, source.hub or local, local, source.dtype, two_sided, source.hub, source.adapter is not None,
            source.revision, located.file.name if located.file else None, _licence(source, folder), source.quantization,
        )  # fmt: skip

    def is_found_by_name(self, *, elsewhere: bool) -> bool:
        """Whether plain libraries load it by its name alone, here or also `elsewhere`."""
        return self.gguf is None and not self.adapted and (not elsewhere or self.hub is not None)

    @property
    def options(self) -> dict[str, Any]:
        """Further arguments of `from_pretrained` on this machine."""
        options: dict[str, Any] = {"dtype": self.dtype}
        if self.quantization:
            options |= quantized_loading(self.quantization, getattr(torch, self.dtype), torch.device("cpu"))
        if self.gguf:
            options["gguf_file"] = self.gguf
        if self.revision and self.location == self.name:
            options["revision"] = self.revision
        return options


def _licence(source: ModelSource, folder: Path | None) -> str | None:
    """What the front matter of the model's card says."""
    card = folder / "README.md" if folder is not None and source.gguf is None else None
    if card is None or not card.is_file():
        return None
    head, begin, rest = card.read_text("utf-8", "replace").partition("---\n")
    try:
        matter = yaml.safe_load(rest.partition("\n---")[0]) if begin and not head.strip() else None
    except yaml.YAMLError:
        return None
    licence = matter.get("license") if isinstance(matter, dict) else None
    return licence if isinstance(licence, str) else None
