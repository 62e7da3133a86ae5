"""Base models whose weights are kept in 4 or 8 bits, by bitsandbytes: QLoRA's (Dettmers et al., NeurIPS 2023)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from suite.core.errors import SuiteError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Quantization = Literal["4bit", "8bit"]


def check_installed(what: str = "a model in 4 or 8 bits", otherwise: str = "leave out `quantization`") -> None:
    """Raises SuiteError without the package that quantises weights and optimisers."""
    if find_spec("bitsandbytes") is None:
        raise SuiteError(f"{what} needs the package bitsandbytes", fix=f"pip install bitsandbytes, or {otherwise}")


def quantized_loading(kind: Quantization, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """Arguments of `from_pretrained` for weights in few bits that are computed with in `dtype`.

    4 bits are NF4, with constants that are quantised themselves, as in QLoRA; 8 bits are LLM.int8().
    """
    from transformers import BitsAndBytesConfig

    check_installed()
    settings: Any = BitsAndBytesConfig
    if kind == "8bit":
        config = settings(load_in_8bit=True)
    else:
        config = settings(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    return {"quantization_config": config, "device_map": {"": device}}


def keep_as_loaded(model: PreTrainedModel) -> None:
    """Do not let some processors pack weights anew while they answer: base models are compared bit by bit."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def is_quantized(model: PreTrainedModel) -> bool:
    """Whether a model was loaded in 4 or 8 bits. It is on its device already, and cannot be moved in every version."""
    return any(getattr(model, f"is_loaded_in_{bits}bit", False) for bits in (4, 8))
