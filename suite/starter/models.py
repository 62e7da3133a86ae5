"""The model of a new workspace: what the command line names, as a track writes it."""

from __future__ import annotations

import re
from pathlib import Path

from suite.core.errors import SuiteError
from suite.models.source import ModelSource

_HUB_ID = re.compile(r"(?P<hub>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def model_named(text: str) -> ModelSource:
    """A folder, a GGUF file, or a model on the hub (`org/name`, `org/name@revision`).

    Raises SuiteError for what can be none of them.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return ModelSource(path=str(path.resolve()))
    if path.suffix.lower() == ".gguf":
        if not path.is_file():
            raise SuiteError("there is no such file", where=f"--model {text}", fix="check the path")
        return ModelSource(gguf=str(path.resolve()))
    found = _HUB_ID.fullmatch(text)
    if found is None or path.exists() or text.startswith((".", "~", "/")):
        fix = "name a folder with config.json, a GGUF file, or org/name of the hub"
        raise SuiteError("is no model", where=f"--model {text}", fix=fix)
    return ModelSource(hub=found["hub"], revision=found["revision"])


def written(source: ModelSource) -> str:
    """A model as a track has it, on one line."""
    fields = source.model_dump(exclude_defaults=True)
    return "{" + ", ".join(f"{name}: {_quoted(value)}" for name, value in fields.items()) + "}"


def _quoted(value: object) -> str:
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z/][\w./@+-]*", text) is not None
    return text if plain else "'" + text.replace("'", "''") + "'"
