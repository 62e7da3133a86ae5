"""Tensors that are needed later, away from the device: in the host's memory, or in a file where that is the device.

A file has no name, so nothing is left of it after a kill. Its pages are read when a tensor is, and the system may drop
them again; they do not count as allocated memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import torch
from torch import Tensor

from suite.core.errors import StepFailed
from suite.core.quantities import size

LARGE: Final = 2**27
"""Bytes from which tensors on the CPU go to a file, and from which an optimiser updates one parameter at a time."""
ALIGNMENT: Final = 64


Moved = Callable[[Mapping[str, Tensor], bool], dict[str, Tensor]]
_MOVED: ContextVar[Moved | None] = ContextVar("moved", default=None)


@contextmanager
def moving(moved: Moved) -> Iterator[None]:
    """Context manager: this function moves tensors away from the device, for tensors without values."""
    token = _MOVED.set(moved)
    try:
        yield
    finally:
        _MOVED.reset(token)


def bytes_of(tensors: Mapping[str, Tensor]) -> int:
    """Bytes of all tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def is_large(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these tensors are too large for a second copy in memory."""
    return bytes_of(tensors) >= LARGE


def file_bytes(tensors: Mapping[str, Tensor]) -> int:
    """Bytes that `offloaded` writes to a file."""
    on_cpu = all(tensor.device.type == "cpu" for tensor in tensors.values())
    return bytes_of(tensors) if on_cpu and is_large(tensors) else 0


def offloaded(tensors: Mapping[str, Tensor], folder: Path, *, copy: bool) -> dict[str, Tensor]:
    """The same values away from the device. The result must not be changed.

    Small tensors on the CPU stay as they are, or are copied if they will change (`copy`). Large ones go to a file in
    `folder`, those of a GPU to the CPU. Raises StepFailed if the disk has no room.
    """
    own = {name: tensor.detach() for name, tensor in tensors.items()}
    if (moved := _MOVED.get()) is not None:
        return moved(own, copy)
    if file_bytes(own):
        return _in_file(own, folder)
    return {name: tensor.to("cpu", copy=copy) for name, tensor in own.items()}


def away(tensor: Tensor) -> Tensor:
    """The same values away from a GPU; on a CPU the tensor itself."""
    if (moved := _MOVED.get()) is not None:
        return moved({"": tensor.detach()}, False)[""]
    return tensor.detach().to("cpu")


def _in_file(tensors: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The same values in a file without a name in `folder`. Raises StepFailed if the disk has no room."""
    spans: dict[str, tuple[int, int]] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            for name, tensor in tensors.items():
                file.write(bytes(-file.tell() % ALIGNMENT))
                start = file.tell()
                file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
                spans[name] = (start, file.tell())
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        needed = size(bytes_of(tensors))
        raise StepFailed(f"the disk has no room for a copy of the weights ({needed} in {folder}): {error}") from error
    whole = torch.frombuffer(mapped, dtype=torch.uint8)
    return {
        name: whole[start:end].view(tensors[name].dtype).view(tensors[name].shape)
        for name, (start, end) in spans.items()
    }
