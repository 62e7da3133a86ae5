"""Compute the last layer and the vocabulary logits of a model only at answer positions.

In a decoder's last layer, only keys and values are needed at all positions. Its position-wise parts (queries, attention
output, feed-forward part) affect the loss and its gradient only at the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from torch import Tensor, nn

SUPPORTED: Final = frozenset(
    {"cohere", "gemma", "granite", "llama", "mistral", "olmo", "olmo2", "qwen2", "qwen3", "smollm3", "stablelm"}
)
"""Model types whose layers are written this way (tests/training/test_answer_positions.py). Other models
compute all positions."""
PARTS: Final = ("self_attn.q_proj", "self_attn.o_proj", "mlp")
"""The position-wise parts of such a layer."""


@contextmanager
def narrowed(model: Any, at: Tensor) -> Iterator[None]:
    """Context manager: compute the model's last layer (if it is `SUPPORTED`) and its logits only `at` some positions.

    `at` [N] indexes the batch's flattened hidden states [B·T, d]. The logits have shape [N, V]; a model without a
    module for its logits returns all of them.
    """
    with ExitStack() as undo:
        for part in _parts(model):
            shapes: list[Any] = []
            undo.enter_context(part.register_forward_pre_hook(_taking(at, shapes)))
            undo.enter_context(part.register_forward_hook(_putting_back(at, shapes)))
        head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
        if head is not None:
            undo.enter_context(head.register_forward_pre_hook(_taking(at, [])))
        yield


def at_answers(logits: Tensor, at: Tensor) -> Tensor:
    """The logits [N, V] at these positions, from a `narrowed` model or a model without a module for its logits."""
    return logits if logits.ndim == 2 else logits.flatten(0, 1).index_select(0, at)


def model_type(model: Any) -> str | None:
    """The model's architecture, as transformers names it."""
    return getattr(getattr(model, "config", None), "model_type", None)


def _parts(model: Any) -> list[nn.Module]:
    if model_type(model) not in SUPPORTED:
        return []
    last = model.get_decoder().layers[-1]
    return [last.get_submodule(name) for name in PARTS]


def _taking(at: Tensor, shapes: list[Any]) -> Any:
    def take(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden, *rest = args
        shapes.append(hidden.shape[:2])
        return hidden.flatten(0, 1).index_select(0, at), *rest

    return take


def _putting_back(at: Tensor, shapes: list[Any]) -> Any:
    def put(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        rows, length = shapes.pop()
        return output.new_zeros(rows * length, output.shape[-1]).index_copy(0, at, output).view(rows, length, -1)

    return put
