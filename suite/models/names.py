"""Names of a model's matrices, read from its files' headers: planning needs them without loading the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from suite.models.source import LocatedModel
from suite.models.svf_types import Matrices
from suite.models.weight_files import head, weight_files

TIED: Final = frozenset({"lm_head", "embed_tokens"})
"""Matrices that a file may leave out, because they are tied to others."""
MERGED: Final = ("experts", "block_sparse_moe")
"""Parts of names in files that a loaded model does not have: transformers merges mixtures of experts."""
LLAMA: Final = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip
"""GGUF's names of a block's matrices -> transformers', for architectures like Llama."""
LIKE_LLAMA: Final = frozenset({"llama", "mistral", "qwen2", "qwen3"})


@cache
def matrix_names(model: LocatedModel) -> tuple[str, ...] | None:
    """Paths of the modules that have a matrix, in a fixed order; None if the files do not tell."""
    if model.folder is None:
        return None
    paths = _of_gguf(model.file) if model.file else _of_safetensors(model.folder)
    return None if paths is None or any(part in name for name in paths for part in MERGED) else tuple(paths)


def has_matrix(names: tuple[str, ...], wanted: str) -> bool:
    """Whether PEFT would find a module by its path or the last parts of it."""
    if wanted in TIED or wanted.rpartition(".")[2] in TIED:
        return True
    # a file may leave out the first part of paths (`model.`)
    return any(f".{name}".endswith(f".{wanted}") or f".{wanted}".endswith(f".{name}") for name in names)


def short_names(names: tuple[str, ...]) -> list[str]:
    """The last parts of the paths in blocks: the names to write in a spec."""
    return sorted({name.rpartition(".")[2] for name in _inside(names) or names})


def has_kind(names: tuple[str, ...], kind: Matrices) -> bool:
    """Whether there may be linear maps of a kind. A map belongs to attention if its path says so."""
    kinds = {"attention" if "att" in name.lower() else "mlp" for name in _inside(names)}
    return kind == "all" or not kinds or kind in kinds


def _inside(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(part.isdecimal() for part in name.split("."))]


def _of_safetensors(folder: Path) -> list[str]:
    return sorted(
        {
            name.rpartition(".")[0]
            for file in weight_files(folder)
            for name, tensor in head(file).items()
            if len(tensor["shape"]) > 1
        }
    )


def _of_gguf(file: Path) -> list[str] | None:
    from gguf import GGUFReader

    reader = GGUFReader(file)
    field = reader.get_field("general.architecture")
    if field is None or field.contents() not in LIKE_LLAMA:
        return None
    return sorted(_renamed(tensor.name for tensor in reader.tensors if len(tensor.shape) > 1))


def _renamed(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        block, _, rest = name.removesuffix(".weight").partition(".")
        number, _, matrix = rest.partition(".")
        if block == "blk" and matrix in LLAMA:
            yield f"model.layers.{number}.{LLAMA[matrix]}"
