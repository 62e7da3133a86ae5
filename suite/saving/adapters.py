"""A folder for `PeftModel.from_pretrained`."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import get_peft_config
from safetensors.torch import save_file

from suite.models.artifacts import PeftFiles

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"


def write_adapter(
    files: PeftFiles, folder: Path, base: str, revision: str | None = None, dtype: torch.dtype | None = None
) -> None:
    """Write an adapter that names its base model, in float32 or as numbers of another type."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().cpu().to(dtype or tensor.dtype).contiguous() for name, tensor in files.tensors.items()
    }
    save_file(tensors, folder / TENSORS, metadata={"format": "pt"})
    config = get_peft_config({**files.settings, "base_model_name_or_path": base, "revision": revision})
    config.inference_mode = True
    config.save_pretrained(folder)
