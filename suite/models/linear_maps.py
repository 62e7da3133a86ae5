"""The linear maps of a model's layers, and those whose weights the model may use without calling them."""

from __future__ import annotations

from typing import Any, Final

from torch import nn
from transformers.pytorch_utils import Conv1D

KINDS: Final = (nn.Linear, Conv1D)
"""GPT-2's `Conv1D` is a linear map whose weight is [in, out]."""


def linear_maps(model: nn.Module) -> dict[str, nn.Module]:
    """The linear maps by path, in the model's order, without the head."""
    head: Any = getattr(model, "get_output_embeddings", lambda: None)()
    return {path: each for path, each in model.named_modules() if isinstance(each, KINDS) and each is not head}


def read_directly(model: nn.Module) -> frozenset[str]:
    """Paths of linear maps whose weights a state-space mixer reads itself, at least in its fused kernels.

    What wraps such a map (an adapter) or waits for its call has no effect.
    """
    return frozenset(
        f"{path}.{name}"
        for path, mixer in model.named_modules()
        if hasattr(mixer, "A_log")
        for name, each in mixer.named_children()
        if isinstance(each, KINDS) and not name.startswith("in_proj")
    )


def covered(model: nn.Module, names: tuple[str, ...]) -> float:
    """The share of the matrices' values in a model's layers that the named weights have."""
    inside = {
        id(each)
        for path, each in model.named_parameters()
        if each.ndim > 1 and any(map(str.isdecimal, path.split(".")))
    }
    every = {id(each): each.numel() for each in model.parameters() if id(each) in inside}
    chosen = {id(model.get_parameter(name)) for name in names}
    return sum(every.get(each, 0) for each in chosen) / (sum(every.values()) or 1)
