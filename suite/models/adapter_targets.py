"""The linear maps that a PEFT adapter changes in an architecture for which PEFT has no choice of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from peft import IA3Config
from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING
from peft.utils.constants import INCLUDE_LINEAR_LAYERS_SHORTHAND
from peft.utils.transformers_weight_conversion import _MODEL_TO_CONVERSION_PATTERN, _MOE_TARGET_MODULE_MAPPING
from torch import nn

from suite.models.linear_maps import linear_maps, read_directly

KEYS_AND_VALUES: Final = frozenset(
    {"k_proj", "v_proj", "k", "v", "key", "value", "query_key_value", "qkv_proj", "Wqkv", "kv_b_proj"}
)
"""Names of the maps to keys and values, alone or with queries."""
LAST_OF_MLP: Final = frozenset({"down_proj", "fc2", "wo", "dense_4h_to_h", "fc_out"})
"""Names of the maps from the hidden layer of an MLP, whose input IA³ scales."""


def choose_targets(config: PeftConfig, model: Any) -> str:
    """Name the maps in a configuration that leaves them to PEFT, where PEFT has no choice for this architecture.

    Returns a notice that says so; empty where PEFT chooses or the configuration does.
    """
    maps = linear_maps(model)
    left_out = read_directly(model) | {path for path, each in maps.items() if decides(each)}
    usable = names_without(maps, left_out | _renamed(config, model, maps))
    if config.target_modules == INCLUDE_LINEAR_LAYERS_SHORTHAND:
        config.target_modules = set(names_without(maps, left_out)) if left_out else config.target_modules
        return ""
    if config.target_modules is not None:
        return ""
    kind = str(model.config.model_type)
    if isinstance(config, IA3Config):
        if kind in TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING:
            return ""
        last = {path.rpartition(".")[2] for path in usable}
        chosen, ends = last & KEYS_AND_VALUES, last & LAST_OF_MLP
        config.target_modules, config.feedforward_modules = (chosen | ends, ends) if chosen else (set(usable), set())
        what = ", ".join(sorted(config.target_modules)) if chosen else "all linear maps"
        return f"PEFT has no choice of maps for {kind}: IA³ scales {what}"
    default = PEFT_TYPE_TO_TUNER_MAPPING[config.peft_type].target_module_mapping.get(kind)
    if default is not None:
        # as PEFT itself would, which it fails to do where transformers stores experts in one tensor
        config.target_modules = default if isinstance(default, str) else set(default)
        return ""
    config.target_modules = set(usable)
    return f"PEFT has no choice of maps for {kind}: the adapter changes all linear maps of the layers"


def decides(module: nn.Module) -> bool:
    """Whether a linear map chooses experts or opens a gate: it is a router, or gives one number."""
    return "Router" in type(module).__name__ or getattr(module, "out_features", 0) == 1


def names_without(maps: Iterable[str], left_out: frozenset[str]) -> list[str]:
    """The last parts of the maps' paths, as PEFT matches them; whole paths where others have the same last part."""
    taken = {path.rpartition(".")[2] for path in left_out}
    last = {path: path.rpartition(".")[2] for path in maps if path not in left_out}
    return sorted({path if name in taken else name for path, name in last.items()})


def _renamed(config: PeftConfig, model: Any, maps: Iterable[str]) -> frozenset[str]:
    """Paths of maps whose names PEFT takes for those of experts, which it then changes instead (LoRA only)."""
    pattern = _MODEL_TO_CONVERSION_PATTERN.get(model.config.model_type)
    names = _MOE_TARGET_MODULE_MAPPING.get(pattern, {}) if config.peft_type == "LORA" else {}
    return frozenset(path for path in maps if path.rpartition(".")[2] in names)
