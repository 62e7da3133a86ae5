"""Snapshots of models and adapters in the hub's local cache."""

from __future__ import annotations

from pathlib import Path

from suite.core.errors import SuiteError
from suite.models.peft_folder import WEIGHTS
from suite.models.weight_files import ADAPTER, weight_files


def snapshot_of(hub_id: str, revision: str | None, *, described: bool) -> Path | None:
    """The snapshot of a hub model in the local cache if it is complete, or `described`; otherwise None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(hub_id, "config.json", revision=revision)
    except HFValidationError as error:
        raise SuiteError(f"'{hub_id}' is not a hub id", fix="write it as org/name") from error
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    try:
        weight_files(folder)
    except SuiteError:
        if not described:
            return None
    return folder if any(folder.glob("tokenizer*")) else None


def adapter_snapshot_of(hub_id: str) -> Path | None:
    """The snapshot of an adapter in the hub's local cache, if it is complete."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(hub_id, name) for name in (ADAPTER, WEIGHTS)]
    return Path(str(found[0])).parent if all(isinstance(file, str) for file in found) else None
