"""A group of processes without the others: what the first device has in memory while several train together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp._fully_shard import _fsdp_param
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import _disable_current_modes

from suite.simulation.tracker import LiveBytes, Part
from suite.training.config import Sharding
from suite.training.ranks import Ranks, training_as


@dataclass
class SimulatedGroup:
    """The first of `count` processes; the others are not there, and sums are its own part."""

    count: int
    tracker: LiveBytes
    beside: Counter[Part] = field(default_factory=Counter)
    """Bytes of what was on the host when the model was divided."""
    _part: Part = "trained"

    @contextmanager
    def training(self, sharding: Sharding) -> Iterator[None]:
        """Context manager in which a step is trained. Where it divides the model, all before that is on the host."""
        with _disable_current_modes():
            distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=self.count)
            mesh = init_device_mesh("cpu", (self.count,))
        ranks = Ranks(0, self.count, torch.device("cpu"), mesh=mesh, dividing=self._dividing)
        before = _fsdp_param.alloc_storage, _fsdp_param.free_storage
        try:
            _fsdp_param.alloc_storage = lambda tensor: self.tracker.resize(tensor, tensor.numel() * tensor.itemsize)
            _fsdp_param.free_storage = lambda tensor: self.tracker.resize(tensor, 0)
            self.tracker.counting, self._part = sharding == "nothing", "weights" if sharding == "base" else "trained"
            with training_as(ranks):
                yield
        finally:
            self.tracker.counting = True
            _fsdp_param.alloc_storage, _fsdp_param.free_storage = before
            with _disable_current_modes():
                distributed.destroy_process_group()

    @contextmanager
    def _dividing(self) -> Iterator[None]:
        self.tracker.counting = True
        self.beside = self.tracker.begin(0)
        with self.tracker.making(self._part):
            yield
