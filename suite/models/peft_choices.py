"""The architectures for which PEFT chooses the maps of an adapter, read from its source: planning imports no torch."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

AdapterKind = Literal["LORA", "BOFT", "IA3"]
TABLES: Final[dict[AdapterKind, str]] = {
    "LORA": "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING",
    "BOFT": "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING",  # PEFT copies LoRA's
    "IA3": "TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING",
}
"""Kind of adapter -> PEFT's table of maps by model type."""
CONV1D: Final = frozenset({"gpt2", "openai-gpt"})
"""Model types whose linear maps are transformers' `Conv1D`, which PEFT's BOFT does not take."""


@cache
def chosen_for(kind: AdapterKind) -> frozenset[str] | None:
    """The model types in PEFT's table; None if its source is not as expected."""
    found = find_spec("peft")
    file = None if found is None or found.origin is None else Path(found.origin).parent / "utils" / "constants.py"
    if file is None or not file.is_file():
        return None
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        named = isinstance(node, ast.Assign) and [each.id for each in node.targets if isinstance(each, ast.Name)]
        if named == [TABLES[kind]] and isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            return frozenset(str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))
    return None
