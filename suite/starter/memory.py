"""Which methods this machine's memory can hold with a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from suite.core.errors import SuiteError
from suite.core.quantities import size
from suite.starter.budget import METHODS
from suite.starter.timing import on_cpu

NUMBERS: Final = {"float32": 4, "bfloat16": 2}
"""Bytes of a weight."""
FULL: Final = 16
"""Further bytes for each weight if all are trained: a float32 copy, its gradient, AdamW's two moments."""
KEPT_ON_CPU: Final = 16
"""What full training takes besides on a CPU: the best weights, and checkpoints while they are written.

Measured with SmolLM2-135M: full fine-tuning takes 33 bytes a weight more than LoRA, SVF 16.
"""
VECTORS: Final = 16
"""Further bytes for each weight in SVF: its decomposition, the matrices that are made from it, their gradients."""


@dataclass(frozen=True)
class FittingMethods:
    """The methods of a new workspace."""

    methods: tuple[str, ...] = METHODS
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Method -> bytes that it takes."""
    free: int = 0
    """Bytes that are free."""

    @property
    def note(self) -> str:
        """Why methods are left out; empty if none is."""
        if not self.left_out:
            return ""
        needed = [f"{name} ({size(count)})" for name, count in self.left_out.items()]
        return f"left out, as memory does not hold their training: {', '.join(needed)}; {size(self.free)} are free"


def methods_that_fit(parameters: int, dtype: str, device: str | None) -> FittingMethods:
    """The methods whose weights, gradients and moments fit; activations come on top, and micro-batches keep them small.

    Raises SuiteError if the model does not fit even without training.
    """
    free = _free(device)
    full = FULL + KEPT_ON_CPU * on_cpu(device)
    further = {"svf": VECTORS, "finetune": full, "promot": full}
    needed = {name: parameters * (NUMBERS[dtype] + further.get(name, 0)) for name in METHODS}
    if needed["lora"] > free:
        what = f"{parameters / 1e9:.1f} billion weights take {size(needed['lora'])}, and {size(free)} are free"
        raise SuiteError(what, where="--model", fix="choose a smaller model, or another machine")
    left_out = {name: count for name, count in needed.items() if count > free}
    return FittingMethods(tuple(name for name in METHODS if name not in left_out), left_out, free)


def _free(device: str | None) -> int:
    """The bytes that are free on the machine or its GPU."""
    import psutil
    import torch

    return int(psutil.virtual_memory().available if on_cpu(device) else torch.cuda.mem_get_info()[0])
