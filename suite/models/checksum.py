"""A checksum of tensors, to detect corrupted files on reading."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from torch import Tensor, uint8


def checksum(tensors: Mapping[str, Tensor], about: str = "") -> str:
    """BLAKE2b of a text and of every tensor's name, dtype, shape and bytes. The tensors must be on the CPU."""
    made = blake2b(about.encode("utf-8", "surrogatepass"), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        made.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode("utf-8", "surrogatepass"))
        made.update(tensor.contiguous().reshape(-1).view(uint8).numpy().data)
    return made.hexdigest()
