"""Counts the bytes of all tensors that are alive, and what they are for, while code runs on tensors without values."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

Part = Literal["weights", "trained", "gradients", "optimizer", "activations", "caches"]
PARTS: Final[tuple[Part, ...]] = ("weights", "trained", "gradients", "optimizer", "activations", "caches")


@dataclass
class _Storage:
    part: Part
    size: int | None
    """Bytes; None if it is not counted."""


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors' storages from their creation until nothing refers to them, and their peak.

    A storage belongs to the part that was named when it was made. Reading a single value gives 1, as there is none.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: Counter[Part] = Counter()
        self.peak: Counter[Part] = Counter()
        self.part: Part = "weights"
        self.counting = True
        self._seen: weakref.WeakKeyDictionary[Any, _Storage] = weakref.WeakKeyDictionary()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call an operation and count its results."""
        if function is torch.ops.aten._local_scalar_dense.default:
            return 1.0 if args[0].is_floating_point() else 1
        if function is torch.ops.aten.equal.default:
            return False
        if function is torch.ops.aten.allclose.default:
            return True
        if function.namespace == "bitsandbytes":  # updates in place, whose kernels need values
            return None
        result = function(*args, **(kwargs or {}))
        for each in tree_iter(result):
            if isinstance(each, Tensor):
                self._count(getattr(each, "_local_tensor", each))  # of a tensor that devices divide, the part here
        return result

    @contextmanager
    def making(self, part: Part) -> Iterator[None]:
        """Context manager: storages belong to this part."""
        before, self.part = self.part, part
        try:
            yield
        finally:
            self.part = before

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Context manager: storages are not on the device, and are not counted."""
        before, self.counting = self.counting, False
        try:
            yield
        finally:
            self.counting = before

    def begin(self, weights: int) -> Counter[Part]:
        """Forget the peak so far. Returns what is alive besides the base model's `weights`, in bytes."""
        self.peak = Counter(self.now)
        base: Counter[Part] = Counter({"weights": weights})
        return self.now - base

    def begin_computing(self) -> None:
        """What is made from now on are activations, if it was for what is trained."""
        self.part = "activations" if self.part == "trained" else self.part

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage in self._seen:
            return
        counted = self._seen[storage] = _Storage(self._part(), storage.nbytes() if self.counting else None)
        if counted.size is not None:
            weakref.finalize(storage, self._drop, counted)
            self._add(counted.part, counted.size)

    def _add(self, part: Part, size: int) -> None:
        self.now[part] += size
        if self.now.total() > self.peak.total():
            self.peak = Counter(self.now)

    def resize(self, tensor: Tensor, size: int) -> None:
        """Give a tensor's storage another size, in bytes."""
        storage = tensor.untyped_storage()
        if storage.size() == size:
            return
        storage.resize_(size)
        counted = self._seen.get(storage)
        if counted is not None and counted.size is not None:
            before, counted.size = counted.size, size
            self._add(counted.part, size - before)

    def _part(self) -> Part:
        in_backward = torch._C._current_graph_task_id() != -1
        return "gradients" if in_backward and self.part == "activations" else self.part

    def _drop(self, counted: _Storage) -> None:
        self.now[counted.part] -= counted.size or 0
