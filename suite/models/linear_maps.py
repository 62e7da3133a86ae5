"""The linear maps of a model's layers, and those whose weights the model may use without calling them."""

from __future__ import annotations

from typing import Any, Final, cast

from torch import nn
from transformers.pytorch_utils import Conv1D

KINDS: Final = (nn.Linear, Conv1D)
"""GPT-2's `Conv1D` is a linear map whose weight is [in, out]."""


def every_linear_map(model: nn.Module) -> dict[str, nn.Module]:
    """All linear maps by path, in the model's order, except the head."""
    head: Any = getattr(model, "get_output_embeddings", lambda: None)()
    return {path: each for path, each in model.named_modules() if isinstance(each, KINDS) and each is not head}


def linear_maps(model: Any) -> dict[str, nn.Module]:
    """Those of the layers that read texts: a model that also reads images has others, which no text reaches."""
    inside = {id(module) for module in _reading_texts(model).modules()}
    return {path: each for path, each in every_linear_map(model).items() if id(each) in inside}


def _reading_texts(model: Any) -> nn.Module:
    config = getattr(model, "config", None)
    both = config is not None and not config.is_encoder_decoder and hasattr(config, "vision_config")
    return cast(nn.Module, model.get_decoder() if both else model)


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
    """The share of the values in the layers' matrices, of those that read texts, that the named weights have."""
    inside = {id(parameter) for parameter in _reading_texts(model).parameters()}
    matrices = {
        name: each.numel()
        for name, each in model.named_parameters()
        if each.ndim > 1 and id(each) in inside and any(part.isdecimal() for part in name.split("."))
    }
    return sum(matrices.get(name, 0) for name in names) / (sum(matrices.values()) or 1)
