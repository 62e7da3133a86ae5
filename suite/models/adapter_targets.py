"""The linear maps that a PEFT adapter changes in an architecture for which PEFT has no choice of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from peft import IA3Config
from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING
from peft.utils.constants import INCLUDE_LINEAR_LAYERS_SHORTHAND
from peft.utils.transformers_weight_conversion import _MODEL_TO_CONVERSION_PATTERN, _MOE_TARGET_MODULE_MAPPING
from torch import nn

from suite.models.linear_maps import every_linear_map, linear_maps, read_directly

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
    every, direct, kind = list(every_linear_map(model)), read_directly(model), str(model.config.model_type)
    usable = [path for path, each in linear_maps(model).items() if path not in direct and not decides(each)]
    if config.target_modules == INCLUDE_LINEAR_LAYERS_SHORTHAND:
        if len(usable) < len(every):
            config.target_modules = names_of(usable, every)
        return ""
    if config.target_modules is not None:
        return ""
    if isinstance(config, IA3Config):
        return "" if kind in TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING else _of_ia3(config, usable, every, kind)
    default = PEFT_TYPE_TO_TUNER_MAPPING[config.peft_type].target_module_mapping.get(kind)
    if default is not None:
        # as PEFT itself would, which it fails to do where transformers stores experts in one tensor
        config.target_modules = default if isinstance(default, str) else set(default)
        return ""
    renamed = _names_of_experts(config, kind)
    config.target_modules = names_of([path for path in usable if _last(path) not in renamed], every)
    return f"PEFT has no choice of maps for {kind}: the adapter changes all linear maps of the layers"


def _of_ia3(config: IA3Config, usable: Sequence[str], every: Sequence[str], kind: str) -> str:
    """Let IA³ scale keys, values and the hidden layer of MLPs if these have usual names, or all maps' outputs."""
    ends = [path for path in usable if _last(path) in LAST_OF_MLP]
    both = [path for path in usable if _last(path) in KEYS_AND_VALUES] + ends
    found = len(both) > len(ends)
    config.target_modules = names_of(both if found else usable, every)
    config.feedforward_modules = names_of(ends, every) if found else set()
    what = ", ".join(sorted({_last(path) for path in both})) if found else "all linear maps of the layers"
    return f"PEFT has no choice of maps for {kind}: IA³ scales {what}"


def decides(module: nn.Module) -> bool:
    """Whether a linear map chooses experts or opens a gate: it is a router, or gives one number."""
    return "Router" in type(module).__name__ or getattr(module, "out_features", 0) == 1


def names_of(chosen: Sequence[str], every: Sequence[str]) -> set[str]:
    """The last parts of some paths, as PEFT matches them; whole paths where others have the same last part."""
    taken = {_last(path) for path in set(every).difference(chosen)}
    return {path if _last(path) in taken else _last(path) for path in chosen}


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _names_of_experts(config: PeftConfig, kind: str) -> Collection[str]:
    """Names that PEFT takes for those of experts, in whatever module they are, and changes these instead (LoRA)."""
    pattern = _MODEL_TO_CONVERSION_PATTERN.get(kind)
    return _MOE_TARGET_MODULE_MAPPING.get(pattern, {}) if config.peft_type == "LORA" else ()
