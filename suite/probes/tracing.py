"""Trace a model: which modules feed attention, which read its output, and which mix positions.

Names are not used. In a call on a few tokens, the output of each matrix is detached from its inputs. A query then
depends only on the matrix that computes queries. This detects attention by `softmax` or `scaled_dot_product_attention`;
other kernels are not detected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

TOKENS: Final = 7
"""Tokens of a call. A decoder after an encoder reads fewer, to distinguish its positions from the encoder's."""
FEWER: Final = 5


@dataclass(frozen=True)
class AttentionCall:
    """The matrices around one attention; a matrix that computes queries and keys is in both groups."""

    queries: tuple[nn.Module, ...]
    keys: tuple[nn.Module, ...]
    values: tuple[nn.Module, ...]
    outputs: tuple[nn.Module, ...]
    """Matrices that read its output."""

    @property
    def around(self) -> tuple[nn.Module, ...]:
        """All of these matrices."""
        return (*self.queries, *self.keys, *self.values, *self.outputs)


@dataclass
class _AttentionTensors:
    """Inputs and output of one attention."""

    output: Tensor
    query: Tensor | None = None
    key: Tensor | None = None
    value: Tensor | None = None
    scores: Tensor | None = None


@dataclass
class _Attention(TorchFunctionMode):
    """Records attention while a model is called, and detaches its output."""

    calls: list[_AttentionTensors] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            arguments = dict(zip(("query", "key", "value"), args, strict=False)) | dict(kwargs or {})
            self.calls.append(_AttentionTensors(_cut(result), arguments["query"], arguments["key"], arguments["value"]))
            return self.calls[-1].output.clone()
        if name == "softmax" and isinstance(args[0], Tensor) and args[0].ndim > 2 and args[0].requires_grad:
            self.calls.append(_AttentionTensors(_cut(result), scores=args[0]))
            return self.calls[-1].output.clone()
        return result


def attention_calls(model: nn.Module, matrices: Sequence[nn.Module]) -> list[AttentionCall]:
    """Every attention of a call, in order; `matrices` are the modules that multiply by a matrix."""
    outputs: dict[nn.Module, Tensor] = {}
    inputs: dict[nn.Module, Tensor] = {}

    def before(module: nn.Module, args: Any, kwargs: Any) -> None:
        hidden = _first((*args, *kwargs.values()))
        if hidden is not None:
            inputs.setdefault(module, hidden)

    def after(module: nn.Module, _: Any, result: Any) -> Any:
        if not isinstance(result, Tensor) or not result.is_floating_point() or module in outputs:
            return result
        outputs[module] = _cut(result)
        return outputs[module].clone()  # a model may write into its inputs

    noted = _Attention()
    with _hooked(matrices, before, after), torch.enable_grad(), noted:
        _call(model)
    return [call for each in noted.calls if (call := _around(each, outputs, inputs)) is not None]


def _around(
    recorded: _AttentionTensors, outputs: Mapping[nn.Module, Tensor], inputs: Mapping[nn.Module, Tensor]
) -> AttentionCall | None:
    readers = [module for module, hidden in inputs.items() if _depends(hidden, {module: recorded.output})]
    if recorded.scores is None:
        queries, keys, values = (_depends(each, outputs) for each in (recorded.query, recorded.key, recorded.value))
    else:
        queries, keys = _by_position(recorded.scores, outputs)
        if not keys:
            return None  # a softmax over experts, not over positions
        values = [module for reader in readers for module in _depends(inputs[reader], outputs)]
    return AttentionCall(tuple(queries), tuple(keys), tuple(values), tuple(readers))


def _by_position(scores: Tensor, outputs: Mapping[nn.Module, Tensor]) -> tuple[list[nn.Module], list[nn.Module]]:
    """The modules that compute queries, and those that compute keys, of scores […, queries, keys]. The last query's
    scores depend on its own position of queries, and on all positions of keys."""
    last = scores[..., -1, :]
    weights = torch.randn(last.shape, generator=torch.Generator().manual_seed(0)).to(last)
    modules = list(outputs)
    gradients = torch.autograd.grad(
        (last * weights).nan_to_num(0.0, 0.0, 0.0).sum(), [outputs[each] for each in modules],
        retain_graph=True, allow_unused=True,
    )  # fmt: skip
    queries, keys = list[nn.Module](), list[nn.Module]()
    for module, gradient in zip(modules, gradients, strict=True):
        if gradient is not None:
            rows = gradient.reshape(-1, gradient.shape[-1]).abs().amax(1)
            (keys if bool((rows[:-1] > 0).any()) else queries).append(module)
    return queries, keys


def acts_by_position(model: nn.Module, modules: Sequence[nn.Module]) -> set[nn.Module]:
    """The modules that act on each position separately."""
    inputs: dict[nn.Module, Tensor] = {}
    outputs: dict[nn.Module, Tensor] = {}

    def before(module: nn.Module, args: Any, kwargs: Any) -> Any:
        hidden = _first((*args, *kwargs.values()))
        if hidden is None or module in inputs:
            return None
        inputs[module] = _cut(hidden)

        def swap(each: Any) -> Any:
            return inputs[module].clone() if each is hidden else each

        return tuple(map(swap, args)), {name: swap(each) for name, each in kwargs.items()}

    def after(module: nn.Module, _: Any, result: Any) -> None:
        hidden = _first(result if isinstance(result, tuple) else (result,))
        if hidden is not None:
            outputs.setdefault(module, hidden)

    with _hooked(modules, before, after), torch.enable_grad():
        _call(model)
    return {module for module, hidden in outputs.items() if module in inputs and _last_alone(hidden, inputs[module])}


def _last_alone(output: Tensor, hidden: Tensor) -> bool:
    last = output.reshape(-1, output.shape[-1])[-1]
    (gradient,) = torch.autograd.grad(last.float().square().sum() + last.sum(), [hidden], allow_unused=True)
    if gradient is None:
        return False
    rows = gradient.reshape(-1, gradient.shape[-1]).abs().amax(1)
    return bool(rows[-1] > 0) and not bool((rows[:-1] > 0).any())


def normalises(model: nn.Module, modules: Sequence[nn.Module]) -> set[nn.Module]:
    """The modules whose output does not depend on the scale of the input."""
    shapes: dict[nn.Module, Tensor] = {}

    def before(module: nn.Module, args: Any, kwargs: Any) -> None:
        hidden = _first((*args, *kwargs.values()))
        if hidden is not None:
            shapes.setdefault(module, hidden)

    with _hooked(modules, before, lambda *_: None), torch.no_grad():
        _call(model)
        return {module for module, hidden in shapes.items() if _same_at_any_scale(module, hidden)}


def _same_at_any_scale(module: nn.Module, hidden: Tensor) -> bool:
    some = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(0)).to(hidden)
    try:
        one, other = module(4 * some), module(64 * some)
    except Exception:  # it needs more than one tensor, so it is not a plain normalisation
        return False
    if not isinstance(one, Tensor):
        return False
    return torch.allclose(one.float(), other.float(), rtol=2e-2, atol=2e-2) and bool(one.any())


def _depends(tensor: Any, on: Mapping[nn.Module, Tensor]) -> list[nn.Module]:
    """The modules on whose (detached) outputs a tensor depends."""
    if not isinstance(tensor, Tensor) or not tensor.requires_grad or not on:
        return []
    gradients = torch.autograd.grad(tensor.sum(), list(on.values()), retain_graph=True, allow_unused=True)
    return [module for module, gradient in zip(on, gradients, strict=True) if gradient is not None]


def _cut(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_(True)


def _first(values: Sequence[Any]) -> Tensor | None:
    """The first floating-point tensor with at least two dimensions."""
    tensors = (each for each in values if isinstance(each, Tensor) and each.is_floating_point() and each.ndim > 1)
    return next(tensors, None)


@contextmanager
def _hooked(modules: Sequence[nn.Module], before: Callable[..., Any], after: Callable[..., Any]) -> Iterator[None]:
    hooks = [each.register_forward_pre_hook(before, with_kwargs=True) for each in modules]
    hooks += [each.register_forward_hook(after) for each in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _call(model: Any) -> None:
    table = model.get_input_embeddings().weight
    ids = (torch.arange(1, TOKENS + 1, device=table.device) * 7919 % table.shape[0]).unsqueeze(0)
    more = {"decoder_input_ids": ids[:, :FEWER]} if model.config.is_encoder_decoder else {}
    model(input_ids=ids, use_cache=False, **more)
