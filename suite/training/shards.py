"""A training run's parameters, divided among the devices that train together (FSDP2, PyTorch's `fully_shard`).

Each process keeps its rows of every parameter, of its gradient and of the optimiser's state. A layer's whole weights
exist only while it computes. Parameters that are not the model's own weights are whole in each process, with the sum
of their gradients. The optimiser sees plain tensors: this process's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from suite.models.adapted import holding
from suite.training.config import Sharding
from suite.training.ranks import ranks

Own = Callable[[str, Tensor], Tensor]


class Shards:
    """The trained parameters as this process updates them; in a single process, the parameters themselves."""

    def __init__(self, model: nn.Module, trainable: Mapping[str, nn.Parameter], sharding: Sharding) -> None:
        self.model, self.ranks = model, ranks()
        self.shapes = {name: list(each.shape) for name, each in trainable.items()}
        self._live: dict[str, Any] = {}
        """Of divided parameters, the ones that FSDP has put in their place."""
        self.parameters = dict(trainable)
        """What is updated here: rows of divided parameters, all of the others."""
        self.device = self.ranks.device or next(iter(trainable.values())).device
        if self.ranks.count > 1 and sharding != "nothing":
            self._divide(trainable, sharding)

    def _divide(self, trainable: Mapping[str, nn.Parameter], sharding: Sharding) -> None:
        trained = set() if sharding == "weights" else {id(each) for each in trainable.values()}
        whole = {each for each in self.model.parameters() if id(each) in trained or not each.ndim}
        with self.ranks.dividing():
            for parameter in (*whole, *trainable.values()) if sharding == "base" else whole:
                parameter.data = parameter.data.to(self.device, copy=True)
            divide(self.model, whole, self.device)
        for name, parameter in trainable.items():
            live = live_parameter(self.model, parameter)
            if live is not parameter:
                self._live[name] = live
                self.parameters[name] = nn.Parameter(_rows(live))
                parameter.data = parameter.data.new_empty(0)  # its values are in the rows

    def open(self) -> None:
        """Gather what lies outside of the layers (embeddings, head): the model may be called in parts from now on."""
        _open(self.model)

    def forget(self) -> None:
        """Drop all gradients."""
        for parameter in (*self._live.values(), *self.parameters.values()):
            parameter.grad = None

    def collect(self) -> None:
        """After the backward passes: give each parameter the gradient summed over all processes."""
        for name, live in self._live.items():
            self.parameters[name].grad, live.grad = None if live.grad is None else _rows(live, grad=True), None
        whole = [each for name, each in self.parameters.items() if name not in self._live]
        if self.ranks.count > 1 and whole:
            present = torch.tensor([each.grad is not None for each in whole], dtype=torch.float32, device=self.device)
            self.ranks.total(present)
            for each, used in zip(whole, present.tolist(), strict=True):
                if used:  # by some process: another one's part of the batch may not use it
                    each.grad = self.ranks.total(torch.zeros_like(each) if each.grad is None else each.grad)

    def divided(self, name: str) -> bool:
        """Whether this process has only its rows of a parameter."""
        return name in self._live

    def norm(self) -> Tensor:
        """The norm of all gradients together."""
        squares = torch.zeros((), device=self.device)
        for name, each in self.parameters.items():
            if each.grad is not None and (name in self._live or self.ranks.first):
                squares += torch.linalg.vector_norm(each.grad, dtype=torch.float32).square()
        return self.ranks.total(squares).sqrt()

    def finite(self) -> bool:
        """Whether all parameters are finite, in all processes."""
        return self.ranks.all_true(all(bool(torch.isfinite(each).all()) for each in self.parameters.values()))

    def whole(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors by `<parameter>` or `<parameter>|<entry>`, whole and on the CPU, in the first process; {} elsewhere.

        In a single process they are returned as they are.
        """
        if self.ranks.count == 1:
            return dict(tensors)
        made: dict[str, Tensor] = {}
        for key, own in tensors.items():
            rows = self._rows_of(key, own)
            tensor = self.ranks.gathered(own, rows) if rows is not None else own.detach().to("cpu", copy=True)
            if tensor is not None and self.ranks.first:
                made[key] = tensor
        return made

    def own(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of tensors as `whole` returns them."""
        if self.ranks.count == 1:
            return dict(tensors)
        return {
            key: each if self._rows_of(key, each) is None else self.ranks.chunk(each) for key, each in tensors.items()
        }

    def _rows_of(self, key: str, tensor: Tensor) -> int | None:
        """The number of rows of a tensor that is divided; None if each process has all of it."""
        name, _, entry = key.rpartition("|") if "|" in key else (key, "", "")
        if name not in self._live or not tensor.ndim:
            return None
        shape = self.shapes[name]
        return None if entry == "exp_avg_sq_col" and len(shape) == 2 else shape[0]


def divide(model: nn.Module, whole: set[nn.Parameter], device: torch.device) -> None:
    """Divide a model's parameters, except those that stay `whole`, among all processes, layer by layer."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    owners = {
        id(own): (module, name)
        for module in model.modules()
        for name, own in module._parameters.items()
        if own is not None
    }
    mesh = ranks().mesh or init_device_mesh(device.type, (ranks().count,))
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    undivided = {each for each in model.parameters() if each not in whole}
    for module in (*layers, model):
        before = {each: each.data for each in module.parameters() if each in undivided}
        # what lies outside of the layers stays gathered during a pass: code calls it without calling the model
        fully_shard(module, mesh=mesh, reshard_after_forward=module is not model, ignored_params=whole)
        for parameter, values in before.items():  # others may refer to it, and it was moved to the device
            parameter.data = values
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    state: Any = fully_shard.state(model)  # type: ignore[attr-defined]
    state._lazy_init()
    for outside in state._fsdp_param_groups:
        # embeddings are called before the model is: their gradients are complete at the end of the backward pass, and
        # not, as this hook takes it, with those of the model's inputs
        outside._register_post_backward_hook = lambda args, kwargs: (args, kwargs)
    _OWNERS[model] = owners


_OWNERS: WeakKeyDictionary[nn.Module, Mapping[int, tuple[nn.Module, str]]] = WeakKeyDictionary()
"""Divided model -> the place of each parameter that it had before, by the parameter's identity."""


def is_divided(model: nn.Module) -> bool:
    """Whether a model's parameters are divided among processes, which then have to call it equally often."""
    return model in _OWNERS


def live_parameter(model: nn.Module, parameter: nn.Parameter) -> nn.Parameter:
    """The parameter that a model has now in the place of one that it had before it was divided."""
    place = _OWNERS.get(model, {}).get(id(parameter))
    if place is None:
        return parameter
    _close(model)
    module, name = place
    live = module._parameters[name]
    assert live is not None
    return live


@contextmanager
def with_values(model: nn.Module, parameters: Mapping[str, nn.Parameter], new: Own) -> Iterator[None]:
    """Let parameters have `new` values temporarily, each computed from its name and its values.

    Of divided parameters these are this process's rows, which keep their dtype.
    """
    if not is_divided(model):
        with holding(parameters, {name: new(name, each.data) for name, each in parameters.items()}):
            yield
        return
    own = {name: _rows(live_parameter(model, each)) for name, each in parameters.items()}
    before = {name: each.clone() for name, each in own.items()}
    try:
        for name, each in own.items():
            each.copy_(new(name, before[name]))
        _open(model)
        yield
    finally:
        _close(model)
        for name, each in own.items():
            each.copy_(before[name])
        _open(model)


def values_here(model: nn.Module, whole: Tensor) -> Tensor:
    """Of a parameter's values, the rows that this process has of a divided model; all of another one."""
    return ranks().chunk(whole) if is_divided(model) and whole.ndim else whole


def _rows(parameter: Any, *, grad: bool = False) -> Tensor:
    """The rows of a parameter, or of its gradient, that are in this process, sharing its memory."""
    tensor = parameter.grad if grad else parameter.detach()
    local: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return local


def _open(model: Any) -> None:
    if is_divided(model):
        model.unshard()


def _close(model: nn.Module) -> None:
    from torch.distributed.fsdp import FSDPModule

    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()
