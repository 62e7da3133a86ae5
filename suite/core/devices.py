"""Devices: the class that measured rates and results belong to, and which device is used by default. Without torch."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

CPU: Final = "cpu"
CUDA: Final = "cuda"
"""The class of a GPU whose model is not known."""
CPU_INFO: Final = Path("/proc/cpuinfo")
SMI_SECONDS: Final = 10.0


def device_class(device: str | None, name: str | None = None) -> str | None:
    """The class of a device (`cpu`, `cuda:1` …): `cpu`, a GPU's model `name`, or its kind if the model is not known.

    None if no device is known.
    """
    if device is None:
        return None
    kind = device.partition(":")[0]
    return kind if kind == CPU or not name else name


def class_here(device: str | None) -> str:
    """The class of a device of this machine, by the name that `--device` has; None: the device used by default."""
    names = gpu_names()
    if device is None:
        return names[0] if names else CPU
    kind, _, index = device.partition(":")
    if kind != CUDA:
        return kind
    at = int(index) if index.isdecimal() else 0
    return names[at] if at < len(names) else CUDA


def gpu_names() -> tuple[str, ...]:
    """The models of the GPUs that torch can use, in its order; empty if there are none."""
    if "torch" in sys.modules:
        import torch

        return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return _listed(os.environ.get("CUDA_VISIBLE_DEVICES"))


@cache
def cpu_name() -> str:
    """The processor's model, or its architecture if the system does not say it."""
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(errors="replace"), re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    return platform.processor() or platform.machine()


@cache
def _listed(visible: str | None) -> tuple[str, ...]:
    """The models of the `visible` GPUs as the driver's own program lists them: importing torch takes seconds."""
    with suppress(importlib.metadata.PackageNotFoundError):
        if importlib.metadata.version("torch").endswith("+cpu"):
            return ()
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        run = subprocess.run([program, "-L"], capture_output=True, text=True, check=True, timeout=SMI_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ()
    return visible_gpus(run.stdout, visible)


def visible_gpus(listing: str, visible: str | None) -> tuple[str, ...]:
    """The models in a listing of `nvidia-smi -L` that CUDA_VISIBLE_DEVICES names, in its order; None: all."""
    gpus = re.findall(r"^GPU (\d+): (.+?) \(UUID: (\S+)\)", listing, re.MULTILINE)
    if visible is None:
        return tuple(name for _, name, _ in gpus)
    chosen: list[str] = []
    for wanted in (part.strip() for part in visible.split(",")):
        name = next((name for at, name, uuid in gpus if wanted and (at == wanted or uuid.startswith(wanted))), None)
        if name is None:  # CUDA ignores all from the first that there is not
            break
        chosen.append(name)
    return tuple(chosen)
