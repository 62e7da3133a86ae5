"""A PEFT adapter on top of a base model: its folder, and its weights merged into the base."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from suite.core.errors import SuiteError
from suite.models.weight_files import ADAPTER

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS: Final = "adapter_model.safetensors"
BEFORE_TEXT: Final = frozenset(
    {"PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "ADAPTION_PROMPT", "CARTRIDGE"}
)
"""Kinds that are vectors before the text or in attention, which no weight can take in."""


def adapter_files(folder: Path) -> tuple[Path, Path]:
    """The settings and the weights of an adapter. Raises SuiteError if the folder holds none that can be merged."""
    settings = settings_of(folder)
    kind = str(settings.get("peft_type"))
    if kind in BEFORE_TEXT:
        what = f"{folder} holds an adapter of the kind {kind}, which cannot be merged into a model"
        raise SuiteError(what, fix="name the base model alone, or an adapter of weights, such as LoRA")
    if not (folder / WEIGHTS).is_file():
        fix = "save it with save_pretrained (safetensors): *.bin files are not loaded, since unpickling can run code"
        raise SuiteError(f"{folder} has no {WEIGHTS}", fix=fix)
    return folder / ADAPTER, folder / WEIGHTS


def settings_of(folder: Path) -> Mapping[str, Any]:
    """The adapter's settings. Raises SuiteError if the folder has none."""
    try:
        settings = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteError(f"{folder} is not an adapter: it has no {ADAPTER}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SuiteError(f"{folder / ADAPTER} cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(settings, Mapping):
        raise SuiteError(f"{folder / ADAPTER} holds no settings")
    return settings


def merged(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model with an adapter's weights merged in. Raises SuiteError if the adapter does not fit."""
    import peft

    try:
        adapted = peft.PeftModel.from_pretrained(model, str(folder), use_safetensors=True)
        result: PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    except Exception as error:  # shapes, names and settings are the user's, and peft raises whatever they cause
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        fix = f"name the base model that it was trained for: {settings_of(folder).get('base_model_name_or_path')}"
        raise SuiteError(f"the adapter {folder} does not fit the model ({reason})", fix=fix) from error
    return result
