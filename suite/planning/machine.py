"""A machine that steps are planned for: `1xH100-80GB`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from suite.core.errors import SuiteError
from suite.core.quantities import byte_count, size
from suite.planning.speed import CPU_CORE, GPU, DeviceSpeed

CONTEXT: Final = 600_000_000
"""Bytes that CUDA's context and its libraries' kernels take."""
LOST: Final = 0.05
"""Share of a GPU's memory that its allocator cannot use, as free pieces are too small."""
REACHED: Final = (0.4, 0.7)
"""Assumed shares of a GPU's arithmetic and of its bandwidth that passes through a model reach; not measured."""
GPUS: Final = {
    "V100": (14e12, 112e12, 0.9e12), "T4": (8e12, 65e12, 0.32e12), "A10": (31e12, 125e12, 0.6e12),
    "A100": (19.5e12, 312e12, 2.0e12), "L4": (30e12, 121e12, 0.3e12), "L40S": (91e12, 362e12, 0.86e12),
    "RTX3090": (35e12, 71e12, 0.94e12), "RTX4090": (82e12, 165e12, 1.0e12), "H100": (67e12, 989e12, 3.35e12),
    "H200": (67e12, 989e12, 4.8e12), "B200": (75e12, 2250e12, 8.0e12),
}  # fmt: skip
"""Name -> operations a second in float32 and in bfloat16 without sparsity, and bytes a second; as NVIDIA gives them."""
_FORM: Final = re.compile(r"(?:(\d+)x)?([A-Za-z0-9.]+)-(\d+(?:\.\d+)?[GgTt][Ii]?[Bb])")


@dataclass(frozen=True)
class TargetMachine:
    """Equal GPUs, or a CPU."""

    count: int
    name: str
    memory: int
    """Bytes of one device."""

    @classmethod
    def of(cls, text: str) -> TargetMachine:
        """Parse `1xH100-80GB`, `A10-24GB` or `cpu-16GB`. Raises SuiteError for anything else."""
        match = _FORM.fullmatch(text.strip())
        if match is None or int(match[1] or 1) < 1:
            fix = "write the number of GPUs, their name and the memory of one: 1xH100-80GB, or cpu-16GB"
            raise SuiteError(f"{text!r} describes no machine", where="--machine", fix=fix)
        return cls(int(match[1] or 1), match[2], byte_count(match[3], "--machine"))

    @property
    def on_gpu(self) -> bool:
        """Whether steps run on a GPU."""
        return self.name.lower() != "cpu"

    @property
    def speed(self) -> DeviceSpeed:
        """What one device is assumed to reach: shares of what its vendor gives, or those of a large GPU."""
        if not self.on_gpu:
            return CPU_CORE
        if self.name not in GPUS:
            return DeviceSpeed(self.name, GPU.arithmetic, GPU.bandwidth)
        (computed, moved), (in_float32, in_bf16, bandwidth) = REACHED, GPUS[self.name]
        arithmetic = {"float32": computed * in_float32, "bf16": computed * in_bf16}
        return DeviceSpeed(self.name, arithmetic, moved * bandwidth)

    @property
    def usable(self) -> int:
        """Bytes of one device that tensors can take."""
        return round(self.memory * (1 - LOST)) - CONTEXT

    @property
    def title(self) -> str:
        """The name of one device for readers."""
        return f"{self.name} of {size(self.memory)}"
